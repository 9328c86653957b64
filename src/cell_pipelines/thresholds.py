"""Hold the thresholds by which objects count as cells, for models of every kind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from cell_pipelines.typing import FloatArray

#: Where a detector's file holds no threshold; what Ultralytics' `predict` uses.
DEFAULT_SCORE = 0.25
# Names in files of earlier versions.
_OLD_NAMES = {"cutoff": "score", "spacing_px": "min_distance_px"}
#: Columns of tables of thresholds by the names of earlier versions.
OLD_COLUMNS = {"cutoff": "threshold", "spacing_px": "min_distance_px"}


@dataclass(frozen=True)
class Threshold:
    """Threshold of one class: what makes an object count as a cell.

    Attributes:
        score: Least score in [0, 1]: of an object for a detector; for a network whose score maps are decoded, of a
            pixel, or of a candidate for star-convex polygons.
        min_area_px: Smaller cells are dropped, in px².
        min_distance_px: Least distance between the centroids of two touching cells in pixels; 0 leaves them together.
            Only representations that split cells by a watershed read it.
    """

    score: float = 0.5
    min_area_px: float = 0.0
    min_distance_px: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"`score` must lie in [0, 1], got {self.score}.")
        if self.min_area_px < 0 or self.min_distance_px < 0:
            raise ValueError(f"sizes must be 0 or more, got {self.min_area_px} and {self.min_distance_px}.")

    @classmethod
    def from_plain(cls, value: float | Mapping[str, float]) -> "Threshold":
        """Return the threshold of a file: a number, or fields by name, also by the names of earlier versions."""
        if not isinstance(value, Mapping):
            return cls(value)
        return cls(**{_OLD_NAMES.get(name, name): number for name, number in value.items()})


@dataclass(frozen=True)
class Thresholds:
    """The threshold of each class of a model.

    Attributes:
        classes: By class name.
        decoded: Whether cells were cut out of score maps by them, so that all cells that exist count; False for
            objects whose scores are compared with them.
    """

    classes: Mapping[str, Threshold] = field(default_factory=dict)
    decoded: bool = False

    @classmethod
    def from_plain(cls, values: Mapping[str, float | Mapping[str, float]]) -> "Thresholds":
        """Return what a file holds: for a detector a number per class, for a network a mapping per class."""
        decoded = any(isinstance(value, Mapping) for value in values.values())
        return cls({name: Threshold.from_plain(value) for name, value in values.items()}, decoded)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for a file, which `from_plain` reads."""
        return {name: asdict(one) if self.decoded else one.score for name, one in self.classes.items()}

    def to_text(self) -> str:
        """Return the plain values as they stand in tables."""
        return json.dumps(self.to_plain(), sort_keys=True)

    def with_score(self, score: float | None) -> "Thresholds":
        """Return the same with one score for all classes; unchanged for None."""
        if score is None:
            return self
        return replace(self, classes={name: replace(one, score=score) for name, one in self.classes.items()})

    def scores(self, categories: Sequence[str]) -> FloatArray:
        """Return the least score of each class, shape (C,)."""
        return np.array([self.classes[name].score for name in categories], dtype=np.float64)

    def least_scores(self, categories: Sequence[str]) -> FloatArray:
        """Return the score from which an object counts, shape (C,): 0 for decoded cells and for unknown classes."""
        if self.decoded:
            return np.zeros(len(categories))
        return np.array([self.classes.get(name, _ALL).score for name in categories], dtype=np.float64)


_ALL = Threshold(0.0)
