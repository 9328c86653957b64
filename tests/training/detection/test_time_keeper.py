"""A training by minutes ends with its minutes, its learning rate at the end of its fall, also after a stop."""

import json
from itertools import count

import pytest

from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.settings import YoloStart, YoloTraining
from cell_pipelines.training.detection.train import train_yolo


@pytest.fixture
def seconds(monkeypatch):
    """Let each look at the clock take a second."""
    ticks = count()
    monkeypatch.setattr("cell_pipelines.training.segmentation.time_budget.clock", lambda: float(next(ticks)))


def training(data, minutes):
    parameters = YoloParameters(
        weights=str(data / "tiny.yaml"), image_size=32, batch=2, nominal_batch=2, device="cpu", workers=0, epochs=1,
        warmup_epochs=0, learning_rate=0.01, final_learning_rate=0.1, augmentation={"close_mosaic": 2},
        patience=0,
    )  # fmt: skip
    return YoloTraining(
        weights=parameters.weights,
        device="cpu",
        minutes=minutes,
        settings={**parameters.to_ultralytics(), "max_det": 9},
    )


def used(folder):
    return json.loads((folder / "time.json").read_text())


def test_minutes_decide_how_many_epochs_there_are_and_the_rate_falls_to_its_end(data, tmp_path, seconds):
    best, history = train_yolo(training(data, 0.5), data / "data.yaml", tmp_path)
    assert best.is_file() and used(tmp_path)["is_over"] and used(tmp_path)["used"] == pytest.approx(30, abs=4)
    assert len(history) > 5
    rates = history["learning_rate"]
    assert rates.is_monotonic_decreasing and rates.iloc[0] == pytest.approx(0.01)
    assert rates.iloc[-1] == pytest.approx(0.001, abs=0.0015)
    validated = history["val_ap50"].notna()
    assert validated.iloc[0] and validated.iloc[-1] and not validated.all()


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_training_that_was_stopped_has_the_minutes_that_are_left(is_lost, data, tmp_path, seconds, monkeypatch):
    from cell_pipelines.training.detection.trainers import OwnDetectionTrainer

    class Killed(Exception):
        pass

    def stop(trainer, *_):
        if trainer.epoch == 4:
            raise Killed

    original = OwnDetectionTrainer.optimizer_step
    monkeypatch.setattr(OwnDetectionTrainer, "optimizer_step", lambda self: (stop(self), original(self)))
    with pytest.raises(Killed):
        train_yolo(training(data, 0.5), data / "data.yaml", tmp_path)
    before = used(tmp_path)["used"]
    assert (tmp_path / "resume.pt").is_file()
    if is_lost:  # killed between the checkpoint and its time
        (tmp_path / "time.json").unlink()
    monkeypatch.setattr(OwnDetectionTrainer, "optimizer_step", original)
    _, history = train_yolo(training(data, 0.5), data / "data.yaml", tmp_path, resume=True)
    assert 0 < before < 30 and used(tmp_path)["used"] == pytest.approx(30, abs=4)
    assert history["epoch"].is_monotonic_increasing
    assert is_lost or history["learning_rate"].is_monotonic_decreasing
    again, same = train_yolo(training(data, 0.5), data / "data.yaml", tmp_path, resume=True)
    assert again.is_file() and len(same) == len(history)


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_minutes_that_are_no_time_are_refused(minutes):
    with pytest.raises(ValueError, match="`minutes` must be positive, or null for epochs, got"):
        YoloParameters(minutes=minutes)


def test_minutes_of_several_devices_are_refused():
    with pytest.raises(ValueError, match="`minutes` are for one device, got 0,1"):
        YoloStart(minutes=1.0, device="0,1")
