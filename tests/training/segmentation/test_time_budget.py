"""Trainings by minutes, on a clock that goes on by what steps and validations are said to take."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from cell_pipelines.models.checkpoint import read_checkpoint
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.resuming import ResumeError
from cell_pipelines.training.segmentation import time_budget
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.callbacks import Progress
from cell_pipelines.training.segmentation.network_module import SegmentationModule
from cell_pipelines.training.segmentation.schedules import RateSchedule
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.time_budget import LEAST_LOOKS, TimeBudget
from cell_pipelines.training.segmentation.train import train_segmentation

TRAINING = SegmentationTraining(
    NetworkSpec("resunet", options={"width": 2, "depth": 1}), minutes=1.0, batch=2, tiles=Tiles(32, 0, per_epoch=6),
    learning_rate=3e-3, colour="grey", device="cpu", optimizer="adam", monitor="val_loss", loss=Choice("dice"),
    augmentation=Augmentation(), schedule=Schedule("one_cycle"), samples_every=0,
)  # fmt: skip


class Clock:
    """Seconds that pass only where work is done."""

    def __init__(self):
        self.now = 1000.0
        self.step, self.look = 1.0, 0.25

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(time_budget, "clock", made)
    for name, takes in (("training_step", "step"), ("validation_step", "look")):
        work = getattr(SegmentationModule, name)

        def slowly(self, *given, work=work, takes=takes):
            made.now += getattr(made, takes)
            return work(self, *given)

        monkeypatch.setattr(SegmentationModule, name, slowly)
    return made


def train(training, images, folder, **options):
    return train_segmentation(training, images[:3], images[3:], folder, **options)


@pytest.mark.parametrize(("step", "look"), [(1.0, 0.25), (0.3, 0.02), (2.5, 1.0), (0.7, 6.0)])
def test_the_minutes_are_kept_and_validation_takes_no_more_than_its_share(step, look, clock, images, tmp_path):
    clock.step, clock.look = step, look
    started = clock.now
    content, history = train(TRAINING, images, tmp_path / "work")
    passed = clock.now - started
    # A validation at the end there is always, on one image at least; two looks at it measure what it takes.
    least = 3 * look
    assert 60 - step <= passed <= 60 + step
    assert history["seconds"].iloc[-1] == pytest.approx(passed)
    chosen = int(history["validation_images"].iloc[0])
    assert (history["validation_images"] == chosen).all()
    assert history["validation_seconds"].to_numpy() == pytest.approx(chosen * look)
    assert chosen * look * LEAST_LOOKS <= 6 or chosen == 1
    assert history["validation_seconds"].sum() <= max(6, least)
    assert history["epoch"].is_monotonic_increasing
    (tmp_path / "model.pt").write_bytes(content)
    _, described = read_checkpoint(tmp_path / "model.pt")
    assert described["epoch"] == history.loc[history["val_loss"].idxmin(), "epoch"]
    assert described["training"]["minutes"] == 1.0
    assert "epochs" not in described["training"]


@pytest.mark.parametrize("name", ["one_cycle", "cosine"])
def test_the_schedule_reaches_its_end_whatever_a_step_takes(name, clock, images, tmp_path, monkeypatch):
    seen, follow = [], RateSchedule.after_step

    def watch(self, share=None):
        seen.append((share, self.rate))
        follow(self, share)

    monkeypatch.setattr(RateSchedule, "after_step", watch)
    train(replace(TRAINING, schedule=Schedule(name)), images, tmp_path)
    shares, rates = np.array(seen).T
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == pytest.approx(1, abs=0.02)
    assert rates.max() == pytest.approx(3e-3, rel=0.05)
    assert rates[-1] < 0.02 * rates.max()
    assert np.argmax(rates) == pytest.approx(0.3 * len(rates) if name == "one_cycle" else 0, abs=2)


def test_a_schedule_by_share_has_the_rates_of_one_by_steps():
    def rates(training, shares):
        optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule, found = RateSchedule(training, optimizer, steps=1000), []
        for share in shares:
            optimizer.step()
            schedule.after_step(share)
            group = optimizer.param_groups[0]
            found.append((schedule.rate, group["betas"][0]))
        return np.array(found)

    by_steps = rates(replace(TRAINING, minutes=None, epochs=1), [None] * 1000)
    by_share = rates(TRAINING, np.arange(1, 1001) / 1000)
    np.testing.assert_allclose(by_share, by_steps, atol=0.005)
    np.testing.assert_allclose(by_share[-1], by_steps[-1], atol=1e-5)


def test_a_stopped_training_goes_on_at_the_share_that_was_used(clock, images, tmp_path):
    def stop(report):
        if report.share > 0.4:
            raise OSError("the power failed")

    with pytest.raises(OSError, match="power"):
        train(TRAINING, images, tmp_path, on_epoch=stop)
    used = clock.now - 1000
    assert 24 <= used < 40
    clock.now += 5000  # nothing runs meanwhile
    reports = []
    _, history = train(TRAINING, images, tmp_path, resume=True, on_epoch=reports.append)
    assert clock.now - 6000 == pytest.approx(60, abs=1)
    assert history["seconds"].iloc[-1] == pytest.approx(60, abs=1)
    assert history["seconds"].is_monotonic_increasing
    assert history["epoch"].is_unique
    assert reports[0].share > used / 60
    assert reports[-1].share == pytest.approx(1, abs=0.02)
    assert history["validation_images"].nunique() == 1


def test_epochs_without_validation_are_kept_for_a_resumed_training(clock, images, tmp_path):
    clock.look = 0.55  # some three epochs between two validations
    _, whole = train(TRAINING, images, tmp_path / "whole")
    assert whole["epoch"].diff().max() > 1
    stopped_in = int(whole["epoch"].iloc[2]) - 1
    assert stopped_in > whole["epoch"].iloc[1]
    steps, work = 3 * stopped_in + 1, SegmentationModule.training_step
    taken = []

    def fail(self, *given):
        taken.append(1)
        if len(taken) > steps:
            raise OSError("the power failed")
        return work(self, *given)

    SegmentationModule.training_step = fail
    try:
        with pytest.raises(OSError, match="power"):
            train(TRAINING, images, tmp_path / "parts")
    finally:
        SegmentationModule.training_step = work
    _, resumed = train(TRAINING, images, tmp_path / "parts", resume=True)
    row, expected = resumed.iloc[2], whole.iloc[2]
    assert row["epoch"] == expected["epoch"]
    # The mean of all steps since the last validation, those before the interruption too.
    assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-3)


def test_a_finished_training_is_not_trained_again_and_other_minutes_are_refused(clock, images, tmp_path):
    first, _ = train(TRAINING, images, tmp_path)
    (tmp_path / "finished").unlink()  # killed before it was marked
    now = clock.now
    second, _ = train(TRAINING, images, tmp_path, resume=True)
    assert (second, clock.now) == (first, now)
    with pytest.raises(ResumeError, match="other minutes"):
        train(replace(TRAINING, minutes=2.0), images, tmp_path, resume=True)
    with pytest.raises(ResumeError, match="other epochs"):
        train(replace(TRAINING, minutes=None), images, tmp_path, resume=True)


def test_the_log_says_what_is_validated_and_how_far_it_is(clock, images, tmp_path, caplog):
    clock.look = 2.0
    with caplog.at_level(logging.INFO):
        train(replace(TRAINING, schedule=Schedule("constant")), images, tmp_path)
    assert "1 minutes; validation on 1 of 3 images, chosen by the seed, at most 10 % of the time" in caplog.text
    assert "100 % of the minutes, training loss" in caplog.text


def test_early_stopping_counts_epochs_also_where_only_some_are_validated():
    progress = Progress()
    for epoch, loss in ((1, 3.0), (4, 2.0), (8, 2.5), (11, 2.2)):
        progress.add({"epoch": epoch, "val_loss": loss}, "val_loss")
    assert (progress.epoch, progress.stale, progress.best) == (11, 7, -2.0)
    assert progress.is_stopped(7) and not progress.is_stopped(8)


@pytest.mark.parametrize("changes", [{"minutes": 0.0}, {"minutes": float("nan")}, {"validation_share": 1.0}])
def test_a_time_that_cannot_be_is_refused(changes):
    with pytest.raises(ValueError, match=f"`{next(iter(changes))}` must"):
        replace(TRAINING, **changes)


def test_images_are_chosen_by_the_seed_and_one_of_them_shows_a_cell():
    budget = TimeBudget(60, 0.1)
    seconds, cells = [0.2] * 20, [False] * 19 + [True]
    chosen = budget.choose_images(seconds, cells, 3)
    assert chosen == TimeBudget(60, 0.1).choose_images(seconds, cells, 3)
    assert len(chosen) == 3 and 19 in chosen
    assert chosen != TimeBudget(60, 0.1).choose_images(seconds, cells, 4)
    assert TimeBudget(6000, 0.1).choose_images(seconds, cells, 3) == list(range(20))
    assert len(TimeBudget(0.1, 0.1).choose_images(seconds, [False] * 20, 3)) == 1
