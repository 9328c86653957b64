"""Nodes of the data preparation."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import to_table
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import concatenate, crop, iterate_images
from cell_pipelines.files import link_or_copy
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, png_bits, write_image
from cell_pipelines.imaging.tiling import tile_windows
from cell_pipelines.pipelines.data_preparation.outlines import check_outlines
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.spreadsheet_text import protect_table
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters
from cell_pipelines.workflows.training_images import Intensities, describe_training_images

logger = logging.getLogger(__name__)

# What Ultralytics reads as it lies; the rest is converted.
_AS_IS = {".png", ".jpg", ".jpeg", ".bmp"}


def export_yolo(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PreparationParameters,
    subset: SubsetParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what writes the training set in YOLO's layout into a folder, with the boxes of all objects."""
    return partial(_write_yolo, subset.take(annotations), images, parameters, "box")


def export_yolo_seg(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PreparationParameters,
    subset: SubsetParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what writes the training set in YOLO's layout into a folder, with the outlines of all objects.

    Raises:
        ValueError: An object is a box or a point.
    """
    check_outlines(annotations)
    return partial(_write_yolo, subset.take(annotations), images, parameters, "polygon")


def _write_yolo(
    annotations: AnnotationSet,
    images: dict[str, ImageFile],
    parameters: PreparationParameters,
    geometry: str,
    folder: Path,
) -> None:
    jobs = (_ImageJob(one, images[one.names[0]], folder, parameters) for one in iterate_images(annotations))
    written = map_images(
        _ImageJob.run,
        jobs,
        description="writing the YOLO data set",
        total=annotations.n_images,
        parallel=parameters.parallel,
    )
    findings = write_annotations(concatenate(written), folder, format="yolo", geometries=(geometry,))
    if geometry != "box":  # a box can't hold any shape; of an outline that was changed one wants to know
        protect_table(to_table(findings)).to_csv(folder / "findings.csv", index=False)
        for finding in findings:
            logger.info("%s", finding.sentence())
    described = describe_training_images(
        annotations, images, Intensities(parameters.normalisation), parallel=parameters.parallel
    )
    recipe = {
        "tile_size": parameters.tiling.size,
        "normalisation": parameters.normalisation,
        "scales_8_bit": parameters.normalisation == "percentile",
        "training_images": described,
        **_taken(images),
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")


def _taken(images: dict[str, ImageFile]) -> dict[str, Any]:
    """Return which channels and planes the images are made of, so that new images are read the same way."""
    selection = next(iter(images.values())).selection
    return {"channels": selection.channels, "z": selection.z}


@dataclass(frozen=True)
class _ImageJob:
    """One image on its way into the YOLO data set, whole or in tiles."""

    annotations: AnnotationSet
    file: ImageFile
    folder: Path
    parameters: PreparationParameters

    def run(self) -> AnnotationSet:
        """Write the image or its tiles and return their annotations under the new names."""
        size = self.parameters.tiling.size
        record = self.annotations.images.to_pylist()[0]
        target = PurePosixPath("images", record["split"], *map(_place, PurePosixPath(record["name"]).parts))
        large = size is not None and max(record["width"], record["height"]) > size
        if not large or record["split"] == "test":
            return self.annotations.with_image_column("name", [self._write_whole(target)])
        windows = tile_windows(record["height"], record["width"], size or 0, self.parameters.tiling.overlap)
        image = to_rgb(to_uint8(self.file(), normalisation=self.parameters.normalisation))
        return concatenate([self._write_tile(image, window, target) for window in windows])

    def _write_whole(self, target: PurePosixPath) -> str:
        as_is = self.file.path.suffix.lower() in _AS_IS and self.file.selection.channels is None
        if as_is and self.parameters.normalisation != "percentile" and not _needs_conversion(self.file.path):
            link_or_copy(self.file.path, self.folder / target)
            return str(target)
        target = target.with_suffix(".png")
        image = to_rgb(to_uint8(self.file(), normalisation=self.parameters.normalisation))
        write_image(image, self.folder / target)
        return str(target)

    def _write_tile(self, image: Image, window: tuple[int, int, int, int], target: PurePosixPath) -> AnnotationSet:
        row, column, height, width = window
        name = target.with_name(f"{target.stem}_r{row}_c{column}.png")
        write_image(np.ascontiguousarray(image[row : row + height, column : column + width]), self.folder / name)
        return crop(self.annotations, window, str(name), min_visible=self.parameters.tiling.min_visible)


def _place(part: str) -> str:
    """Return a part of an image's path with no folder called ``images``, which Ultralytics would take for the set's.

    It looks for labels where the last such folder of the path is called ``labels``. Different parts stay different.
    """
    return f"{part}_" if re.fullmatch("images_*", part) else part


def _needs_conversion(path: Path) -> bool:
    """Say whether a picture has more than 8 bits, transparency, or a turned camera."""
    import PIL.Image

    with PIL.Image.open(path) as picture:
        plain = picture.mode in ("L", "RGB")
        deep = path.suffix.lower() == ".png" and png_bits(path) == 16
        # Pillow decodes a whole PNG to look for a mark that its header doesn't announce.
        turned = "exif" in picture.info and picture.getexif().get(0x0112, 1) != 1
        return not plain or deep or turned
