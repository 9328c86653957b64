"""Films of tracked cells."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile, write_image
from cell_pipelines.inside_paths import resolve_inside
from cell_pipelines.pipelines.tracking.parameters import TrackingParameters
from cell_pipelines.workflows.parallel import map_images


def write_films(
    linked: pd.DataFrame, cells: AnnotationSet, frames: pd.DataFrame, images: Mapping[str, ImageFile],
    parameters: TrackingParameters, folder: Path,
) -> None:  # fmt: skip
    """Write a GIF of each of the first sequences, and the last frame of each as a picture; a frame at a time.

    Args:
        linked: One row per cell with its track.
        cells: The cells.
        frames: One row per image, also of those without cells: `image`, `sequence`, `frame`.
        images: The images by name.
        parameters: Of tracking.
        folder: Where films go.
    """
    from cell_pipelines.report.overlays.tracks import write_gif

    for sequence, own in list(frames.groupby("sequence", sort=True))[: parameters.films]:
        tracked = linked[linked["sequence"] == sequence]
        drawn = _draw_frames(tracked, own.sort_values("frame"), cells, images, parameters)
        last: list[Image] = []
        write_gif(_remember(drawn, last), resolve_inside(folder, f"{sequence}.gif"), fps=parameters.fps)
        write_image(last[0], resolve_inside(folder, f"{sequence}.png"))


def _remember(frames: Iterator[Image], last: list[Image]) -> Iterator[Image]:
    """Yield frames, and keep the one that was yielded last."""
    for frame in frames:
        last[:] = [frame]
        yield frame


def _draw_frames(
    linked: pd.DataFrame,
    shown: pd.DataFrame,
    cells: AnnotationSet,
    images: Mapping[str, ImageFile],
    parameters: TrackingParameters,
) -> Iterator[Image]:
    from cell_pipelines.report.overlays.tracks import draw_tracks

    row_of = {name: row for row, name in enumerate(cells.names)}
    frames = list(shown[["frame", "image"]].itertuples(index=False))

    def draw(one: tuple[int, str]) -> Image:
        frame, name = one
        labels = objects_to_labels(select_images(cells, [row_of[name]]))[0]
        drawn: Image = draw_tracks(to_rgb(to_uint8(images[name]())), labels, linked, frame, trail=parameters.trail)
        return drawn

    return map_images(draw, frames, description="filming", total=len(frames), parallel=None)
