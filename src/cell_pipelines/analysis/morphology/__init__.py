"""How large, how round and how bright each cell is: outlines and an image in, a row of measurements a cell out.

`measuring.measure_cells` is the door; it asks `spans` for the pixels of each cell, `shapes` for its form,
`intensity` for its brightness and `texture` for its grain. The compiled loops are in the two kernel files.
"""
