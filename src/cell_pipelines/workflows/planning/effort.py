"""Choose batch, tiles and epochs, so that a training takes the minutes that there are."""

from dataclasses import dataclass

from cell_pipelines.training.speed import StepTimes
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.plan import Decision

#: Minutes of training unless others are asked for: on two cores enough for small networks.
MINUTES = 12.0
_LEAST_EPOCHS, _MOST_EPOCHS = 3, 400
# One epoch is one look at the validation images; with fewer tiles most of the time would be spent on looking.
_LEAST_TILES = 64
_LARGE_TILE = 320


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


def describe_epochs(epochs: int, expected: float, minutes: float, times: StepTimes, setting: str) -> Decision:
    """Return the number of epochs with its reason."""
    numbers = f"{times.step_seconds:.2g} s per step on {times.device}, measured before the training"
    if expected > minutes * 1.05:
        why = f"Fewer than {_LEAST_EPOCHS} epochs teach nothing; they take about {max(1, round(expected))} min here."
    elif epochs == _MOST_EPOCHS:
        why = f"More than {_MOST_EPOCHS} epochs are not planned; they take about {max(1, round(expected))} min here."
    else:
        why = f"As many as fit into {minutes:g} minutes of training by a measured step."
    return Decision("Epochs", str(epochs), why, numbers, {setting: epochs})
