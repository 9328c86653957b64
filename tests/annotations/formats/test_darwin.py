"""V7 Darwin JSON 2.0 and 1.0."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import darwin
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SLOT = {"type": "image", "slot_name": "0", "width": 10, "height": 8, "source_files": []}
ITEM = {"item": {"name": "a.png", "path": "/set", "slots": [SLOT]}}


def _path(*points: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in points]


SQUARE = _path((1, 1), (7, 1), (7, 7), (1, 7))


def _read(folder: Path, annotations: list[Any], head: dict[str, Any] | None = None) -> Conversion:
    named = [{"name": "cell", **annotation} for annotation in annotations]
    (folder / "a.json").write_text(json.dumps({"version": "2.0", **(head or ITEM), "annotations": named}))
    images = ImageIndex(ImageRecord(name, 10, 8) for name in ("set/a.png", "other/a.png"))
    conversion = darwin.read(folder, images)
    conversion.check()
    return conversion


def test_every_annotation_with_an_area_is_read(tmp_path: Path) -> None:
    box = {"bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}}
    conversion = _read(
        tmp_path,
        [
            {**box, "inference": {"confidence": 0.5}, "attributes": ["mitotic"], "text": {"text": "odd"}},
            {**box, "polygon": {"paths": [SQUARE, _path((2, 2), (4, 2), (4, 4))]}},
            {"ellipse": {"center": {"x": 5, "y": 4}, "radius": {"x": 2, "y": 1}, "angle": np.pi / 2}},
            {"keypoint": {"x": 3.5, "y": 2}},
            {"tag": {}},
            {"line": {"path": SQUARE}},
        ],
    )
    first, polygon, ellipse, point = conversion.annotations.objects.to_pylist()
    assert [r["geometry"] for r in (first, polygon, ellipse, point)] == [0, 2, 2, 1]
    assert first["score"] == 0.5
    assert json.loads(first["attributes"]) == {"attributes": ["mitotic"], "text": "odd"}
    assert len(polygon["rings"]) == 2
    np.testing.assert_allclose([ellipse[s] for s in ("x_min", "y_min", "x_max", "y_max")], [4, 2, 6, 6])
    assert conversion.annotations.names == ["set/a.png"]
    assert sorted(f.action for f in conversion.findings) == ["changed", "dropped", "noted", "skipped"]


def test_the_older_version_is_read(tmp_path: Path) -> None:
    head = {"version": "1.0", "image": {"width": 10, "height": 8, "original_filename": "a.png", "path": "/set"}}
    hole = _path((2, 2), (4, 2), (4, 4))
    polygons = [{"polygon": {"path": SQUARE}}, {"polygon": {"path": SQUARE, "additional_paths": [hole]}}]
    conversion = _read(tmp_path, [*polygons, {"complex_polygon": {"path": [SQUARE, hole]}}], head)
    assert [len(rings) for rings in conversion.annotations.objects["rings"].to_pylist()] == [1, 2, 2]


def test_masks_of_a_raster_layer_are_read_to_the_pixel(tmp_path: Path) -> None:
    labels = np.random.default_rng(2).integers(0, 3, (8, 10))
    runs = [n for value in labels.ravel().tolist() for n in (value, 1)]
    layer = {"dense_rle": runs, "mask_annotation_ids_mapping": {"one": 1, "two": 2, "none": 3}, "total_pixels": 80}
    masks = [{"id": name, "mask": {}} for name in ("two", "one", "none", "unknown")]
    conversion = _read(tmp_path, [*masks, {"name": "__raster_layer__", "raster_layer": layer}])
    drawn = [run_lengths_to_mask(counts, 8, 10) for counts in conversion.annotations.objects["counts"].to_pylist()]
    assert (drawn[0] == (labels == 2)).all()
    assert (drawn[1] == (labels == 1)).all()
    assert (conversion.objects_in, conversion.objects_dropped) == (4, 2)


def test_a_raster_layer_that_does_not_fit_drops_its_masks_alone(tmp_path: Path) -> None:
    for runs in (
        [1, 79],
        [1],
        [1, -1, 0, 81],
        ["x"],
        None,
        [1, 2**62, 0, 2**62, 0, 2**62, 0, 2**62, 0, 80],
        [[1, 2], [3]],
    ):
        layer = {"dense_rle": runs, "mask_annotation_ids_mapping": {"one": 1}}
        box = {"bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}}
        conversion = _read(tmp_path, [{"id": "one", "mask": {}}, {"raster_layer": layer}, box])
        assert (conversion.annotations.n_objects, conversion.objects_dropped) == (1, 1)
