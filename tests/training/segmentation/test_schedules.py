from dataclasses import replace

import pytest
import torch

from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.training.segmentation.schedules import RateSchedule
from cell_pipelines.training.segmentation.settings import Schedule, SegmentationTraining

TRAINING = SegmentationTraining(NetworkSpec("resunet"), epochs=8, monitor="val_loss", schedule=Schedule("constant"))


def create(training, rate=1.0):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)
    return RateSchedule(training, optimizer, steps=3), optimizer


def rates(training, monitored, resume_after=None):
    schedule, optimizer = create(training)
    seen = []
    for epoch, value in enumerate(monitored):
        seen.append(schedule.rate)
        for _ in range(3):
            optimizer.step()
            schedule.after_step()
        schedule.after_epoch(value)
        if epoch == resume_after:
            states = schedule.state_dict(), optimizer.state_dict()
            schedule, optimizer = create(training)
            optimizer.load_state_dict(states[1])
            schedule.load_state_dict(states[0])
    return seen


def test_a_plateau_lowers_the_rate_after_as_many_epochs_without_a_better_value():
    seen = rates(replace(TRAINING, schedule=Schedule("plateau", 0.7, patience=4)), [5, 4, 4, 4, 4.5, 4, 4, 3])
    assert seen == [1.0] * 6 + [0.7] * 2


def test_what_is_to_grow_is_better_when_it_grows_and_nan_is_never_better():
    training = replace(TRAINING, schedule=Schedule("plateau", 0.7, patience=2), monitor="val_dice")
    assert rates(training, [0.1, 0.2, 0.3, float("nan"), 0.2, 0.5])[-1] == 0.7


def test_cosine_and_one_cycle_end_low_and_constant_stays():
    assert rates(TRAINING, [1] * 8) == [1.0] * 8
    cosine = rates(replace(TRAINING, schedule=Schedule("cosine")), [1] * 8)
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[-1] < 0.05
    cycle = rates(replace(TRAINING, schedule=Schedule("one_cycle")), [1] * 8)
    assert max(cycle) == pytest.approx(1, abs=0.05)
    assert cycle[-1] < 0.1


@pytest.mark.parametrize("name", ["constant", "cosine", "one_cycle", "plateau"])
def test_a_schedule_goes_on_from_its_state(name):
    training = replace(TRAINING, schedule=Schedule(name, 0.7, patience=2))
    values = [5, 4, 4, 4, 4, 4, 4, 4]
    assert rates(training, values, resume_after=3) == rates(training, values)
