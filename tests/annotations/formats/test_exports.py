"""Exports are loaded by the tools that they are for: Ultralytics, pycocotools, roifile, shapely."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.models.ultralytics_home import prepare_ultralytics

KINDS = {
    "boxes": ("box",), "polygons": ("polygon",), "masks": ("mask",), "both": ("box", "polygon"), "all": GEOMETRIES,
}  # fmt: skip


def _write_images(annotations: AnnotationSet, folder: Path) -> None:
    import PIL.Image

    for record in annotations.images.to_pylist():
        path = folder / record["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (record["width"], record["height"])).save(path)


@pytest.fixture
def scene() -> Callable[..., AnnotationSet]:
    """A maker of a set of four images of 64 x 48 pixels with six objects of all geometries asked for in each."""

    def make(geometries: tuple[str, ...], *, scores: bool, splits: bool) -> AnnotationSet:
        builder = AnnotationBuilder(["live", "dead cell"])
        for number in range(4):
            split = ("train", "train", "val", "test")[number] if splits else None
            row = builder.add_image(f"plate/{number}.png", width=64, height=48, split=split)
            for place in range(6 if number else 0):
                _add(builder, (row, geometries[place % len(geometries)], place), 0.5 if scores else None)
        return builder.build()

    return make


def _add(builder: AnnotationBuilder, what: tuple[int, str, int], score: float | None) -> None:
    row, geometry, place = what
    x, y, name = 10.0 * place, 6.0 * place, ("live", "dead cell")[place % 2]
    if geometry == "polygon":
        rings = [np.array([[x, y], [x + 9, y], [x + 9, y + 9], [x, y + 9]])]
        builder.add_polygon(row, name, rings, score=score)
    elif geometry == "mask":
        # Columns of 48 pixels; 5 x 5 pixels are set.
        runs, left, top = [], int(x), int(y)
        for column in range(5):
            runs += [48 * left + top if not column else 43, 5]
        runs.append(64 * 48 - sum(runs))
        builder.add_object(
            row, name, "mask", (left, top, left + 5, top + 5), counts=np.array(runs, np.uint32), score=score
        )
    else:
        builder.add_object(
            row, name, geometry, (x, y, x, y) if geometry == "point" else (x, y, x + 9, y + 9), score=score
        )


@pytest.mark.parametrize("splits", [False, True])
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("kind", ["boxes", "polygons", "masks", "both"])
def test_ultralytics_loads_every_label_of_a_yolo_export(
    kind: str, scores: bool, splits: bool, tmp_path: Path, scene: Callable[..., AnnotationSet]
) -> None:
    prepare_ultralytics()
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    annotations = scene(KINDS[kind], scores=scores, splits=splits)
    write_annotations(annotations, tmp_path, format="yolo")
    _write_images(annotations, tmp_path / "images")
    data = check_det_dataset(str(tmp_path / "data.yaml"), autodownload=False)
    assert data["names"] == {0: "live", 1: "dead cell"}
    loaded = {}
    for split in ("train", "val", *(["test"] if splits else [])):
        task = "detect" if kind == "boxes" else "segment"
        dataset = YOLODataset(img_path=data[split], data=data, task=task, augment=False, imgsz=64)
        loaded.update({Path(label["im_file"]).name: label for label in dataset.labels})
    assert sorted(loaded) == [f"{number}.png" for number in range(4)]
    for number, rows in enumerate(annotations.rows_by_image()):
        label = loaded[f"{number}.png"]
        assert label["cls"].ravel().tolist() == annotations.category[rows].tolist()
        boxes = annotations.boxes[rows]
        centres = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
        np.testing.assert_allclose(label["bboxes"].reshape(-1, 4), centres / [64, 48, 64, 48], atol=1e-6)
        assert len(label["segments"]) == (0 if kind == "boxes" else len(rows))


def test_a_yolo_export_without_splits_says_so_and_comes_back_without_them(
    tmp_path: Path, scene: Callable[..., AnnotationSet], index_of: Callable[[AnnotationSet], ImageIndex]
) -> None:
    annotations = scene(("box",), scores=True, splits=False)
    findings = write_annotations(annotations, tmp_path, format="yolo")
    remark = "No image is said to be for train and val; images stands there, since Ultralytics asks for both."
    assert [f.reason for f in findings if f.action == "noted"] == [remark]
    text = (tmp_path / "data.yaml").read_text()
    assert text.startswith(f"# {remark}")
    assert yaml.safe_load(text) == {"train": "images", "val": "images", "names": {0: "live", 1: "dead cell"}}
    again = read_annotations(tmp_path, index_of(annotations))
    assert again.annotations.images["split"].to_pylist() == [None] * 4


def test_boxes_that_reach_out_of_the_image_do_not_spoil_its_other_labels(tmp_path: Path) -> None:
    prepare_ultralytics()
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("images/a/images/1.png", width=64, height=48)
    for box in ((-5, 2, 9, 9), (20, 20, 90, 70)):
        builder.add_box(row, "cell", box)
    annotations = builder.build()
    findings = write_annotations(annotations, tmp_path, format="yolo")
    assert [f.objects for f in findings if f.action == "changed"] == [2]
    _write_images(annotations, tmp_path)
    data = check_det_dataset(str(tmp_path / "data.yaml"), autodownload=False)
    [label] = YOLODataset(img_path=data["train"], data=data, task="detect", augment=False, imgsz=64).labels
    np.testing.assert_allclose(label["bboxes"] * [64, 48, 64, 48], [[4.5, 5.5, 9, 7], [42, 34, 44, 28]], atol=1e-4)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
@pytest.mark.parametrize("kind", ["boxes", "polygons", "masks", "all"])
def test_pycocotools_evaluates_a_coco_export_against_itself(
    kind: str, tmp_path: Path, scene: Callable[..., AnnotationSet]
) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = scene(KINDS[kind], scores=False, splits=False)
    found = scene(KINDS[kind], scores=True, splits=False)
    write_annotations(truth, tmp_path, format="coco")
    coco = COCO(str(tmp_path / "annotations.json"))
    assert len(coco.getAnnIds()) == truth.n_objects
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["live", "dead cell"]
    write_annotations(found, tmp_path / "found", format="coco")
    predictions = COCO(str(tmp_path / "found" / "annotations.json"))
    results = predictions.loadAnns(predictions.getAnnIds())
    if kind == "all":
        results = [entry for entry in results if "keypoints" not in entry]
    metric = "bbox" if kind in ("boxes", "all") else "segm"
    if metric == "segm":
        areas = [coco.annToMask(entry).sum() for entry in coco.loadAnns(coco.getAnnIds())]
        assert areas == [(25 if kind == "masks" else 81)] * truth.n_objects or kind == "polygons"
    for entry in results:
        # Results hold boxes, or masks in the library's own form.
        outline = entry.pop("segmentation") if metric == "bbox" else entry.pop("bbox")
        assert outline is not None
        if metric == "segm":
            entry["segmentation"] = predictions.annToRLE(entry)
    evaluation = COCOeval(coco, coco.loadRes(results), metric)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0) or kind == "all"


def test_roifile_reads_every_roi_of_an_export(tmp_path: Path, scene: Callable[..., AnnotationSet]) -> None:
    import roifile

    annotations = scene(("box", "polygon", "point"), scores=True, splits=False)
    write_annotations(annotations, tmp_path, format="imagej_roi")
    for name, rows in zip(annotations.names, annotations.rows_by_image(), strict=True):
        path = tmp_path / name.replace(".png", "_RoiSet.zip")
        if not rows.size:
            continue
        rois = roifile.roiread(path)
        frames = [roi.integer_coordinates is not None or roi.roitype == roifile.ROI_TYPE.RECT for roi in rois]
        assert all(frames)
        corners = np.array([np.concatenate([r.coordinates().min(axis=0), r.coordinates().max(axis=0)]) for r in rois])
        points = annotations.objects["geometry"].to_numpy()[rows] == GEOMETRIES.index("point")
        np.testing.assert_allclose(corners + 0.5 * points[:, None], annotations.boxes[rows], atol=1e-4)


def test_shapely_reads_every_geometry_of_a_geojson_export(tmp_path: Path, scene: Callable[..., AnnotationSet]) -> None:
    from shapely.geometry import shape

    annotations = scene(("box", "polygon", "point"), scores=True, splits=False)
    write_annotations(annotations, tmp_path, format="qupath_geojson")
    for name, rows in zip(annotations.names, annotations.rows_by_image(), strict=True):
        features = json.loads((tmp_path / name.replace(".png", ".geojson")).read_text())["features"]
        geometries = [shape(feature["geometry"]) for feature in features]
        assert all(geometry.is_valid for geometry in geometries)
        np.testing.assert_allclose(np.array([g.bounds for g in geometries]).reshape(-1, 4), annotations.boxes[rows])
