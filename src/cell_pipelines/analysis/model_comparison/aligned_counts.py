"""The counts of several models on the same images, in one order, with what is drawn when images are resampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.evaluation.summaries import ALL, by_class, resampling_units
from cell_pipelines.analysis.model_comparison.series import Series
from cell_pipelines.metrics.evaluated import COMPARED, COUNTS
from cell_pipelines.metrics.metric import Metric
from cell_pipelines.typing import FloatArray

_NEEDED: Final = ("image", "category", *COUNTS)


@dataclass(frozen=True, eq=False)
class AlignedCounts:
    """Counts of models on the same images.

    Attributes:
        models: Their names, M.
        images: The names of the images, I.
        counts: For each of the counts of `image_evaluation` (I, M) float64; nan where a model has none.
        units: (I,) int, which unit each image belongs to, from 0; images of one unit are drawn together.
        grouped: Whether units are groups of images, such as series, and not single images.
        series: To which series images may belong; None where that is not known.
        independent: Whether images are taken as independent because somebody says that they are.
    """

    models: tuple[str, ...]
    images: tuple[str, ...]
    counts: Mapping[str, FloatArray]
    units: npt.NDArray[np.int64]
    grouped: bool
    series: Series | None = None
    independent: bool = False

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.units.max()) + 1 if self.units.size else 0


@dataclass(frozen=True, eq=False)
class MeasuredModels:
    """One metric of all models, unit by unit.

    Attributes:
        metric: Which.
        totals: (U, M, L) what the metric is a ratio of; nan where a model does not have it.
        estimates: (M,) the metric over all units.
        values: (U, M) the metric of each unit; nan where it is 0/0.
    """

    metric: Metric
    totals: FloatArray
    estimates: FloatArray
    values: FloatArray


def align_counts(
    tables: Mapping[str, pd.DataFrame], *, category: str = ALL, groups: Mapping[str, str] | None = None
) -> AlignedCounts:
    """Put the counts of models side by side.

    Args:
        tables: For each model `ImageEvaluation.counts` of all images, one below the other.
        category: A class, or `ALL` for the sums over classes.
        groups: For each image the series, well or recording that it belongs to; images without one are units of their
            own. None where every image is.

    Raises:
        ValueError: A table lacks columns or the class, has an image twice, or two models were evaluated on different
            images or against different cells.
    """
    frames = {name: _counts_of(name, table, category) for name, table in tables.items()}
    _check_same(frames)
    images = tuple(str(image) for image in next(iter(frames.values())).index) if frames else ()
    ordered = [frame.loc[list(images)] for frame in frames.values()]
    counts = {
        column: np.stack([frame[column].to_numpy(dtype=np.float64) for frame in ordered], axis=1)
        if ordered else np.zeros((0, 0)) for column in COUNTS
    }  # fmt: skip
    units = resampling_units(images, groups)
    return AlignedCounts(tuple(frames), images, counts, units, grouped=units.size > 0 and units.max() + 1 < units.size)


def measure(aligned: AlignedCounts, metric: Metric, units: npt.NDArray[np.int64] | None = None) -> MeasuredModels:
    """Return one metric of all models, over all images and unit by unit; `units` (I,) take the place of its own."""
    places = aligned.units if units is None else units
    counts = np.stack([aligned.counts[column] for column in metric.columns], axis=-1)
    summands = metric.summands(counts)
    totals = np.zeros((int(places.max()) + 1 if places.size else 0, *summands.shape[1:]))
    np.add.at(totals, places, summands)
    totals[:, np.isnan(totals).any(axis=(0, 2))] = np.nan
    values = metric.of_totals(totals)
    return MeasuredModels(metric, totals, metric.of_totals(totals.sum(axis=0)), values)


def find_metrics(names: Sequence[str]) -> list[Metric]:
    """Return metrics by name.

    Raises:
        ValueError: One is unknown.
    """
    unknown = [name for name in names if name not in COMPARED]
    if unknown:
        raise ValueError(f"`metrics` must be among {', '.join(COMPARED)}, got {', '.join(unknown)}.")
    return [COMPARED[name] for name in names]


def _counts_of(name: str, table: pd.DataFrame, category: str) -> pd.DataFrame:
    missing = [column for column in _NEEDED if column not in table]
    if missing:
        raise ValueError(
            f"the table of {name!r} must have the counts of evaluated images; {', '.join(missing)} missing."
        )
    classes = by_class(table)
    if category not in classes:
        raise ValueError(f"`category` must be among {', '.join(classes)} for {name!r}, got {category!r}.")
    found = classes[category].assign(image=lambda rows: rows["image"].astype(str)).set_index("image")
    if found.index.has_duplicates:
        twice = found.index[found.index.duplicated()][0]
        raise ValueError(f"the table of {name!r} must have one row per image and class, got {twice!r} twice.")
    return found


def _check_same(frames: Mapping[str, pd.DataFrame]) -> None:
    names = list(frames)
    for name in names[1:]:
        first, other = frames[names[0]], frames[name]
        only = [sorted(set(a.index) - set(b.index)) for a, b in ((first, other), (other, first))]
        if any(only):
            example = next(iter(only[0] or only[1]))
            raise ValueError(
                f"{names[0]!r} and {name!r} must be evaluated on the same images, got {len(only[0])} that only the "
                f"first has and {len(only[1])} that only the second has, such as {example!r}."
            )
        differ = first["true"] != other["true"].loc[first.index]
        if differ.any():
            raise ValueError(
                f"{names[0]!r} and {name!r} must be evaluated against the same cells, got different numbers of them in "
                f"{int(differ.sum())} images, such as {first.index[differ][0]!r}."
            )
