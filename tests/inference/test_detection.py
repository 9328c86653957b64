import numpy as np
import pytest

from cell_pipelines.inference.detection import BoxPredictor, DetectionLimitError, Detections
from cell_pipelines.inference.stored import read_detections, write_arrays
from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.models.yolo_checkpoint import read_record, with_record

NETWORKS = ("yolov8n", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Untrained networks as Ultralytics' own files."""
    prepare_ultralytics()
    import torch
    from ultralytics import YOLO

    folder, made = tmp_path_factory.mktemp("checkpoints"), {}

    def make(name):
        if name not in made:
            torch.manual_seed(0)
            made[name] = folder / f"{name}.pt"
            YOLO(f"{name}.yaml").save(made[name])
        return made[name]

    return make


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)


@pytest.mark.quick(name=["yolov8n", "yolov10n"])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_stops_at_three_hundred_boxes(checkpoint, image, name):
    predictor = BoxPredictor(checkpoint(name), image_size=320, confidence=0.0, iou=1.0, margin=0, device="cpu")
    found = predictor.predict(image)
    assert len(found.scores) == 40 * 32 + 20 * 16 + 10 * 8  # 240 rows are padded to 256
    assert (np.diff(found.scores) <= 1e-6).all()


@pytest.mark.parametrize("name", ["yolov8n", "yolov10n"])
def test_reaching_the_limit_is_an_error(checkpoint, image, name):
    predictor = BoxPredictor(checkpoint(name), image_size=320, confidence=0.0, iou=1.0, max_detections=50, device="cpu")
    with pytest.raises(DetectionLimitError, match="50 boxes.*max_detections"):
        predictor.predict(image)


def test_boxes_lie_in_the_image(checkpoint, image):
    found = BoxPredictor(checkpoint("yolov8n"), image_size=320, confidence=0.0, device="cpu").predict(image)
    assert found.boxes.min() >= 0
    assert (found.boxes[:, 2] <= 320).all()
    assert (found.boxes[:, 3] <= 240).all()


def test_boxes_are_those_of_ultralytics_own_predict(checkpoint, image):
    from ultralytics import YOLO

    path = checkpoint("yolov8n")
    ours = BoxPredictor(path, image_size=320, confidence=1e-6, iou=0.7, margin=0, device="cpu").predict(image)
    theirs = (
        YOLO(str(path))
        .predict(image[..., ::-1], imgsz=320, conf=1e-6, iou=0.7, max_det=10_000, device="cpu", verbose=False)[0]
        .boxes
    )
    assert len(ours.scores) == len(theirs)
    np.testing.assert_allclose(ours.boxes, theirs.xyxy.numpy(), atol=0.05)
    np.testing.assert_allclose(ours.scores, theirs.conf.numpy(), atol=1e-5)


@pytest.mark.parametrize("shape", [(60, 80), (60, 80, 1), (60, 80, 2), (60, 80, 5), (1, 300)])
def test_any_shape_and_depth_can_be_predicted(checkpoint, shape):
    image = np.random.default_rng(0).integers(0, 4095, shape, dtype=np.uint16)
    found = BoxPredictor(checkpoint("yolov8n"), image_size=96, confidence=0.5, device="cpu").predict(image)
    assert found.boxes.shape == (len(found.scores), 4)


def test_a_model_trained_on_tiles_sees_images_at_the_scale_of_the_tiles(checkpoint, tmp_path):
    path = tmp_path / "tiled.pt"
    path.write_bytes(with_record(checkpoint("yolov8n"), {"tile_size": 100}))
    predictor = BoxPredictor(path, confidence=0.0, iou=1.0, margin=0, device="cpu")
    found = predictor.predict(np.zeros((100, 200), np.uint8))
    wide, high = 1280 // 8, 640 // 8  # trained at 640 on tiles of 100: 200 pixels become 1280
    assert len(found.scores) == wide * high * (1 + 1 / 4 + 1 / 16)


def test_a_record_is_added_and_read_back(checkpoint, tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(with_record(checkpoint("yolov8n"), {"run_id": "abc"}))
    path.write_bytes(with_record(path, {"thresholds": {"cell": 0.4}}))
    assert read_record(path) == {"run_id": "abc", "thresholds": {"cell": 0.4}}
    assert read_record(checkpoint("yolov8n")) == {}


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "text.pt"
    path.write_text("no network")
    with pytest.raises(ValueError, match=r"text\.pt: expected a YOLO checkpoint"):
        read_record(path)


@pytest.mark.parametrize("count", [0, 3])
def test_stored_detections_come_back_the_same(tmp_path, count):
    rng = np.random.default_rng(0)
    found = Detections(
        rng.random((count, 4)).astype(np.float32), rng.random(count).astype(np.float32), np.arange(count)
    )
    write_arrays(found.arrays(), (480, 640), tmp_path / "a.npz")
    again, size = read_detections(tmp_path / "a.npz")
    assert size == (480, 640)
    for key in ("boxes", "scores", "categories"):
        np.testing.assert_array_equal(getattr(again, key), getattr(found, key))


def test_a_gpu_that_is_asked_for_and_missing_is_an_error(checkpoint, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no GPU"):
        BoxPredictor(checkpoint("yolov8n"), device="cuda")


@pytest.mark.parametrize(("height", "width"), [(240, 320), (97, 31), (320, 5), (33, 640)])
@pytest.mark.parametrize("margin", [0, 0.5, 2])
def test_an_image_is_placed_whole_in_the_centre_of_its_canvas(checkpoint, height, width, margin):
    predictor = BoxPredictor(checkpoint("yolov8n"), image_size=max(height, width), margin=margin, device="cpu")
    image = np.random.default_rng(0).integers(115, 255, (height, width, 3), dtype=np.uint8)
    tensor, (_, (left, top)) = predictor._to_tensor(image)
    pixels = np.rint(tensor[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    inside = (pixels != 114).all(axis=2)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert (rows[0], columns[0]) == (top, left)
    free = np.array([pixels.shape[0] - len(rows), pixels.shape[1] - len(columns)])
    assert (free >= margin * 32).all() and (free < (margin + 1) * 32).all()
    assert pixels.shape[0] % 32 == pixels.shape[1] % 32 == 0
