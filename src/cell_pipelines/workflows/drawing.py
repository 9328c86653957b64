"""Cells drawn on their images, one picture per image."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.schema import OBJECT_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, object_places
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, read_image, write_image
from cell_pipelines.typing import ByteImage
from cell_pipelines.workflows.parallel import ParallelParameters, map_images


def draw_pictures(
    cells: AnnotationSet, images: Mapping[str, ImageFile], parallel: ParallelParameters, folder: Path
) -> None:
    """Fill a folder with the images and their cells, one colour per class."""
    jobs: Iterator[_Picture] = (_Picture(images[one.names[0]], one, folder) for one in iterate_images(cells))
    for _ in map_images(_Picture.run, jobs, description="drawing", total=cells.n_images, parallel=parallel):
        continue


def draw_picture(file: ImageFile, cells: AnnotationSet) -> ByteImage:
    """Return an image with its cells, (H, W, 3) uint8 RGB with a legend below, one colour per class."""
    from cell_pipelines.report.overlays.instances import overlay_cells

    return overlay_cells(to_rgb(to_uint8(file())), cells)


def thumbnail(picture: ByteImage, side: int) -> str:
    """Return a picture (H, W, 3), its longer side at most `side` pixels, as an address that holds a JPEG."""
    import cv2

    height, width = picture.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if factor < 1 else picture
    _, data = cv2.imencode(".jpg", small[..., ::-1])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"


def draw_nothing(folder: Path) -> None:
    """Leave a folder empty."""


def with_states(cells: AnnotationSet, states: pd.DataFrame, order: Sequence[str]) -> AnnotationSet:
    """Return the same cells with a state in place of their class.

    Args:
        cells: N cells.
        states: One row per cell: `image`, `object` (its place among the image's objects) and `status`.
        order: All states, by their colours.
    """
    names = np.array(cells.names, dtype=object)[cells.image_index]
    keys = pd.MultiIndex.from_arrays([names, object_places(cells)])
    found = states.set_index(["image", "object"])["status"].reindex(keys)
    place = {name: number for number, name in enumerate(order)}
    position = OBJECT_SCHEMA.get_field_index("category")
    column = pa.array([place[state] for state in found], pa.int32())
    objects = cells.objects.set_column(position, OBJECT_SCHEMA.field("category"), column)
    return replace(cells, objects=objects, categories=tuple(order))


def picture_name(image: str) -> str:
    """Return the name of an image's picture, another one for each image.

    >>> picture_name("well/a.png"), picture_name("well/a.tif")
    ('well/a.png', 'well/a.tif.png')
    """
    return image if image.lower().endswith(".png") else f"{image}.png"


def some_pictures(folder: Path, count: int, names: Sequence[str] | None = None) -> list[tuple[str, Image]]:
    """Return up to `count` pictures of a folder, evenly over all or over those of the images `names`."""
    files = sorted(folder.rglob("*.png")) if names is None else [folder / picture_name(name) for name in names]
    chosen = np.unique(np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)).tolist() if files else []
    return [(files[i].relative_to(folder).as_posix(), read_image(files[i])) for i in chosen]


@dataclass(frozen=True, eq=False)
class _Picture:
    """One image to be drawn on."""

    file: ImageFile
    cells: AnnotationSet
    folder: Path

    def run(self) -> None:
        """Draw and write."""
        drawn = draw_picture(self.file, self.cells)
        write_image(drawn, self.folder / picture_name(self.cells.names[0]))
