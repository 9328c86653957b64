import json

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.active_learning.marking import mark_suspects
from cell_pipelines.annotations.formats.registry import FORMATS, create_format, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.selection import select_images

CELLS = {"a.png": [("live", (4, 4, 16, 16), 0), ("dead", (30, 20, 44, 34), 0)], "b.png": [("live", (8, 8, 20, 20), 0)]}


@pytest.fixture
def marked(build):
    """Return what marks three suspects: a label of each image and a missing one."""
    truth = build(CELLS, "box", categories=("live", "dead"), scores=False)
    proposal = select_images(
        build({"b.png": [("dead", (40, 10, 50, 20), 0.8)]}, "box", categories=("live", "dead")), [0]
    )
    suspects = pd.DataFrame(
        [
            (1, "b.png", "missing_label", 0.9, pd.NA),
            (2, "a.png", "wrong_class", 0.8, 1),
            (3, "b.png", "spurious_label", 0.7, 0),
            (4, "c.png", "spurious_label", 0.6, 0),
        ],
        columns=["rank", "image", "kind", "suspicion", "label"],
    ).assign(reason="because")
    return truth, lambda mark: mark_suspects(truth, suspects, {1: proposal}, mark=mark)


def test_suspects_are_marked_by_attributes_and_keep_their_class(marked):
    truth, mark = marked
    found = mark("attribute")
    assert found.names == truth.names
    assert found.categories == truth.categories
    told = [json.loads(text or "{}").get("suspect") for text in found.objects["attributes"].to_pylist()]
    assert told == [None, "wrong_class", "spurious_label", "missing_label"]
    assert np.array_equal(found.boxes[:3], truth.boxes)
    assert found.boxes[3].tolist() == [40, 10, 50, 20]


def test_suspects_are_marked_by_classes_of_their_own(marked):
    found = marked[1]("category")
    names = [found.categories[code] for code in found.category]
    assert names == [
        "live", "dead suspected wrong_class", "live suspected spurious_label", "dead suspected missing_label"
    ]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_marked_boxes_are_written_in_every_format_that_has_any_geometry_for_them(marked, format, tmp_path):
    keeps = create_format(format).CAPABILITIES.attributes is True
    found = marked[1]("attribute" if keeps else "category")
    if create_format(format).CAPABILITIES.geometries == ("point",):
        return
    write_annotations(found, tmp_path, format=format)
    if format not in ("coco", "labelme", "qupath_geojson", "yolo", "pascal_voc", "cvat"):
        return
    index = ImageIndex([ImageRecord(name, 60, 40) for name in found.names])
    back = read_annotations(tmp_path, index, format=format).annotations
    assert back.n_objects == found.n_objects
    if keeps:
        kinds = [json.loads(text or "{}").get("suspect") for text in back.objects["attributes"].to_pylist()]
        assert sorted(filter(None, kinds)) == ["missing_label", "spurious_label", "wrong_class"]
    else:
        assert sum("suspected" in back.categories[code] for code in back.category) == 3


def test_nothing_suspected_changes_nothing(marked):
    truth, _ = marked
    none = pd.DataFrame({name: [] for name in ("rank", "image", "kind", "suspicion", "label", "reason")})
    same = mark_suspects(truth, none, {}, mark="category")
    assert same.fingerprint() == truth.fingerprint()
