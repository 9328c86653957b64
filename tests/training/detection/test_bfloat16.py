"""A detector takes bfloat16 where its steps are faster so, keeps it when it goes on, and its losses are of float32."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from cell_pipelines.models.accelerators import available_kinds
from cell_pipelines.models.untrained import create_untrained_yolo
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.settings import YoloTraining
from cell_pipelines.training.detection.train import _predict_in_bfloat16, _use_cpu_well, train_yolo

PARAMETERS = YoloParameters(image_size=32, batch=2, nominal_batch=2, workers=0, epochs=2, warmup_epochs=0)


@pytest.fixture
def times(format_times, monkeypatch):
    """Return the times of steps on a processor that has bfloat16, of trainings of four steps or more."""
    monkeypatch.setattr("cell_pipelines.training.number_format._LEAST_STEPS", 4)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    return format_times


def training(data, network, **changed):
    settings = {**PARAMETERS.to_ultralytics(), "max_det": 9}
    return replace(YoloTraining(weights=str(data / f"{network}.yaml"), device="cpu", settings=settings), **changed)


def formats(monkeypatch):
    taken = []
    name = "cell_pipelines.training.detection.train._predict_in_bfloat16"
    monkeypatch.setattr(name, lambda network: taken.append("bfloat16"))
    return taken


@pytest.mark.skipif(available_kinds()[0] != "cpu", reason="a training on a processor")
def test_the_faster_format_is_measured_once_and_kept_when_the_training_goes_on(data, times, monkeypatch, tmp_path):
    from cell_pipelines.training.detection.trainers import OwnDetectionTrainer

    save = OwnDetectionTrainer.save_model

    def stop(trainer):
        if trainer.epoch == 1:
            raise KeyboardInterrupt
        return save(trainer)

    monkeypatch.setattr(OwnDetectionTrainer, "save_model", stop)
    taken = formats(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train_yolo(training(data, "tiny"), data / "data.yaml", tmp_path)
    assert taken == ["bfloat16"] and times["measured"] == 1
    times["bfloat16"] = 2.0
    monkeypatch.setattr(OwnDetectionTrainer, "save_model", save)
    train_yolo(training(data, "tiny"), data / "data.yaml", tmp_path, resume=True)
    assert taken == ["bfloat16", "bfloat16"] and times["measured"] == 1
    settings = {**training(data, "tiny").settings, "epochs": 1}
    named = training(data, "tiny", precision="float32", settings=settings)
    train_yolo(named, data / "data.yaml", tmp_path)
    assert len(taken) == 2 and times["measured"] == 1 and not (tmp_path / "precision.json").exists()


def test_a_transformer_stays_in_float32_unless_it_is_told(data, times, monkeypatch, tmp_path):
    taken = formats(monkeypatch)
    network = create_untrained_yolo(str(data / "tiny_transformer.yaml"), 1)
    trainer = SimpleNamespace(
        device=torch.device("cpu"), model=network, ema=SimpleNamespace(ema=network), args=SimpleNamespace(imgsz=32),
        epochs=200, train_loader=[0],
    )  # fmt: skip
    for precision in ("auto", "bfloat16"):
        _use_cpu_well(trainer, training(data, "tiny_transformer", precision=precision), tmp_path)
    assert taken == ["bfloat16"] and times["measured"] == 0


def test_the_network_computes_in_bfloat16_and_its_loss_in_float32(data):
    networks = [create_untrained_yolo(str(data / "tiny.yaml"), 1).train() for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    _predict_in_bfloat16(networks[1])
    seen = []
    networks[1].model[0].register_forward_hook(lambda *output: seen.append(output[2].dtype))
    images = torch.rand(1, 3, 64, 64)
    outputs = [network(images) for network in networks]
    assert seen == [torch.bfloat16]
    for name in ("boxes", "scores"):
        assert outputs[1][name].dtype == torch.float32
        torch.testing.assert_close(outputs[1][name], outputs[0][name], atol=0.1, rtol=0.05)
    assert {feature.dtype for feature in outputs[1]["feats"]} == {torch.float32}
