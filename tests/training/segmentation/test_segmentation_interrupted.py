"""Trainings that are killed, shared out over several processes, or look for their learning rate."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.network_module import DivergedError
from cell_pipelines.training.segmentation.sampling import Oversampling
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import read_history, train_segmentation

from ..conftest import labelled_image

TINY = SegmentationTraining(
    NetworkSpec("resunet", options={"width": 4, "depth": 2}), epochs=3, batch=4, tiles=Tiles(32, 0, per_epoch=12),
    learning_rate=3e-3, colour="grey", device="cpu", optimizer="adam", monitor="val_loss", loss=Choice("dice"),
    augmentation=Augmentation(), schedule=Schedule("constant"), samples_every=0,
)  # fmt: skip
LONG = replace(TINY, epochs=12, schedule=Schedule("one_cycle"))
MEASURED = ["epoch", "train_loss", "val_loss", "val_iou", "val_dice", "learning_rate"]


def train(training, folder, **options):
    torch.set_num_threads(1)  # the order of sums, so their last bit, hangs on it
    images = [labelled_image(seed) for seed in range(6)]
    return train_segmentation(training, images[:4], images[4:], folder, **options)


PROGRAM = """
import importlib.util, sys, types
from pathlib import Path
package = types.ModuleType("here")
package.__path__ = [{folder!r}]
sys.modules["here"] = package
import here.segmentation.test_segmentation_interrupted as tests
tests.train(tests.LONG, Path({work!r}), resume=True)
"""


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_training_killed_at_any_moment_goes_on_to_the_same_result(tmp_path):
    expected = train(LONG, tmp_path / "whole")[1]
    work = tmp_path / "killed"
    program = PROGRAM.format(folder=str(Path(__file__).parents[1]), work=str(work))
    for kill_after in (1, 4):
        running = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while time.monotonic() < until and running.poll() is None:
            if (work / "resume.pt").is_file() and len(read_history(work)) > kill_after:
                break
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert 4 < len(read_history(work)) <= 12
    _, history = train(LONG, work, resume=True)
    pd.testing.assert_frame_equal(history[MEASURED], expected[MEASURED], check_exact=True)
    assert not list(work.glob(".*")), "what was being written when it was killed is gone"


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"epochs": 2}, {"epochs": 12, "early_stopping": 1, "learning_rate": 0.3}])
def test_a_training_killed_before_it_was_marked_as_finished_trains_no_further_epoch(changes, tmp_path):
    training = replace(TINY, optimizer="sgd", tiles=Tiles(32, 0, per_epoch=4), **changes)
    best, expected = train(training, tmp_path)
    assert len(expected) == 2 or 2 < len(expected) < 12
    (tmp_path / "finished").unlink()
    again, history = train(training, tmp_path, resume=True)
    pd.testing.assert_frame_equal(history, expected, check_exact=True)
    assert again == best


@pytest.mark.exhaustive
def test_several_processes_see_the_same_tiles_and_count_the_same_pixels(tmp_path):
    training = replace(TINY, oversampling=Oversampling(error=1.0), samples_every=1)
    reports = []
    _, alone = train(training, tmp_path / "one")
    _, shared = train(replace(training, devices=2), tmp_path / "two", on_epoch=reports.append)
    assert [report.row["epoch"] for report in reports] == [1, 2, 3]
    assert reports[0].samples
    # Batch statistics are those of each process's half, so the numbers are near, not equal.
    np.testing.assert_allclose(shared["train_loss"], alone["train_loss"], atol=0.1)
    assert shared["val_loss"].iloc[-1] < shared["val_loss"].iloc[0]


@pytest.mark.exhaustive
def test_several_processes_keep_to_the_minutes_of_the_first_one_s_clock(tmp_path):
    reports = []
    training = replace(TINY, minutes=0.1, schedule=Schedule("one_cycle"), devices=2)
    _, history = train(training, tmp_path, on_epoch=reports.append)
    assert (tmp_path / "finished").is_file()
    assert [report.row["epoch"] for report in reports] == history["epoch"].tolist()
    assert reports[-1].share > 0.5  # a step's half is the most that is left over
    assert set(history["validation_images"]) <= {1, 2}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_an_error_in_one_of_several_processes_comes_back_as_it_was(tmp_path):
    with pytest.raises(DivergedError, match="epoch 1"):
        train(replace(TINY, devices=2, learning_rate=1e30, optimizer="sgd", tiles=Tiles(32, 0, per_epoch=40)), tmp_path)


@pytest.mark.slow
def test_a_learning_rate_is_found_once_and_kept(tmp_path):
    _, history = train(replace(TINY, learning_rate="find", epochs=1), tmp_path)
    curve = history.attrs["rate_finder"]
    assert 1e-7 < curve["chosen"] < 1
    assert len(curve["rates"]) == len(curve["losses"]) > 20
    assert history["learning_rate"][0] == curve["chosen"]
    _, again = train(replace(TINY, learning_rate="find", epochs=1), tmp_path, resume=True)
    assert again.attrs["rate_finder"] == curve
