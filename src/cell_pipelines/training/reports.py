"""Report the progress of a training while it runs."""

from dataclasses import dataclass
from typing import Any

from cell_pipelines.typing import Float32Array


@dataclass(frozen=True, eq=False)
class SamplePrediction:
    """Prediction of the network for one validation image.

    Attributes:
        image: (H, W, C) in [0, 1].
        target: (K, H, W), 1 where a cell of the category is.
        probability: (K, H, W) in [0, 1], how sure the network is.
    """

    image: Float32Array
    target: Float32Array
    probability: Float32Array


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        row: Its row of the history.
        epochs: How many there are at most; None in a training by minutes.
        is_best: Whether it is the best so far.
        samples: Predictions, where they are due.
        share: Of a training by minutes that is done, in [0, 1]; None in one by epochs.
    """

    row: dict[str, Any]
    epochs: int | None
    is_best: bool
    samples: tuple[SamplePrediction, ...] = ()
    share: float | None = None
