"""Measure size, shape and intensity of cells: outlines and an image in, one row per cell out.

`measuring.measure_cells` is the entry point; it asks `spans` for the pixels of each cell, `shapes` for its form,
`intensity` for its brightness and `texture` for its grain. The compiled loops are in the two kernel files.
"""
