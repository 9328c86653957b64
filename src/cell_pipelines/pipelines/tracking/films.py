"""Films of tracked cells."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, write_image
from cell_pipelines.pipelines.partitions import map_images
from cell_pipelines.pipelines.tracking.parameters import TrackingParameters


def write_films(
    linked: pd.DataFrame,
    cells: AnnotationSet,
    images: Mapping[str, ImageFile],
    parameters: TrackingParameters,
    folder: Path,
) -> None:
    """Write a GIF of each of the first sequences, and the last frame of each as a picture; a frame at a time."""
    from cell_pipelines.report.track_overlays import write_gif

    for sequence, own in list(linked.groupby("sequence", sort=True))[: parameters.films]:
        frames = _draw_frames(own, cells, images, parameters)
        last: list[Image] = []
        write_gif(_remember(frames, last), folder / f"{sequence}.gif", fps=parameters.fps)
        write_image(last[0], folder / f"{sequence}.png")


def _remember(frames: Iterator[Image], last: list[Image]) -> Iterator[Image]:
    """Yield frames, and keep the one that was yielded last."""
    for frame in frames:
        last[:] = [frame]
        yield frame


def _draw_frames(
    linked: pd.DataFrame, cells: AnnotationSet, images: Mapping[str, ImageFile], parameters: TrackingParameters
) -> Iterator[Image]:
    from cell_pipelines.report.track_overlays import draw_tracks

    row_of = {name: row for row, name in enumerate(cells.names)}
    frames = list(linked[["frame", "image"]].drop_duplicates().sort_values("frame").itertuples(index=False))

    def draw(one: tuple[int, str]) -> Image:
        frame, name = one
        labels = objects_to_labels(select_images(cells, [row_of[name]]))[0]
        drawn: Image = draw_tracks(to_rgb(to_uint8(images[name]())), labels, linked, frame, trail=parameters.trail)
        return drawn

    return map_images(draw, frames, description="filming", total=len(frames), parallel=None)
