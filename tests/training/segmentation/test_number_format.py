"""The number format that a training takes on a processor, by what its steps are said to take."""

from dataclasses import replace

import pytest

from cell_pipelines.models.accelerators import available_kinds
from cell_pipelines.models.checkpoint import read_checkpoint
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.devices import Devices
from cell_pipelines.training.segmentation.number_format import settle_format
from cell_pipelines.training.segmentation.settings import SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation

SPEC = NetworkSpec("resunet", in_channels=1, options={"width": 2, "depth": 1})
LONG = SegmentationTraining(SPEC, epochs=50, batch=4, tiles=Tiles(32, 0, per_epoch=8), device="cpu", samples_every=0)
CPU = Devices("cpu", 1, "32-true")


def test_the_faster_format_is_taken_and_kept_when_the_training_goes_on(format_times, tmp_path, caplog):
    caplog.set_level("INFO")
    assert settle_format(LONG, CPU, tmp_path).precision == "bf16-mixed"
    assert "trained in bfloat16: a step of 2 tiles takes 1 s in float32, 0.5 s in bfloat16 here." in caplog.text
    format_times["bfloat16"] = 2.0
    assert settle_format(LONG, CPU, tmp_path).precision == "bf16-mixed"
    (tmp_path / "precision.json").unlink()
    assert settle_format(LONG, CPU, tmp_path).precision == "32-true"
    assert format_times["measured"] == 2


@pytest.mark.parametrize(
    "training", [replace(LONG, epochs=49), replace(LONG, minutes=0.9), replace(LONG, precision="float32")]
)
def test_nothing_is_measured_where_it_gains_nothing_or_the_format_is_named(training, format_times, tmp_path):
    assert settle_format(training, CPU, tmp_path) is CPU
    assert format_times["measured"] == 0


def test_a_training_begun_without_a_measurement_goes_on_as_it_was(format_times, tmp_path):
    (tmp_path / "resume.pt").touch()
    assert settle_format(LONG, CPU, tmp_path) is CPU
    assert format_times["measured"] == 0


def test_a_gpu_chooses_for_itself(format_times, tmp_path):
    gpu = Devices("cuda", 1, "16-mixed")
    assert settle_format(LONG, gpu, tmp_path) is gpu


@pytest.mark.skipif(available_kinds()[0] != "cpu", reason="a training on a processor")
def test_the_model_says_its_format_and_another_training_measures_anew(format_times, images, tmp_path):
    training = replace(LONG, epochs=1, tiles=Tiles(32, 0, per_epoch=400), early_stopping=1)
    for seconds, precision in ((0.5, "bf16-mixed"), (2.0, "32-true")):
        format_times["bfloat16"] = seconds
        content, history = train_segmentation(training, images[:4], images[4:], tmp_path / "work")
        (tmp_path / "model.pt").write_bytes(content)
        assert read_checkpoint(tmp_path / "model.pt")[1]["number_format"] == precision
        assert history["train_loss"].notna().all()
