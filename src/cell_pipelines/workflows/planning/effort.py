"""Choose batch, tiles and epochs or minutes of a training, so that a command takes the minutes that there are."""

from dataclasses import dataclass, replace

from cell_pipelines.training.segmentation.settings import SegmentationSettings
from cell_pipelines.training.speed import StepTimes
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.plan import Decision

#: Minutes of the whole command unless others are asked for: on two cores enough for small networks.
MINUTES = 12.0
_LEAST_EPOCHS, _MOST_EPOCHS = 3, 400
# With fewer tiles an epoch is mostly what comes between two epochs.
_LEAST_TILES = 64
_LARGE_TILE = 320
# Of networks from random weights (docs/train.md).
_SMALL_BATCH = 4
# What does not depend on the images, such as starting Kedro, figures and the report, takes so many times as long as the
# start of the command did, which a busy machine slows down likewise.
_STARTS = 5.0
# Thresholds are chosen and the model is evaluated on stored scores: so many times what the network itself takes.
_AFTER_TRAINING = 4.0
# Least part of the minutes that is for training.
_LEAST_PART = 1 / 3


@dataclass(frozen=True)
class Time:
    """Time that there is.

    Attributes:
        minutes: Of the whole command, the evaluation and the report included.
        reading_seconds: What reading the images and their annotations, and looking for images of the same field, took
            here; the study does it once more.
        start_seconds: What the command took before the plan besides, the loading of libraries above all.
    """

    minutes: float = MINUTES
    reading_seconds: float = 0.0
    start_seconds: float = 5.0

    def for_training(self, facts: DataFacts, budget: "Budget", times: StepTimes) -> float:
        """Return the minutes that are left for the training.

        Args:
            facts: Facts about the data.
            budget: What an epoch takes, whose forwards are those of the validation images.
            times: What a batch costs here.
        """
        images = {name: facts.sides[name].images for name in ("val", "test")}
        forwards = budget.forwards * sum(images.values()) / max(1, images["val"])
        after = _AFTER_TRAINING * forwards * times.forward_seconds
        others = 2 * self.reading_seconds + (1 + _STARTS) * self.start_seconds + after
        return max(_LEAST_PART * self.minutes, self.minutes - others / 60)


#: The usual time.
USUAL_TIME = Time()


@dataclass(frozen=True)
class Budget:
    """Size of an epoch.

    Attributes:
        steps: Training steps.
        forwards: Batches of validation images or tiles.
    """

    steps: float
    forwards: float


def choose_batch(side: int) -> int:
    """Return how many tiles or images of a side in pixels make a step: fewer of large ones, for memory."""
    return 8 if side <= _LARGE_TILE else 4


