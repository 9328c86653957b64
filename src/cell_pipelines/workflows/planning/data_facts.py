"""Facts about images and annotations that the settings of a training follow from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.typing import FloatArray

_T = TypeVar("_T")
#: Geometries that say which pixels belong to a cell.
OUTLINES = ("polygon", "mask")


@dataclass(frozen=True)
class Side:
    """Images and cells on one side of a split."""

    images: int
    cells: int


@dataclass(frozen=True)
class Diameters:
    """Diameters of the annotated cells in pixels, of circles of the same area: 5th, 50th and 95th percentile."""

    small: float
    median: float
    large: float

    @classmethod
    def of(cls, diameters: FloatArray) -> "Diameters":
        """Return the percentiles of some diameters; NaN of none."""
        if not diameters.size:
            return cls(float("nan"), float("nan"), float("nan"))
        return cls(*(float(value) for value in np.percentile(diameters, (5, 50, 95))))


@dataclass(frozen=True)
class DataFacts:
    """Facts about a person's images and annotations.

    Attributes:
        images: Annotated images.
        not_annotated: Images that nothing is said about.
        geometries: Number of objects by geometry, of those that there are.
        categories: Names of the classes that objects have.
        sides: Images and cells of train, val and test.
        split_source: What decided the split, in words.
        sizes: Height and width of the images, one of each that occurs.
        dtypes: Types of their pixels.
        channels: Numbers of their channels.
        are_grey: Whether each image has one channel, or several that are equal.
        diameters: Of the cells of the training images.
        roundness: Of the median cell, see `measure_roundness`; NaN where nothing has an outline.
        brightness: Probability that a pixel of a cell is brighter than one of the background, see
            `starter_fit.measure_brightness`; NaN likewise.
        annotation_format: Name of the format, and what it was recognised by.
        image_diameters: Of the median cells of single training images.
        sources: Of the cells of each source, where the training images lie in several folders.
    """

    images: int
    not_annotated: int
    geometries: Mapping[str, int]
    categories: tuple[str, ...]
    sides: Mapping[str, Side]
    split_source: str
    sizes: tuple[tuple[int, int], ...]
    dtypes: tuple[str, ...]
    channels: tuple[int, ...]
    are_grey: bool
    diameters: Diameters
    roundness: float
    brightness: float
    annotation_format: tuple[str, str]
    image_diameters: Diameters = field(default_factory=lambda: Diameters.of(np.zeros(0)))
    sources: Mapping[str, Diameters] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Number of objects."""
        return sum(self.geometries.values())

    @property
    def has_outlines(self) -> bool:
        """Whether every object has an outline."""
        return set(self.geometries) <= set(OUTLINES)

    @property
    def longest_side(self) -> int:
        """Longest side of an image in pixels."""
        return max(max(size) for size in self.sizes)

    @property
    def shortest_side(self) -> int:
        """Shortest side of an image in pixels."""
        return min(min(size) for size in self.sizes)


def gather_facts(
    annotations: AnnotationSet,
    image_table: pd.DataFrame,
    *,
    split_source: str,
    annotation_format: tuple[str, str],
    are_grey: bool,
    brightness: float,
) -> DataFacts:
    """Return the facts about images with a split.

    Args:
        annotations: Objects of the annotated images, each image on one side of a split.
        image_table: One row per image with ``name``, ``width``, ``height``, ``dtype`` and ``channels``; images that
            are not annotated, too.
        split_source: What decided the split, in words.
        annotation_format: Name of the format, and what it was recognised by.
        are_grey: Whether each image has one channel, or several that are equal.
        brightness: As of `DataFacts`.
    """
    table = image_table[image_table["name"].isin(annotations.names)]
    codes = annotations.objects["geometry"].to_numpy()
    learnt = select_split(annotations, "train")
    present = [name for number, name in enumerate(annotations.categories) if (annotations.category == number).any()]
    return DataFacts(
        images=annotations.n_images,
        not_annotated=len(image_table) - len(table),
        geometries={name: int(n) for code, name in enumerate(GEOMETRIES) if (n := np.sum(codes == code))},
        categories=tuple(present),
        sides=_count_sides(annotations),
        split_source=split_source,
        sizes=_distinct([(int(h), int(w)) for h, w in zip(table["height"], table["width"], strict=True)]),
        dtypes=_distinct([str(dtype) for dtype in table["dtype"]]),
        channels=_distinct([int(number) for number in table["channels"]]),
        are_grey=are_grey,
        diameters=measure_diameters(learnt),
        roundness=measure_roundness(annotations),
        brightness=brightness,
        annotation_format=annotation_format,
        image_diameters=measure_image_diameters(learnt),
        sources=measure_sources(learnt),
    )


