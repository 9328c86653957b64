import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.workflows.drawing import with_states


def test_states_find_their_cells_in_whatever_order_both_stand():
    builder = AnnotationBuilder(("cell",))
    rows = [builder.add_image(f"{name}.png", width=9, height=9) for name in "ab"]
    for row, left in ((1, 0), (0, 1), (1, 2)):
        builder.add_box(rows[row], "cell", (left, 0, left + 1, 1))
    states = pd.DataFrame(
        {"image": ["a.png", "b.png", "b.png"], "object": [0, 1, 0], "status": ["live", "dead", "stain"]}
    )
    drawn = with_states(builder.build(), states, ("live", "dead", "stain"))
    assert drawn.category.tolist() == [2, 0, 1] and drawn.boxes[:, 0].tolist() == [0.0, 1.0, 2.0]
