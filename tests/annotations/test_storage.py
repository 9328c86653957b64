import numpy as np
import pyarrow.parquet as pq

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.storage import read_parquet, write_parquet


def a_set():
    builder = AnnotationBuilder(["cell", "debris"])
    row = builder.add_image("a/b.png", width=9, height=7, split="val", pixel_height_um=0.5, pixel_width_um=0.5)
    builder.add_box(row, "cell", (1, 2, 3, 4), score=0.5)
    builder.add_polygon(row, "debris", [np.array([[0.0, 0], [4, 0], [4, 4]])], attributes={"by": "hand"})
    builder.add_image("empty.png", width=9, height=7)
    return builder.build()


def test_what_was_written_is_read_again(tmp_path):
    for annotations in (a_set(), AnnotationSet.empty(), AnnotationSet.empty(["cell"])):
        write_parquet(annotations, tmp_path / "set")
        again = read_parquet(tmp_path / "set")
        assert again.categories == annotations.categories
        assert again.images.equals(annotations.images)
        assert again.objects.equals(annotations.objects)


def test_a_set_of_a_version_that_knew_no_pixel_sizes_is_read_with_none(tmp_path):
    write_parquet(a_set(), tmp_path / "set")
    path = tmp_path / "set" / "images.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["pixel_height_um", "pixel_width_um"]), path)
    again = read_parquet(tmp_path / "set")
    assert again.categories == a_set().categories
    assert again.images["pixel_height_um"].null_count == again.n_images == 2
    assert again.objects.equals(a_set().objects)