def choose_tiles(facts: DataFacts, tile: int) -> int:
    """Return the tiles of an epoch: as many as cover the training images, 64 at least and 256 at most."""
    pixels = sum(h * w for h, w in facts.sizes) / len(facts.sizes)
    covering = round(facts.sides["train"].images * max(1.0, pixels / tile**2))
    return min(256, max(_LEAST_TILES, 8 * -(-covering // 8)))


def describe_tiles(tiles: int) -> Decision:
    """Return the tiles of an epoch with the reason."""
    why = (
        "They cover the training images about once, 64 at least and 256 at most; they are fewer where "
        "three epochs would else take longer than there is time."
    )
    return Decision("Tiles per epoch", str(tiles), why, "", {"segmentation.tiles.per_epoch": tiles})


def describe_batch(side: int, *, is_started: bool) -> Decision:
    """Return the batch of a network with the reason.

    Args:
        side: Of a tile in pixels.
        is_started: Whether the training starts from a trained model, for which smaller batches were not measured.
    """
    if is_started:
        batch, why = choose_batch(side), "Large tiles are fewer in a batch."
    else:
        batch, why = (
            _SMALL_BATCH,
            "More and smaller steps in the same time were measured to learn more than batches of 8.",
        )
    return Decision("Batch", str(batch), why, f"tiles of {side} px", {"segmentation.batch": batch})


def fit_tiles(facts: DataFacts, tile: int, batch: int, times: StepTimes, time: Time, overhead: float) -> int:
    """Return `choose_tiles`, fewer where else the fewest epochs would take too long, but 64 at least.

    Args:
        facts: Facts about the data.
        tile: Side of a tile in pixels.
        batch: Tiles of a step.
        times: What a batch costs here.
        time: Time that there is.
        overhead: As of `choose_epochs`.
    """
    looking = network_budget(facts, tile, 0, batch)
    seconds = 60 * time.for_training(facts, looking, times) / (_LEAST_EPOCHS * overhead)
    steps = (1 - SegmentationSettings.validation_share) * seconds / max(times.step_seconds, 1e-6)
    return max(_LEAST_TILES, min(choose_tiles(facts, tile), int(steps) * batch))


def network_budget(facts: DataFacts, tile: int, tiles: int, batch: int) -> Budget:
    """Return what an epoch of a segmentation network takes."""
    pixels = sum(h * w for h, w in facts.sizes) / len(facts.sizes)
    return Budget(tiles / batch, facts.sides["val"].images * max(1.0, pixels / tile**2) / batch)


def detector_budget(facts: DataFacts, batch: int, tile: int | None) -> Budget:
    """Return what an epoch of a YOLO takes."""
    pixels = sum(h * w for h, w in facts.sizes) / len(facts.sizes)
    per_image = max(1.0, pixels / tile**2) if tile else 1.0
    return Budget(*(-(-facts.sides[name].images * per_image // batch) for name in ("train", "val")))


def choose_epochs(budget: Budget, times: StepTimes, minutes: float, overhead: float) -> tuple[int, float]:
    """Return how many epochs fit into the minutes, and how many minutes they will take.

    Args:
        budget: What an epoch takes.
        times: What a batch costs here.
        minutes: Of training.
        overhead: How many times longer than the network's own work an epoch takes, with the preparing of images, the
            loss and the optimiser.
    """
    epoch = overhead * (budget.steps * times.step_seconds + budget.forwards * times.forward_seconds)
    epochs = int(min(_MOST_EPOCHS, max(_LEAST_EPOCHS, 60 * minutes // max(epoch, 1e-6))))
    return epochs, epochs * epoch / 60


def plan_epochs(facts: DataFacts, budget: Budget, times: StepTimes, time: Time, overhead: float) -> tuple[int, str]:
    """Return how many epochs there are time for, and the reason.

    Args:
        facts: Facts about the data.
        budget: What an epoch takes.
        times: What a batch costs here.
        time: Time that there is.
        overhead: As of `choose_epochs`.
    """
    minutes = time.for_training(facts, budget, times)
    epochs, expected = choose_epochs(budget, times, minutes, overhead)
    return epochs, _describe_effort(epochs, expected, minutes, time)


def describe_epochs(epochs: int, why: str, times: StepTimes, setting: str) -> Decision:
    """Return the number of epochs with its reason."""
    return Decision("Epochs", str(epochs), why, _describe_step(times), {setting: epochs})


def plan_minutes(
    facts: DataFacts, budget: Budget, times: StepTimes, time: Time, overhead: float, group: str = "segmentation"
) -> Decision:
    """Return the minutes of a training that keeps to them by the clock, and about how many epochs they make.

    The fewest and the most epochs that are planned are a number of epochs: they may take less than was measured.

    Args:
        facts: Facts about the data.
        budget: What an epoch takes.
        times: What a batch costs here.
        time: Time that there is.
        overhead: As of `choose_epochs`.
        group: Whose parameters the minutes are.
    """
    left, share = time.for_training(facts, budget, times), SegmentationSettings.validation_share
    most = share / (1 - share) * budget.steps * times.step_seconds / max(times.forward_seconds, 1e-6)
    epochs, expected = choose_epochs(replace(budget, forwards=min(budget.forwards, most)), times, left, overhead)
    if expected > left * 1.05 or epochs == _MOST_EPOCHS:
        epochs, why = plan_epochs(facts, budget, times, time, overhead)
        return describe_epochs(epochs, why, times, f"{group}.epochs")
    why = (
        f"What reading the images, thresholds, evaluation and report leave of the {time.minutes:g} minutes, estimated "
        "by what reading and the network take here. The training keeps to it by the clock, so the number of epochs is "
        f"an estimate by a measured step; validation takes {100 * share:.0f} % of it at most."
    )
    minutes = max(0.01, round(left, 2))
    value = f"{minutes:.2g} min, about {epochs} epochs"
    return Decision("Training time", value, why, _describe_step(times), {f"{group}.minutes": minutes})


def _describe_step(times: StepTimes) -> str:
    return f"{times.step_seconds:.2g} s per step on {times.device}, measured before the training"


def _describe_effort(epochs: int, expected: float, minutes: float, time: Time) -> str:
    if expected > minutes * 1.05:
        return f"Fewer than {_LEAST_EPOCHS} epochs teach nothing; they take about {max(1, round(expected))} min here."
    if epochs == _MOST_EPOCHS:
        return f"More than {_MOST_EPOCHS} epochs are not planned; they take about {max(1, round(expected))} min here."
    return (
        f"As many as fit by a measured step into {minutes:.2g} of the {time.minutes:g} minutes; the others are for "
        "reading the images, thresholds, evaluation and report, estimated by what reading and the network take here."
    )
