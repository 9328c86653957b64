"""Turn annotated images into samples of a segmentation network: intensities, labels and weights, all checked."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.imaging.intensity import Colour, Normalisation, to_colour, to_unit
from cell_pipelines.imaging.resizing import resize_labels, resize_pixels
from cell_pipelines.training.segmentation.resizing import resize_boxes, size_for_diameter
from cell_pipelines.typing import AnyArray

logger = logging.getLogger(__name__)


WeightMap = Callable[[npt.NDArray[np.int32]], npt.NDArray[np.float32]]


class SampleError(ValueError):
    """An image or its annotation that a segmentation can't be trained on; the sentence names the image."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image and its cells, as they come from the partitions of a study.

    Attributes:
        name: As in the annotations.
        file: Gives the image (H, W) or (H, W, C) when called, whole numbers or floats.
        annotations: Of this one image: masks or polygons.
    """

    name: str
    file: Callable[[], AnyArray]
    annotations: AnnotationSet


@dataclass(frozen=True, eq=False)
class Sample:
    """An image ready for training, as small as it can be kept.

    Attributes:
        name: Of the image.
        image: (H, W, C) uint8 standing for [0, 1] in steps of 1/255, or float32 in [0, 1].
        labels: (K, H, W) uint16 or int32, one label image for each category, 0 for background.
        weights: (K, H, W) float16, or bool where a pixel only counts or doesn't.
        objects: Table of `OBJECT_SCHEMA` of the image, for choosing tiles.
        object_categories: For each of these objects, its category's place among the K; -1 for others.
    """

    name: str
    image: AnyArray
    labels: AnyArray
    weights: AnyArray
    objects: pa.Table
    object_categories: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Preparation:
    """Settings by which images become samples.

    Attributes:
        categories: Class names in the order of the network's outputs.
        colour: ``rgb``, ``grey`` or ``channels`` as they are.
        normalisation: How intensities come to [0, 1], as in `imaging.intensity.to_unit`.
        weight_map: Gives the weights (H, W) of the labels of a whole image; None counts every pixel alike.
        resize: Height and width that every image is brought to; None leaves it as it is.
        cell_diameter_px: Each image is rescaled so that its median cell has this diameter; None leaves it as it is.
    """

    categories: tuple[str, ...]
    colour: Colour = "rgb"
    normalisation: Normalisation = "full_range"
    weight_map: WeightMap | None = None
    resize: tuple[int, int] | None = None
    cell_diameter_px: float | None = None


def prepare_samples(
    images: Sequence[LabelledImage], preparation: Preparation, *, like: tuple[str, int] | None = None
) -> Iterator[Sample]:
    """Yield the samples of some images.

    Args:
        images: Annotated images.
        preparation: How they become samples.
        like: Name and number of channels of an image that these must have as many as; None for the first of them.

    Raises:
        SampleError: Size and annotation differ, cells have no area, or the numbers of channels differ.
    """
    for image in images:
        sample = prepare_sample(image, preparation)
        channels = sample.image.shape[2]
        like = like or (sample.name, channels)
        if channels != like[1]:
            raise SampleError(
                f"{sample.name}: expected {like[1]} channels as {like[0]} has, got {channels}; "
                "`colour` rgb or grey makes them alike."
            )
        yield sample


def prepare_sample(image: LabelledImage, preparation: Preparation) -> Sample:
    """Return one image's sample.

    Raises:
        SampleError: As in `prepare_samples`.
    """
    pixels = np.asarray(image.file())
    _check_annotation(image, pixels)
    places = {name: place for place, name in enumerate(preparation.categories)}
    own = np.array([places.get(name, -1) for name in image.annotations.categories], dtype=np.int64)
    own = own[image.annotations.category]
    _check_areas(image, own)
    if preparation.cell_diameter_px is not None:
        size = size_for_diameter(image.annotations, own >= 0, preparation.cell_diameter_px)
        preparation = replace(preparation, resize=size)
    per_category = [_draw(image, own == k, preparation) for k in range(len(places))]
    labels, weights = (np.stack(arrays) for arrays in zip(*per_category, strict=True))
    unit = _to_unit(image.name, pixels, preparation)
    return Sample(image.name, unit, labels, weights, resize_boxes(image.annotations, preparation.resize), own)


def _check_annotation(image: LabelledImage, pixels: AnyArray) -> None:
    if image.annotations.n_images != 1:
        raise SampleError(f"{image.name}: expected the annotation of one image, got {image.annotations.n_images}.")
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise SampleError(f"{image.name}: expected an image (H, W) or (H, W, C) with pixels, got {pixels.shape}.")
    height, width = (int(image.annotations.images[side][0].as_py()) for side in ("height", "width"))
    if pixels.shape[:2] != (height, width):
        raise SampleError(
            f"{image.name}: the annotation is for {width}x{height} pixels (width x height), "
            f"the image has {pixels.shape[1]}x{pixels.shape[0]}."
        )


def _check_areas(image: LabelledImage, own: npt.NDArray[np.int64]) -> None:
    geometry = image.annotations.objects["geometry"].to_numpy(zero_copy_only=False)
    without = np.isin(geometry, [GEOMETRIES.index("box"), GEOMETRIES.index("point")])
    count = int(np.sum(without & ~image.annotations.crowd & (own >= 0)))
    if count:
        raise SampleError(
            f"{image.name}: segmentation needs masks or polygons, got {count} cells with a box or point only; "
            "annotate their outlines, or leave them out."
        )


def _draw(image: LabelledImage, rows: npt.NDArray[np.bool_], preparation: Preparation) -> tuple[AnyArray, AnyArray]:
    """Return labels and weights (H, W) of one category."""
    crowd = image.annotations.crowd
    labels, _ = objects_to_labels(_subset(image.annotations, rows & ~crowd))
    if preparation.resize is not None:
        labels = resize_labels(labels, preparation.resize)
    hidden = int(np.sum(rows & ~crowd)) - _count_cells(labels)
    if hidden:
        logger.warning("%s: %d cells have no pixel of their own and are not learnt.", image.name, hidden)
    counted = np.ones(labels.shape, dtype=np.bool_)
    if (rows & crowd).any():
        # Nobody said which pixels of an ignored region are cells.
        ignored, _ = objects_to_labels(_subset(image.annotations, rows & crowd))
        if preparation.resize is not None:
            ignored = resize_labels(ignored, preparation.resize)
        counted = (labels > 0) | (ignored == 0)
    compact = labels.astype(np.uint16) if labels.max(initial=0) < 1 << 16 else labels
    if preparation.weight_map is None:
        return compact, counted
    return compact, _to_half(preparation.weight_map(labels)) * counted


def _to_half(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Return weights in half the memory; the smallest stay above 0, which would leave a pixel out."""
    limits = np.finfo(np.float16)
    half: npt.NDArray[np.float16] = np.clip(weights, limits.smallest_subnormal * (weights > 0), limits.max).astype(
        np.float16
    )
    return half


