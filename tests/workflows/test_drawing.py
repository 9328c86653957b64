import numpy as np
import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.workflows import drawing
from cell_pipelines.workflows.drawing import draw_picture, with_states


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


def test_an_image_that_is_read_part_by_part_is_drawn_on_reduced(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_MOST_PIXELS", 1000)
    monkeypatch.setattr(drawing, "_OVERVIEW_PX", 400)
    write_image(np.zeros((600, 800), np.uint8), tmp_path / "a.tif")
    mask = np.zeros((600, 800), bool)
    mask[200:300, 400:480] = True
    builder = AnnotationBuilder(("cell",))
    builder.add_image("a.tif", width=800, height=600)
    builder.add_object(0, "cell", "mask", (400, 200, 480, 300), counts=mask_to_run_lengths(mask))
    drawn = draw_picture(ImageFile(tmp_path / "a.tif"), builder.build())
    assert drawn.shape[1] == 400
    rows, columns = np.nonzero(drawn[:300].max(axis=2) > 60)
    assert 98 <= rows.min() <= 100 and 149 <= rows.max() <= 151
    assert 198 <= columns.min() <= 200 and 239 <= columns.max() <= 241