def has_outlines(annotations: AnnotationSet) -> bool:
    """Say whether every object has an outline."""
    outlined = [GEOMETRIES.index(name) for name in OUTLINES]
    return bool(np.isin(annotations.objects["geometry"].to_numpy(), outlined).all())


def measure_diameters(annotations: AnnotationSet) -> Diameters:
    """Return the diameters of the objects; those of an ellipse in its box where there is only a box.

    Points and ignored regions have none; NaN where nothing has.
    """
    return Diameters.of(_diameters(annotations)[1])


def measure_image_diameters(annotations: AnnotationSet) -> Diameters:
    """Return the diameters of the median cells of single images; images without cells have none."""
    images, diameters = _diameters(annotations)
    return Diameters.of(np.array([np.median(diameters[images == number]) for number in np.unique(images)]))


def measure_sources(annotations: AnnotationSet) -> dict[str, Diameters]:
    """Return the diameters of the cells by source, the first folder of an image's name; nothing for one source."""
    images, diameters = _diameters(annotations)
    folders = np.array([name.rpartition("/")[0].partition("/")[0] for name in annotations.names], dtype=object)
    sources = sorted(set(folders[np.unique(images)]))
    if len(sources) < 2:
        return {}
    return {name or "no folder": Diameters.of(diameters[folders[images] == name]) for name in sources}


def _diameters(annotations: AnnotationSet) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the image and the diameter of each object that has one."""
    codes = annotations.objects["geometry"].to_numpy()
    areas = object_areas(annotations)
    areas = np.where(codes == GEOMETRIES.index("box"), areas * np.pi / 4, areas)
    measured = (areas > 0) & ~annotations.crowd
    return annotations.image_index[measured], 2 * np.sqrt(areas[measured] / np.pi)


def measure_roundness(annotations: AnnotationSet) -> float:
    """Return the roundness of the median outlined cell, from 0 to about 1; NaN where nothing has an outline.

    It is the diameter of the circle of the cell's area over the longest side of its box: 1 for a circle, the root of
    width over length for an ellipse along an axis of the image.
    """
    outlined = np.isin(annotations.objects["geometry"].to_numpy(), [GEOMETRIES.index(name) for name in OUTLINES])
    outlined &= ~annotations.crowd
    areas, boxes = object_areas(annotations)[outlined], annotations.boxes[outlined]
    longest = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    there = (areas > 0) & (longest > 0)
    return float(np.median(2 * np.sqrt(areas[there] / np.pi) / longest[there])) if there.any() else float("nan")


def _count_sides(annotations: AnnotationSet) -> dict[str, Side]:
    sides = np.array(annotations.images["split"].to_pylist(), dtype=object)
    cells = np.bincount(annotations.image_index, minlength=annotations.n_images)
    return {name: Side(int(np.sum(sides == name)), int(cells[sides == name].sum())) for name in SPLITS}


def _distinct(values: Sequence[_T]) -> tuple[_T, ...]:
    """Return the different values, the most frequent first."""
    return tuple(value for value, _ in Counter(values).most_common())