def _subset(annotations: AnnotationSet, rows: npt.NDArray[np.bool_]) -> AnnotationSet:
    return replace(annotations, objects=annotations.objects.filter(pa.array(rows)))


def _count_cells(labels: AnyArray) -> int:
    return int(np.count_nonzero(np.bincount(labels.ravel())[1:]))


def _to_unit(name: str, pixels: AnyArray, preparation: Preparation) -> AnyArray:
    if pixels.dtype.kind == "f":
        missing = int(np.count_nonzero(~np.isfinite(pixels)))
        if missing:
            logger.warning("%s: %d values are not finite numbers; they are set to 0.", name, missing)
            pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
        beyond = int(np.count_nonzero((pixels < 0) | (pixels > 1)))
        if beyond and preparation.normalisation == "full_range":
            text = "%s: %d values lie outside [0, 1] and are cut; `normalisation` percentile takes any range."
            logger.warning(text, name, beyond)
    coloured = to_colour(pixels, preparation.colour)
    if coloured.dtype == np.uint8 and preparation.normalisation != "percentile":
        unit: AnyArray = coloured if coloured.ndim == 3 else coloured[..., None]
    else:
        unit = to_unit(coloured, preparation.normalisation)
    return np.ascontiguousarray(unit if preparation.resize is None else resize_pixels(unit, preparation.resize))


def check_study(train: Sequence[Sample], categories: Sequence[str]) -> None:
    """See that there is something to learn.

    Raises:
        SampleError: There is no image, or no cell in any.
    """
    if not train:
        raise SampleError("`train` must hold at least one image, got none.")
    seen = np.sum([sample.labels.reshape(len(categories), -1).any(axis=1) for sample in train], axis=0)
    if not seen.any():
        raise SampleError(
            f"the {len(train)} training images show no cell of {', '.join(categories)}; there is nothing to learn."
        )
    for name, count in zip(categories, seen, strict=True):
        if not count:
            logger.warning("no training image shows %s; the network can't learn it.", name)


def mean_areas_px(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Return the average area of the cells of each category in pixels, shape (K,); nan where there is none."""
    pixels, cells = _pixels_and_cells(samples)
    areas = np.full(len(pixels), np.nan)
    np.divide(pixels, cells, out=areas, where=cells > 0)
    return areas


def mean_area_px(samples: Sequence[Sample]) -> float:
    """Return the average area of all cells in pixels; nan where there is none."""
    pixels, cells = (counts.sum() for counts in _pixels_and_cells(samples))
    return float(pixels / cells) if cells else float("nan")


def _pixels_and_cells(samples: Sequence[Sample]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    pixels = np.sum([np.count_nonzero(sample.labels, axis=(1, 2)) for sample in samples], axis=0)
    cells = np.sum([[_count_cells(labels) for labels in sample.labels] for sample in samples], axis=0)
    return pixels.astype(np.float64), cells.astype(np.float64)
