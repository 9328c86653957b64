"""Cells drawn on their images, one picture per image."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet, with_object_columns
from cell_pipelines.annotations.selection import crop, iterate_images, object_places
from cell_pipelines.annotations.shrinking import shrink_image
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, read_image, write_image
from cell_pipelines.typing import Boxes, ByteImage
from cell_pipelines.workflows.parallel import ParallelParameters, map_images
from cell_pipelines.workflows.reduced_pictures import reduced_picture

# Of images with a longer side than this a picture on a page shows a part, of so many pixels a side.
_LARGE_PX, _PART_PX = 2600, 1000
# Images with more pixels are drawn on reduced to so many pixels a side.
_MOST_PIXELS, _OVERVIEW_PX = 1 << 26, 4096


def draw_pictures(
    cells: AnnotationSet, images: Mapping[str, ImageFile], parallel: ParallelParameters, folder: Path
) -> None:
    """Fill a folder with the images and their cells, one colour per class."""
    jobs: Iterator[_Picture] = (_Picture(images[one.names[0]], one, folder) for one in iterate_images(cells))
    for _ in map_images(_Picture.run, jobs, description="drawing", total=cells.n_images, parallel=parallel):
        continue


def draw_picture(file: ImageFile, cells: AnnotationSet) -> ByteImage:
    """Return an image with its cells, (H, W, 3) uint8 RGB with a legend below, one colour per class.

    Of an image that is read part by part it is a smaller picture.
    """
    from cell_pipelines.report.overlays.instances import overlay_cells

    info = file.info()
    if info.height * info.width <= _MOST_PIXELS:
        return overlay_cells(to_rgb(to_uint8(file())), cells)
    picture = reduced_picture(file, _OVERVIEW_PX)
    return overlay_cells(picture, shrink_image(cells, (picture.shape[0], picture.shape[1])))


def draw_preview(file: ImageFile, cells: AnnotationSet, side: int) -> tuple[ByteImage, str]:
    """Return an image with its cells, small enough for a page, whatever its size.

    Args:
        file: The image.
        cells: Its cells, a set of one image.
        side: Longest side of the picture in pixels, without the legend that it has where there are several classes.

    Returns:
        (H, W, 3) uint8 RGB, and what has to be said of it: of an image so large that its cells would not be seen, the
        part with the most cells is shown; else nothing.
    """
    from cell_pipelines.report.overlays.display import enlarge, to_display
    from cell_pipelines.report.overlays.instances import draw_objects
    from cell_pipelines.report.overlays.legends import add_legend, category_legend

    info, part, categories = file.info(), "", cells.category
    height, width = info.height, info.width
    if max(height, width) > _LARGE_PX:
        top, left, rows, columns = window = _busiest_window(cells.boxes, (height, width))
        cells, pixels = crop(cells, window, cells.names[0]), file.region(*window)
        part = f"; shown is the part of {columns} x {rows} pixels from column {left} and row {top} on"
    else:
        pixels = file()
    canvas, factor = enlarge(to_display(pixels))
    drawn = _shrink(draw_objects(canvas, cells, factor=factor), side)
    shown = category_legend(categories, cells.categories) if len(cells.categories) > 1 else ()
    return add_legend(drawn, shown), part


def _busiest_window(boxes: Boxes, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return row, column, height and width of the part of an image that holds the most centres of boxes."""
    height, width = (min(length, _PART_PX) for length in size)
    centres = (boxes[:, [1, 0]] + boxes[:, [3, 2]]) / 2
    steps = height // 2, width // 2
    edges = [np.arange(0, length + step, step) for length, step in zip(size, steps, strict=True)]
    counts, _, _ = np.histogram2d(centres[:, 0], centres[:, 1], bins=edges)
    windows = counts[:-1, :-1] + counts[1:, :-1] + counts[:-1, 1:] + counts[1:, 1:]
    row, column = np.unravel_index(int(windows.argmax()), windows.shape) if len(boxes) else (0, 0)
    return min(int(row) * steps[0], size[0] - height), min(int(column) * steps[1], size[1] - width), height, width


def _shrink(picture: ByteImage, side: int) -> ByteImage:
    import cv2

    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return picture
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def thumbnail(picture: ByteImage, side: int) -> str:
    """Return a picture (H, W, 3), its longer side at most `side` pixels, as an address that holds a JPEG."""
    import cv2

    _, data = cv2.imencode(".jpg", _shrink(picture, side)[..., ::-1])
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
    objects = with_object_columns(cells.objects, category=[place[state] for state in found])
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
