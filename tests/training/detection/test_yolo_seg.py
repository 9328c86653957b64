"""A network that outlines cells is trained, interrupted and resumed, on outlines only."""

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.models.ultralytics_home import WeightsError
from cell_pipelines.models.yolo_networks import network_task
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.labels import check_labels
from cell_pipelines.training.detection.samples import augmented_samples
from cell_pipelines.training.detection.settings import YoloTraining
from cell_pipelines.training.detection.train import read_history, train_yolo
from cell_pipelines.training.resuming import ResumeError

PARAMETERS = YoloParameters(
    weights="yolov8n-seg.yaml", image_size=64, epochs=2, batch=4, device="cpu", warmup_epochs=0, workers=0,
    augmentation={"close_mosaic": 0},
)  # fmt: skip
MASK_COLUMNS = {"val_mask_precision", "val_mask_recall", "val_mask_ap50", "val_mask_ap50_95"}


def octagon(x, y, radius):
    angles = np.arange(8) * np.pi / 4
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def write_data(folder, geometry, count=6):
    """Write a tiny data set of touching bright discs, its last image of each split without any."""
    rng, builder = np.random.default_rng(0), AnnotationBuilder(("whole", "destroyed"))
    for number in range(count):
        image = rng.integers(0, 40, (64, 64, 3), dtype=np.uint8)
        split = ("train", "val")[number % 2]
        row = builder.add_image(f"images/{split}/{number}.png", width=64, height=64, split=split)
        for kind, (x, y) in enumerate([(16, 20), (30, 20), (45, 48)] if number < count - 2 else []):
            yy, xx = np.mgrid[:64, :64]
            image[(xx + 0.5 - x) ** 2 + (yy + 0.5 - y) ** 2 < 49] = 200
            name = ("whole", "destroyed")[kind % 2]
            builder.add_polygon(row, name, [octagon(x, y, 7)])
        write_image(image, folder / "images" / split / f"{number}.png")
    write_annotations(builder.build(), folder, format="yolo", geometries=(geometry,))
    return folder / "data.yaml"


def training(**changes):
    settings = {**PARAMETERS.to_ultralytics(), **PARAMETERS.mask_settings(), "max_det": 100, **changes}
    return YoloTraining(weights=PARAMETERS.weights, settings=settings, device="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("outlines"), "polygon")


@pytest.mark.slow
def test_a_training_gives_masks_and_their_history_and_goes_on_after_a_stop(data, tmp_path, monkeypatch):
    from ultralytics.models.yolo.segment import SegmentationTrainer

    def stop(trainer):
        if trainer.epoch == 1:
            raise KeyboardInterrupt

    save = SegmentationTrainer.save_model
    monkeypatch.setattr(SegmentationTrainer, "save_model", lambda self: (stop(self), save(self)))
    with pytest.raises(KeyboardInterrupt):
        train_yolo(training(), data, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ResumeError, match="settings"):
        train_yolo(training(mask_ratio=4), data, tmp_path, resume=True)
    best, history = train_yolo(training(), data, tmp_path, resume=True)
    assert history["epoch"].tolist() == [1, 2]
    assert set(history.columns) >= {"val_precision", "val_ap50", "val_ap50_95", "train_seg_loss", *MASK_COLUMNS}
    assert not [c for c in history.columns if "(" in c]
    assert network_task(str(best)) == "segment"


@pytest.mark.slow
def test_bfloat16_trains_masks_too(data, tmp_path):
    from dataclasses import replace

    _, history = train_yolo(replace(training(epochs=1), precision="bfloat16"), data, tmp_path)
    assert np.isfinite(history["train_seg_loss"]).all()


def test_touching_cells_keep_their_whole_masks_at_half_the_resolution(data):
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.data.utils import check_det_dataset

    cfg = get_cfg(overrides={"task": "segment", "imgsz": 64, **PARAMETERS.mask_settings()})
    found = check_det_dataset(str(data), autodownload=False)
    sample = build_yolo_dataset(cfg, found["val"], 1, found, mode="val")[0]
    assert sample["masks"].shape == (3, 32, 32)  # one a cell, not one for all, and not of 16 x 16


def test_samples_are_drawn_with_boxes_around_the_outlines(data):
    samples = augmented_samples(training(mosaic=0.0, translate=0.0, scale=0.0, flipud=0.0, fliplr=0.0), data, 3)
    image, boxes, categories = samples[0]
    assert image.shape == (64, 64, 3)
    np.testing.assert_allclose(boxes[0], [9, 13, 23, 27], atol=1)
    assert categories.tolist() == [0, 1, 0]
    assert len(samples) == 3


def test_labels_of_the_other_kind_are_refused_in_a_sentence(data, tmp_path):
    boxes = write_data(tmp_path, "box")
    with pytest.raises(ValueError, match=r"yolov8n-seg\.yaml outlines cells, but the labels .* are boxes.*yolov8n\.pt"):
        train_yolo(training(), boxes, tmp_path / "work")
    with pytest.raises(ValueError, match="yolov8n.pt finds boxes only.*`yolo`"):
        check_labels(data, "yolov8n.pt", "detect")
    check_labels(data, "yolov8n-seg.pt", "segment")
    check_labels(boxes, "yolov8n.pt", "detect")
    assert not (tmp_path / "work").exists()


def test_an_unlabelled_set_fits_any_network(tmp_path):
    for task in ("detect", "segment"):
        check_labels(tmp_path / "data.yaml", "a.pt", task)


def test_mask_settings_reach_networks_with_masks_only():
    from cell_pipelines.pipelines.detection.nodes import _to_training

    assert {"overlap_mask": False, "mask_ratio": 2}.items() <= _to_training(PARAMETERS, {}).settings.items()
    boxes = _to_training(YoloParameters(weights="yolov8n.yaml"), {})
    assert not {"overlap_mask", "mask_ratio"} & set(boxes.settings)


def test_the_history_names_masks_apart_from_boxes(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("epoch,metrics/mAP50(B),metrics/mAP50(M),metrics/mAP50-95(M),train/seg_loss\n1,0.9,0.8,0.7,0.1\n")
    expected = ["epoch", "val_ap50", "val_mask_ap50", "val_mask_ap50_95", "train_seg_loss"]
    assert list(read_history(path).columns) == expected


@pytest.mark.parametrize(
    ("name", "task"), [("yolov8s-seg.pt", "segment"), ("yolo26n-seg.yaml", "segment"), ("yolo11n.pt", "detect")]
)
def test_the_name_of_a_network_says_what_it_gives(name, task):
    assert network_task(name) == task


def test_a_file_says_by_its_content_what_its_network_gives(tmp_path):
    import torch
    from ultralytics.nn.tasks import SegmentationModel

    path = tmp_path / "renamed.pt"
    torch.save({"model": SegmentationModel("yolov8n-seg.yaml", verbose=False), "ema": None}, path)
    assert network_task(str(path)) == "segment"
    description = tmp_path / "mine.yaml"
    description.write_text("head:\n- [-1, 1, Segment, [nc, 32, 256]]\n")
    assert network_task(str(description)) == "segment"


def test_a_network_for_something_else_is_refused():
    with pytest.raises(WeightsError, match="got one for pose"):
        network_task("yolov8n-pose.pt")
