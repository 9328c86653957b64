"""Take labels or a mask out of a picture's numbers, with a remark on everything that isn't taken as it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cell_pipelines.annotations.findings import Action
from cell_pipelines.annotations.formats.label_pictures.mask_doubts import doubt_shapes
from cell_pipelines.annotations.formats.label_pictures.raster_kinds import (
    ValueSurvey,
    is_lossy_mask,
    kind_of,
    survey_values,
)
from cell_pipelines.annotations.formats.label_pictures.rasters import Raster, one_channel, whole_numbers

# How much of a picture's border the background at least covers.
_BORDER_SHARE = 0.75
_SHOWN = 5


@dataclass(frozen=True)
class Remark:
    """Remark about a whole picture.

    Attributes:
        action: As of a finding.
        reason: Why, in words.
        objects: How many objects it is about.
    """

    action: Action
    reason: str
    objects: int = 0


def read_labels(raster: Raster, *, doubt: bool = True) -> tuple[Raster, list[Remark]]:
    """Return the labels (H, W) of a picture, 0 for background, and remarks.

    Negative numbers are background, and so is a largest number of the picture's type far beyond all others, which
    marks what isn't labelled.

    Args:
        raster: The picture.
        doubt: Whether to look for signs that the numbers are not those of cells; not where a table says that they are.

    Raises:
        ValueError: Colours differ, or a number is no label.
    """
    flat, remark = one_channel(raster)
    labels, remarks = _without_negatives(whole_numbers(flat))
    labels, marks = _without_marks(labels)
    remarks += [Remark("noted", remark)] if remark else []
    return labels, [*remarks, *marks, *(_doubts(labels) if doubt else [])]


def _without_negatives(labels: Raster) -> tuple[Raster, list[Remark]]:
    if labels.dtype.kind != "i" or not labels.size or labels.min() >= 0:
        return labels, []
    count = int((labels < 0).sum())
    reason = f"{count} pixels are {int(labels.min())} or another number below 0; they are taken as background."
    return np.maximum(labels, 0), [Remark("suspect", reason)]


def _without_marks(labels: Raster) -> tuple[Raster, list[Remark]]:
    limit = np.iinfo(labels.dtype).max
    values = np.unique(labels)
    if len(values) > 2 and int(values[-1]) == limit and int(values[-2]) < limit // 2:
        reason = (
            f"value {limit} is the largest that the file can hold and all others are at most {int(values[-2])}: "
            "taken for a mark of what isn't labelled."
        )
        return np.where(labels == limit, 0, labels), [Remark("dropped", reason, 1)]
    return labels, []


def _doubts(labels: Raster) -> list[Remark]:
    """Return what speaks against the numbers being those of cells."""
    values = np.unique(labels)
    if len(values) < 2 and not values.any():
        return []
    if kind_of(labels) == "grey":
        reason = f"{len(values)} values that change from pixel to pixel are grey values of a photograph or a map of "
        return [Remark("suspect", f"{reason}probabilities, not numbers of cells; each was taken for a cell.")]
    survey = survey_values(labels)
    remarks = [Remark("suspect", _describe_scattered(survey))] if survey.scattered.any() else []
    return [*remarks, *_doubt_background(labels), *_doubt_shapes(labels != 0)]


def _doubt_shapes(mask: Raster) -> list[Remark]:
    return [Remark("suspect", sentence) for sentence in doubt_shapes(mask)]


def _doubt_background(labels: Raster) -> list[Remark]:
    """Return a remark where a label covers the picture as a background does."""
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    values, counts = np.unique(border, return_counts=True)
    common = values[np.argmax(counts)]
    share = float((labels == common).mean())
    if common == 0 or share <= 0.5 or counts.max() < _BORDER_SHARE * border.size:
        return []
    return [Remark("suspect", f"label {common} covers {share:.0%} of the picture, as a background does, not a cell.")]


def _describe_scattered(survey: ValueSurvey) -> str:
    values, pieces = (column[survey.scattered].tolist() for column in (survey.values, survey.pieces))
    listed = [f"{value} in {count}" for value, count in zip(values[:_SHOWN], pieces[:_SHOWN], strict=True)]
    shown = ", ".join(listed) + (", …" if len(values) > _SHOWN else "")
    return (
        f"{len(values)} of {len(survey.values)} labels lie in many or distant pieces ({shown} pieces); each was "
        "taken for one cell. Where the numbers are classes, name the `format` binary_mask."
    )


def read_mask(raster: Raster, background: int | None = None) -> tuple[Raster, list[Remark]]:
    """Return the mask (H, W) of a picture as `find_mask` does, with remarks on shapes that are no cells' as well."""
    mask, remarks = find_mask(raster, background)
    return mask, [*remarks, *_doubt_shapes(mask)]


