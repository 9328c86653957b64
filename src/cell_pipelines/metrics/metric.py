"""Describe one number of the evaluation: its name, titles, definition, how it is computed and where it is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cell_pipelines.metrics.jackknife import IntervalScale
from cell_pipelines.metrics.label_overlap import OverlapTable
from cell_pipelines.metrics.ratios import share
from cell_pipelines.typing import FloatArray

Kind = Literal["box", "centroid", "mask", "pixel", "count"]
Place = Literal[
    "headline", "model headline", "report", "comparison", "tested", "card", "trials", "learning curve"
]  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """One number of the evaluation.

    Attributes:
        name: Its column in tables, and its name in MLflow.
        title: What figures and sentences call it.
        heading: What stands above its column on a page.
        kind: What is compared: boxes, centroids, masks, pixels, or the counts of images.
        definition: One sentence with the formula.
        columns: The counts of an image that it is made of; none for one that is computed from scores.
        ratio: Takes these counts, one array each, and gives the metric.
        over: What `ratio` takes: the ``sums`` over images; ``each image``, and the metric is the mean of those that
            have a value; or ``all images``, and it gives the metric of all of them at once.
        better: Which values are better.
        has_interval: Whether it comes with a bootstrap interval.
        shown: Where it is shown: among the ``headline`` numbers of a study and of a comparison, or those of one model
            (``model headline``); in the tables of a model's ``report``, in those of the ``comparison`` of models,
            ``tested`` there unless a study names others; on the model ``card``, in the table of an experiment's
            ``trials``, as a ``learning curve``.
        count: Gives `columns` of one class of an image; None for counts that `metrics.count_columns` names.
    """

    name: str
    title: str
    heading: str
    kind: Kind
    definition: str
    columns: tuple[str, ...] = ()
    ratio: Callable[..., Any] = share
    over: Literal["sums", "each image", "all images"] = "sums"
    better: Literal["higher", "lower", "near 0"] = "higher"
    has_interval: bool = False
    shown: tuple[Place, ...] = ()
    count: Callable[[OverlapTable], Sequence[float]] | None = None

    def __post_init__(self) -> None:
        if not self.definition.endswith(".") or not self.title or not self.heading:
            raise ValueError(f"the metric {self.name} must have a title, a heading and a definition of one sentence.")

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better."""
        return self.better == "higher"

    @property
    def is_comparable(self) -> bool:
        """Whether models can be compared by it: it has an interval, and more, or less, is always better."""
        return self.has_interval and self.better != "near 0"

    @property
    def shows_interval(self) -> bool:
        """Whether its interval stands beside it on pages."""
        return self.has_interval and "tested" in self.shown

    @property
    def decimals(self) -> int:
        """Number of decimals that pages show."""
        return 2 if self.kind == "count" else 3

    @property
    def scale(self) -> IntervalScale:
        """The scale on which its intervals are symmetric: errors lie above 0, qualities in 0 to 1."""
        return "logit" if self.higher_is_better else "log"

    def of(self, *counts: FloatArray) -> FloatArray:
        """Return `ratio` of the counts, one array each, nan where a count is."""
        missing = np.isnan(counts).any(axis=0)
        found = np.asarray(self.ratio(*(np.where(missing, 0.0, count) for count in counts)), dtype=np.float64)
        return np.where(missing, np.nan, found)

    def summands(self, counts: FloatArray) -> FloatArray:
        """Return what is summed over images, (…, L), from the counts of images, (…, K): counts, or values and ones."""
        if self.over == "sums":
            return counts
        values = self.of(*np.moveaxis(counts, -1, 0))
        known = ~np.isnan(values)
        pairs = np.stack([np.where(known, values, 0.0), known.astype(np.float64)], axis=-1)
        missing = np.asarray(np.isnan(counts).any(axis=-1, keepdims=True))
        return np.where(missing, np.nan, pairs)

    def of_totals(self, totals: FloatArray) -> FloatArray:
        """Return the metric of sums of `summands`, (…, L); nan where a sum is."""
        if self.over == "sums":
            return self.of(*np.moveaxis(totals, -1, 0))
        known = totals[..., 1] > 0
        means: FloatArray = np.divide(totals[..., 0], totals[..., 1], out=np.full(known.shape, np.nan), where=known)
        return means

    def of_images(self, counts: FloatArray) -> float:
        """Return the metric of the counts of images, (I, K); nan where one of them that it needs is."""
        if self.over == "all images":
            return float(self.ratio(*counts.T))
        return float(self.of_totals(self.summands(counts).sum(axis=0)))
