"""Outlines as YOLO learns them, and stored masks as cells."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cell_pipelines.analysis.evaluation.class_pair import has_masks
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inference.detections import Detections
from cell_pipelines.inference.stored import write_arrays
from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.pipelines.data_preparation.nodes import export_yolo_seg
from cell_pipelines.pipelines.data_preparation.outlines import check_outlines
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import COLUMNS
from cell_pipelines.workflows.trained_model import TrainedModel

SIZE = (40, 50)


def ring_and_square():
    """Return a mask with a hole, one of two pieces, and a plain one that touches the first."""
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(yy - 12, xx - 12)
    pieces = ((yy > 30) & (xx < 6)) | ((yy > 30) & (xx > 40))
    return [(distance < 8) & (distance > 3), pieces, (abs(yy - 12) < 5) & (xx >= 20) & (xx < 30)]


def annotated(masks, split="train"):
    builder = AnnotationBuilder(("whole", "destroyed"))
    row = builder.add_image("a.png", width=SIZE[1], height=SIZE[0], split=split)
    for number, mask in enumerate(masks):
        yy, xx = np.nonzero(mask)
        box = (xx.min(), yy.min(), xx.max() + 1, yy.max() + 1)
        builder.add_object(row, ("whole", "destroyed")[number % 2], "mask", box, counts=mask_to_run_lengths(mask))
    return builder.build()


@pytest.fixture
def image(tmp_path):
    write_image(np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8), tmp_path / "raw" / "a.png")
    return {"a.png": ImageFile(tmp_path / "raw" / "a.png")}


@pytest.mark.parametrize("tile", [None, 32])
def test_masks_with_holes_and_pieces_come_back_whole_from_the_labels(image, tmp_path, tile):
    truth = annotated(ring_and_square())
    parameters = PreparationParameters(tiling={"size": tile, "overlap": 8, "min_visible": 0})
    folder = tmp_path / "data"
    export_yolo_seg(truth, image, parameters, SubsetParameters())(folder)
    files = {p.relative_to(folder / "images").as_posix(): ImageFile(p).info() for p in folder.glob("images/**/*.png")}
    index = ImageIndex([ImageRecord(name, info.width, info.height) for name, info in files.items()])
    read = read_annotations(folder, index, format="yolo").annotations
    if tile is None:
        labels, lost = objects_to_labels(read)
        np.testing.assert_array_equal(labels, objects_to_labels(truth)[0])
        assert not lost.any()
    assert read.n_images == (1 if tile is None else 4)
    findings = pd.read_csv(folder / "findings.csv")
    changed = findings[findings["action"] == "changed"]
    assert changed["reason"].tolist() == ["masks written as polygons."]


def test_ultralytics_sees_holes_and_pieces_but_for_the_seams(image, tmp_path):
    from ultralytics.data.utils import polygons2masks, verify_image_label

    masks = ring_and_square()
    export_yolo_seg(annotated(masks), image, PreparationParameters(), SubsetParameters())(tmp_path)
    paths = [str(tmp_path / kind / f"train/a.{end}") for kind, end in (("images", "png"), ("labels", "txt"))]
    _, boxes, _, outlines, *_, message = verify_image_label((*paths, "", False, 2, 0, 0, False))
    assert (len(boxes), message) == (3, "")
    # Twenty times as large, the pixel that Ultralytics fills beyond every edge hardly counts.
    large = np.array(SIZE) * 20
    seen = polygons2masks(tuple(large), [outline * large[::-1] for outline in outlines], color=1) > 0
    for mask, found in zip(masks, seen, strict=True):
        expected = np.kron(mask, np.ones((20, 20), bool))
        assert (expected & found).sum() / (expected | found).sum() > 0.97


def test_objects_without_an_outline_are_refused_before_anything_is_written(image, tmp_path):
    builder = AnnotationBuilder(("whole",))
    row = builder.add_image("a.png", width=SIZE[1], height=SIZE[0], split="train")
    builder.add_box(row, "whole", (1, 1, 4, 4))
    sentence = r"`yolo_seg` learns from outlines.*1 of 1 objects have none, the first a box in a\.png\. Train `yolo`"
    with pytest.raises(ValueError, match=sentence):
        export_yolo_seg(builder.build(), image, PreparationParameters(), SubsetParameters())
    with pytest.raises(ValueError, match="hold no object"):
        check_outlines(annotated([]))
    check_outlines(annotated(ring_and_square()))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    prepare_ultralytics()
    from ultralytics.nn.tasks import SegmentationModel

    network = SegmentationModel("yolov8n-seg.yaml", nc=2, verbose=False)
    network.names = {0: "whole", 1: "destroyed"}
    path = tmp_path_factory.mktemp("model") / "m.pt"
    torch.save({"model": network, "ema": None}, path)
    return path


def stored(folder, masks, scores):
    count = len(masks)
    runs = RunLengths.from_lists([mask_to_run_lengths(mask) for mask in masks])
    boxes = np.tile(np.array([[0.5, 0.5, 9.5, 9.5]], np.float32), (count, 1))
    categories = np.arange(count, dtype=np.int64) % 2
    write_arrays(Detections(boxes, np.asarray(scores, np.float32), categories, runs).arrays(), SIZE, folder / "a.npz")
    row = {"image": "a.png", "split": "val", "file": "a.npz", "error": ""}
    return pd.DataFrame([row], columns=list(COLUMNS))


def test_stored_masks_become_cells_with_the_box_around_their_mask(checkpoint, tmp_path):
    masks = ring_and_square()
    cells = read_cells(stored(tmp_path, masks, [0.9, 0.8, 0.7]), tmp_path, TrainedModel.open(checkpoint))
    assert cells.counts().tolist() == [[2, 1]]
    np.testing.assert_array_equal(cells.boxes, annotated(masks).boxes)
    np.testing.assert_array_equal(objects_to_labels(cells)[0], objects_to_labels(annotated(masks))[0])
    assert has_masks(pair(annotated(masks, "val"), cells, "val"))


def test_a_detection_without_a_pixel_is_left_out_and_told(checkpoint, tmp_path, caplog):
    masks = [ring_and_square()[0], np.zeros(SIZE, bool)]
    with caplog.at_level(logging.WARNING):
        cells = read_cells(stored(tmp_path, masks, [0.9, 0.4]), tmp_path, TrainedModel.open(checkpoint))
    assert cells.n_objects == 1
    assert "1 of 2 objects have a box but no pixel of a mask" in caplog.text
    assert "0.400" in caplog.text


def test_an_image_without_objects_is_read(checkpoint, tmp_path):
    cells = read_cells(stored(tmp_path, [], []), tmp_path, TrainedModel.open(checkpoint))
    assert (cells.n_images, cells.n_objects) == (1, 0)


@pytest.mark.parametrize("name", ["images/a.png", "train/images/a.png", "images_/a.png"])
def test_labels_are_found_beside_images_whose_own_folder_is_called_images(image, tmp_path, name):
    from ultralytics.data.utils import img2label_paths

    truth = annotated(ring_and_square()).with_image_column("name", [name])
    export_yolo_seg(truth, {name: image["a.png"]}, PreparationParameters(), SubsetParameters())(tmp_path / "data")
    (written,) = (tmp_path / "data" / "images").rglob("*.*")
    (labels,) = img2label_paths([str(written)])
    assert Path(labels).is_file()