def find_mask(raster: Raster, background: int | None = None) -> tuple[Raster, list[Remark]]:
    """Return the mask (H, W) of a picture of two values, and remarks.

    A mask blurred by lossy compression is cut halfway. Of a map of classes everything but 0 belongs to the mask. Of
    two values without 0 the more frequent one is the background where it also covers most of the border.

    Args:
        raster: The picture.
        background: Value of the background; None for 0, or as above.

    Raises:
        ValueError: Colours differ, there are more values, or it can't be known which is the background.
    """
    flat, remark = one_channel(raster, lone=True)
    labels = whole_numbers(flat)
    remarks = [Remark("noted", remark)] if remark else []
    if background is not None:
        return labels != background, remarks
    labels, negatives = _without_negatives(labels)
    remarks += negatives
    values, counts = np.unique(labels, return_counts=True)
    if len(values) > 2:
        mask, more = _of_many_values(labels, values)
        return mask, remarks + more
    if len(values) == 1:
        whole = Remark("suspect", f"all pixels are {int(values[0])}: the whole picture was taken for one cell.")
        return labels != 0, remarks + ([whole] if values[0] else [])
    if 0 not in values:
        common = int(values[np.argmax(counts)])
        if _border_share(labels == common) < _BORDER_SHARE:
            raise ValueError(
                f"expected 0 and one other value, got {_listed(values)}; say which is the `background`, such as "
                f"{common}."
            )
        said = f"the values are {_listed(values)}; {common}, the more frequent, is taken as background."
        return labels != common, [*remarks, Remark("noted", said)]
    mask = labels != 0
    if mask.mean() > 0.5 and _border_share(mask) >= _BORDER_SHARE:
        other = int(values[values != 0][0])
        reason = f"{mask.mean():.0%} of the picture and most of its border count as cells, as if cells were 0;"
        return mask, [*remarks, Remark("suspect", f"{reason} if so, set `background: {other}`.")]
    return mask, remarks


def read_classes(raster: Raster, values: Mapping[int, str]) -> tuple[Raster, list[Remark]]:
    """Return the map (H, W) of a picture whose numbers are classes, 0 for background, and remarks.

    Args:
        raster: The picture.
        values: Class of each number; other numbers are background.

    Raises:
        ValueError: Colours differ, or numbers are not whole.
    """
    flat, remark = one_channel(raster, lone=True)
    labels = whole_numbers(flat)
    mapped = np.zeros(labels.shape, dtype=np.int64)
    for value in values:
        mapped[labels == value] = value
    others = [int(v) for v in np.unique(labels) if v not in values and v != 0]
    remarks = [Remark("noted", remark)] if remark else []
    said = f"the values {_listed(others)} are not among `values`; they are taken as background."
    return mapped, [*remarks, *([Remark("noted", said)] if others else [])]


def _of_many_values(labels: Raster, values: Raster) -> tuple[Raster, list[Remark]]:
    if is_lossy_mask(labels):
        midpoint = (int(values[0]) + int(values[-1])) / 2
        reason = (
            f"{len(values)} values around {int(values[0])} and {int(values[-1])}, as lossy compression leaves them,"
        )
        return labels > midpoint, [Remark("suspect", f"{reason} are cut at {midpoint:g}.")]
    if kind_of(labels) == "classes" and 0 in values:
        reason = f"the values are {_listed(values)}; all but 0 count as cells. The option `values` names their classes."
        return labels != 0, [Remark("suspect", reason)]
    raise ValueError(f"expected background and one other value, got {len(values)} values; is it a label image?")


def _border_share(mask: Raster) -> float:
    """Return which share of the border pixels of a mask (H, W) belongs to it."""
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(border.mean())


def _listed(values: Sequence[int] | Raster) -> str:
    shown = [str(int(value)) for value in values[:_SHOWN]]
    return ", ".join(shown) + (", …" if len(values) > _SHOWN else "")
