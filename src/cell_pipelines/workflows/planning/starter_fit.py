"""Decide whether a starter model is for some images, for `cell-pipelines train` and for the training of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.workflows.planning.data_facts import has_outlines, measure_roundness
from cell_pipelines.workflows.survey import is_grey

# Median of a circle's diameter of a cell's area over the longest side of its box: 1 for a circle, 0.71 for 1 to 2.
_ROUNDISH = 0.7
# Least probability that a pixel of a cell is brighter than one of the background: on 123 fields of fluorescent nuclei
# it was 0.97 and more, in phase contrast and bright field, real and generated, 0.65 and less.
_BRIGHT = 0.8
_BINS = 1024
# So many images are looked at for it.
_LOOKED_AT = 24


class Fitting(Protocol):
    """Facts about images and their cells that decide whether a starter is for them."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the classes."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of channels of the images."""

    @property
    def has_outlines(self) -> bool:
        """Whether every object has an outline."""

    @property
    def are_grey(self) -> bool:
        """Whether each image has one channel, or several that are equal."""

    @property
    def roundness(self) -> float:
        """Of the median cell, see `measure_roundness`."""

    @property
    def brightness(self) -> float:
        """Of cells against the background, see `measure_brightness`."""


@dataclass(frozen=True)
class CellFacts:
    """Facts as `Fitting` names them."""

    categories: tuple[str, ...]
    channels: tuple[int, ...]
    has_outlines: bool
    are_grey: bool
    roundness: float
    brightness: float


def gather_cell_facts(
    annotations: AnnotationSet, images: Mapping[str, ImageFile], categories: tuple[str, ...]
) -> CellFacts:
    """Return the facts about annotated images of which a network learns `categories`."""
    return CellFacts(
        categories,
        tuple({images[name].info().channels for name in annotations.names}),
        has_outlines(annotations),
        all(is_grey(images[name]) for name in annotations.names),
        measure_roundness(annotations),
        measure_brightness(annotations, images),
    )


def measure_brightness(annotations: AnnotationSet, images: Mapping[str, ImageFile]) -> float:
    """Return the probability that a pixel of a cell is brighter than one of the background; NaN without outlines.

    It is 1 for bright cells on dark, 0.5 where neither is brighter, as a cell's dark body and bright halo in phase
    contrast, and 0 for dark cells: the area under the ROC curve of the intensity (Hanley and McNeil, 1982,
    doi:10.1148/radiology.143.1.7063747). The median over up to 24 images, evenly spread.
    """
    outlined = [one for one in iterate_images(annotations) if one.n_objects and has_outlines(one)]
    chosen = outlined[:: max(1, -(-len(outlined) // _LOOKED_AT))]
    probabilities = [_probability_brighter(one, images[one.names[0]]) for one in chosen]
    known = [value for value in probabilities if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def _probability_brighter(annotations: AnnotationSet, file: ImageFile) -> float:
    image = file().astype(np.float32)
    grey = image if image.ndim == 2 else image.mean(axis=2)
    inside = objects_to_labels(annotations)[0] > 0
    low, high = np.percentile(grey, (0.1, 99.9))
    if inside.all() or not inside.any() or not high > low:
        return float("nan")
    bins = ((_BINS - 1) * np.clip((grey - low) / (high - low), 0, 1)).astype(np.int64)
    cells, others = (np.bincount(bins[where], minlength=_BINS) for where in (inside, ~inside))
    darker = np.cumsum(others) - others / 2  # equal ones count half
    return float(cells @ darker / (cells.sum() * others.sum()))


def describe_unfit(facts: Fitting, categories: int) -> str:
    """Return why a starter for bright, roundish nuclei is not for these images; empty if it is.

    Args:
        facts: About the images.
        categories: Classes that the starter knows.
    """
    if not facts.has_outlines:
        return "for outlines, which not every annotated cell has"
    if len(facts.categories) != categories:
        return f"for one class of cells; there are {len(facts.categories)}"
    if not facts.are_grey:
        return "for grey images; these have colours"
    if not facts.roundness >= _ROUNDISH:
        return f"for roundish cells; these have a median roundness of {facts.roundness:.2f}"
    if not facts.brightness >= _BRIGHT:
        return (
            "for bright nuclei on a dark background, as in fluorescence; here a pixel of a cell is brighter than one "
            f"of the background with a probability of {facts.brightness:.2f}"
        )
    return ""


def merge_settings(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested parameters with settings by dotted names on top, as Kedro's soft merge gives them."""
    merged = dict(base)
    for name, value in settings.items():
        head, _, rest = name.partition(".")
        merged[head] = merge_settings(merged.get(head) or {}, {rest: value}) if rest else value
    return merged
