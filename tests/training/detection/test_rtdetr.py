"""An RT-DETR is trained, opened and predicted with as any detector, and never leaves out cells without a word."""

import numpy as np
import pytest
import torch

from cell_pipelines.inference.detection import BoxPredictor, DetectionLimitError
from cell_pipelines.inference.queries import take_queries
from cell_pipelines.models.untrained import create_untrained_yolo
from cell_pipelines.models.yolo_checkpoint import read_task
from cell_pipelines.models.yolo_networks import is_transformer, network_task
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.labels import check_queries
from cell_pipelines.training.detection.settings import YoloTraining
from cell_pipelines.training.detection.train import train_yolo


def test_a_transformer_is_known_by_its_name_its_description_and_its_file(data):
    assert [is_transformer(name) for name in ("rtdetr-l.pt", "rtdetr-x.yaml", "yolov8n.pt")] == [True, True, False]
    assert is_transformer(str(data / "tiny_transformer.yaml")) and not is_transformer(str(data / "tiny.yaml"))
    assert type(create_untrained_yolo(str(data / "tiny_transformer.yaml"), 2)).__name__ == "RTDETRDetectionModel"


def test_a_trained_transformer_finds_the_boxes_that_ultralytics_finds(data, tmp_path):
    from ultralytics import RTDETR

    parameters = YoloParameters(
        weights=str(data / "tiny_transformer.yaml"), image_size=64, batch=2, nominal_batch=2, workers=0, epochs=2,
        warmup_epochs=0, augmentation={"close_mosaic": 0},
    )  # fmt: skip
    training = YoloTraining(
        weights=parameters.weights, device="cpu", settings={**parameters.to_ultralytics(), "max_det": 12}
    )
    best, history = train_yolo(training, data / "data.yaml", tmp_path)
    assert {"train_giou_loss", "val_ap50", "learning_rate"} <= set(history.columns) and len(history) == 2
    assert read_task(best) == network_task(str(best)) == "detect" and is_transformer(str(best))
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    ours = BoxPredictor(best, confidence=0.0, device="cpu").predict(image)
    predicted = RTDETR(str(best)).predict(image[..., ::-1], imgsz=64, conf=0.0, device="cpu", verbose=False)
    theirs = predicted[0].boxes
    assert len(ours.scores) == len(theirs) == 12
    np.testing.assert_allclose(ours.scores, theirs.conf.numpy(), atol=1e-4)
    np.testing.assert_allclose(ours.boxes, theirs.xyxy.numpy().clip(0, [64, 48, 64, 48]), atol=0.1)


def test_an_image_with_more_cells_than_queries_is_not_trained_on(data):
    check_queries(data / "data.yaml", 1)
    with pytest.raises(ValueError, match=r"labels.*at most 0 cells in an image or tile.*got 1: cut the images"):
        check_queries(data / "data.yaml", 0)


def test_queries_that_all_show_a_cell_are_an_error_and_boxes_come_in_pixels_best_first():
    output = torch.tensor([[0.5, 0.5, 0.5, 1.0, 0.2, 0.0], [0.25, 0.5, 0.1, 0.2, 0.9, 1.0]])
    assert take_queries(output, (10, 20), 0.1).tolist() == [
        pytest.approx([4, 4, 6, 6, 0.9, 1]), pytest.approx([5, 0, 15, 10, 0.2, 0])
    ]  # fmt: skip
    assert take_queries(output, (10, 20), 0.5).shape == (1, 6)
    with pytest.raises(DetectionLimitError, match="at most 2 cells in an image or tile and is sure of 2"):
        take_queries(output.index_fill(1, torch.tensor([4]), 0.5), (10, 20), 0.1)
