"""Summarise the images that a model is trained and validated on, for its file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cell_pipelines.analysis.training_range import summarise_images, summarise_objects
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_objects, select_split
from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.intensity import Colour, Normalisation
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.imaging.signatures import image_signature
from cell_pipelines.training.segmentation.resizing import size_for_diameter
from cell_pipelines.workflows.parallel import ParallelParameters, map_images

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Intensities:
    """Intensities of images as a model takes them.

    Attributes:
        normalisation: As in `imaging.intensity`.
        colour: Channels of a segmentation network; None for a YOLO.
    """

    normalisation: Normalisation
    colour: Colour | None = None


def describe_training_images(
    annotations: AnnotationSet,
    images: Mapping[str, ImageFile],
    intensities: Intensities,
    *,
    categories: tuple[str, ...] | None = None,
    cell_diameter_px: float | None = None,
    parallel: ParallelParameters | None = None,
) -> dict[str, Any]:
    """Return intensities, signatures and sizes of cells of the training and validation images, in plain values.

    Args:
        annotations: All annotations, with splits; ignored regions are no cells.
        images: The images by name; those of training and validation are read.
        intensities: How the model sees them.
        categories: Classes that the model learns; None for all.
        cell_diameter_px: Of the cells that the model knows, at whose scale sizes are told; None for the images' own.
        parallel: How the images are spread over processors.
    """
    used = select_split(annotations, "train", "val")
    files = [images[name] for name in used.names]
    measured = map_images(
        partial(_measure, intensities), files, description="measuring intensities", total=len(files), parallel=parallel
    )
    statistics, signatures = zip(*measured, strict=True) if files else ((), ())
    described = {**summarise_images(statistics), "signatures": list(signatures)}
    types = list(described["contrast"])
    if len(types) > 1 and intensities.normalisation != "percentile":
        text = "Training images have pixels of the types %s, which `normalisation` %s does not bring to one range; "
        logger.warning(text + "percentile does.", ", ".join(types), intensities.normalisation)
    learned = {used.categories.index(name) for name in categories or used.categories}
    cells = select_objects(used, ~used.crowd & np.isin(used.category, list(learned)))
    sizes = np.array([(row["height"], row["width"]) for row in used.images.to_pylist()], dtype=np.float64)
    scales = np.ones(len(sizes))
    if cell_diameter_px is not None:
        seen = [size_for_diameter(one, np.ones(one.n_objects, bool), cell_diameter_px) for one in iterate_images(cells)]
        scales = np.array(seen, dtype=np.float64).reshape(-1, 2)[:, 0] / sizes[:, 0]
    pixels = np.rint(sizes.prod(axis=1) * scales**2).astype(np.int64)
    boxes = cells.boxes * scales[cells.image_index][:, None]
    return {**described, **summarise_objects(cells.counts().sum(axis=1), pixels, boxes)}


def _measure(intensities: Intensities, file: ImageFile) -> tuple[ImageStatistics, str]:
    from cell_pipelines.inference.pixels import ColourPixels, UnitPixels

    image, normalisation = file(), intensities.normalisation
    if intensities.colour is None:
        return ColourPixels(image, normalisation).statistics(), image_signature(image)
    pixels = UnitPixels(image, colour=intensities.colour, normalisation=normalisation)
    return pixels.statistics(), image_signature(image)
