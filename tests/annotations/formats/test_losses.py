"""Losses of a format are listed for what the set holds, not for what sets may hold."""

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.losses import loss_table, share_pixels

SHARED = "pixels shared by several objects"


@pytest.mark.parametrize(
    ("second", "overlap"), [((20, 2, 30, 12), False), ((12, 2, 22, 12), False), ((8, 2, 18, 12), True)]
)
def test_shared_pixels_are_lost_only_where_objects_share_some(second: tuple[int, ...], overlap: bool) -> None:
    builder = AnnotationBuilder(("cell",))
    row = builder.add_image("a.png", width=40, height=20)
    other = builder.add_image("b.png", width=40, height=20)
    builder.add_box(row, "cell", (2, 2, 12, 12))
    builder.add_box(row, "cell", second)
    builder.add_box(other, "cell", (2, 2, 12, 12))
    annotations = builder.build()
    assert share_pixels(annotations) is overlap
    assert loss_table(annotations)["lost"].str.contains(SHARED).any() == overlap
