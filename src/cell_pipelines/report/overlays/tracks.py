"""Tracks drawn on the frames of their time-lapse, and the frames as a GIF or a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.overlays.display import enlarge, to_display
from cell_pipelines.report.overlays.drawing import Pen, line_width
from cell_pipelines.report.overlays.outlines import draw_outlines
from cell_pipelines.report.palette import CASING, INK, Colour, category_colour
from cell_pipelines.typing import ByteImage, LabelImage

_NEEDED: Final = ("frame", "track", "parent", "object", "row_px", "column_px")
_SHIFT: Final = 4  # binary digits behind the point, which OpenCV draws between pixels with
_COLOURS: Final = 255  # of a GIF frame, one of 256 being left for what is transparent


def draw_tracks(
    image: Image, labels: LabelImage | None, linked: pd.DataFrame, frame: int, *, trail: int = 10, longest: int = 640
) -> ByteImage:
    """Draw the cells of one frame with where they have been.

    A cell has its track's colour in all frames; its trail thins out with age. A broken trail is a gap. A white ring
    marks a mother in the frame before she divides, and lines lead from there to her daughters.

    Args:
        image: (H, W) or (H, W, 3); stretched for display only.
        labels: (H, W) int32, 0 is background and otherwise 1 + the cell's `object`, as `objects_to_labels` draws
            them; None draws points.
        linked: Tracks of one sequence, as `link_cells` returns them.
        frame: The frame's number.
        trail: Frames that a trail reaches back, 0 or more.
        longest: Longer side of the result in pixels, to which a larger image is shrunk; one below 400 is enlarged.

    Returns:
        (H', W', 3) uint8 RGB, a new array, with the frame's number and its cells in the upper left corner.

    Raises:
        ValueError: A column is missing, `linked` holds several sequences, or image and labels differ in size.
    """
    _check(image, labels, linked, trail)
    canvas, factor = _scaled(to_display(image), longest)
    now = linked[linked["frame"] == frame]
    width = max(1, line_width(canvas.shape) - 1)
    if labels is not None and len(now):
        larger = _resized_labels(labels, canvas.shape[:2])
        pens: list[Pen | None] = [None] * (int(now["object"].max()) + 1)
        for place, track in now[["object", "track"]].itertuples(index=False):
            pens[place] = Pen(track_colour(track))
        canvas = draw_outlines(canvas, larger, pens, width=width)
    recent = linked[(linked["frame"] <= frame) & (linked["frame"] >= frame - trail)]
    drawn = _draw_trails(canvas, recent, now, factor, width)
    return _write_caption(drawn, f"frame {frame}, {len(now)} cells")


def track_colour(track: int) -> Colour:
    """Return a track's colour; as many tracks share seven, neighbours in number differ most."""
    return category_colour(track - 1)


def _check(image: Image, labels: LabelImage | None, linked: pd.DataFrame, trail: int) -> None:
    missing = [name for name in _NEEDED if name not in linked]
    if missing:
        raise ValueError(f"`linked` must have the columns {', '.join(_NEEDED)}; {', '.join(missing)} are missing.")
    if "sequence" in linked and linked["sequence"].nunique() > 1:
        raise ValueError(f"`linked` must be of one sequence, got {linked['sequence'].nunique()}.")
    if labels is not None and labels.shape != image.shape[:2]:
        raise ValueError(f"`labels` must have the image's height and width {image.shape[:2]}, got {labels.shape}.")
    if trail < 0:
        raise ValueError(f"`trail` must be 0 or more frames, got {trail}.")


def _scaled(canvas: ByteImage, longest: int) -> tuple[ByteImage, float]:
    import cv2

    side = max(canvas.shape[:2])
    if side <= longest:
        return enlarge(canvas)
    factor = longest / side
    height, width = (max(1, round(length * factor)) for length in canvas.shape[:2])
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)), factor


def _resized_labels(labels: LabelImage, shape: tuple[int, ...]) -> LabelImage:
    import cv2

    # OpenCV scales no integers of 32 bit; floats hold labels up to 16 million exactly.
    scaled = cv2.resize(labels.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(scaled).astype(np.int32)


def _draw_trails(canvas: ByteImage, recent: pd.DataFrame, now: pd.DataFrame, factor: float, width: int) -> ByteImage:
    import cv2

    drawn = np.ascontiguousarray(canvas).copy()
    family = set(now["track"]) | set(now["parent"])
    shown = recent[recent["track"].isin(family)].sort_values(["track", "frame"])
    lines = list(_lines(shown, factor))
    oldest = max((age for *_, age in lines), default=1)
    for colour_of in (lambda track: CASING, track_colour):
        rim = 2 if colour_of(1) == CASING else 0
        for track, start, stop, age in lines:
            thick = max(1, round(width * (1.5 - age / max(oldest, 1)))) + rim
            cv2.line(drawn, start, stop, colour_of(track), thick, cv2.LINE_AA, _SHIFT)
    ends = _last_points(shown, factor)
    for parent in sorted(set(now["parent"]) & ends.keys()):
        _ring(drawn, ends[parent], 4 * width, INK, width)
    for _, cell in now.iterrows():
        _ring(drawn, _point(cell, factor), width, track_colour(int(cell["track"])), -1)
    return drawn


def _lines(shown: pd.DataFrame, factor: float) -> Iterator[tuple[int, tuple[int, int], tuple[int, int], int]]:
    """Yield track, start, end and age of each piece of trail, the way from a mother included, gaps left out."""
    if shown.empty:
        return
    latest = int(shown["frame"].max())
    ends = _last_points(shown, factor)
    for track, own in shown.groupby("track", sort=False):
        number, frames = int(str(track)), own["frame"].tolist()
        points = [_point(cell, factor) for _, cell in own.iterrows()]
        parent = int(own["parent"].iloc[0])
        if parent in ends:
            yield number, ends[parent], points[0], latest - frames[0]
        for place in range(1, len(points)):
            if frames[place] - frames[place - 1] == 1:
                yield number, points[place - 1], points[place], latest - frames[place]


def _last_points(shown: pd.DataFrame, factor: float) -> dict[int, tuple[int, int]]:
    """Return where each track was last."""
    last = shown.drop_duplicates("track", keep="last")
    return {int(cell["track"]): _point(cell, factor) for _, cell in last.iterrows()}


def _point(cell: pd.Series[Any], factor: float) -> tuple[int, int]:
    """Return x, y in OpenCV's fractions of a pixel, whose centres are at whole numbers as ours are."""
    x, y = (((float(cell[name]) + 0.5) * factor - 0.5) * (1 << _SHIFT) for name in ("column_px", "row_px"))
    return round(x), round(y)


def _ring(drawn: ByteImage, point: tuple[int, int], radius: int, colour: Colour, thick: int) -> None:
    import cv2

    if thick > 0:
        cv2.circle(drawn, point, radius << _SHIFT, CASING, thick + 2, cv2.LINE_AA, _SHIFT)
    cv2.circle(drawn, point, radius << _SHIFT, colour, thick, cv2.LINE_AA, _SHIFT)


def _write_caption(drawn: ByteImage, text: str) -> ByteImage:
    import cv2

    (length, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    drawn[: height + 8, : length + 8] = CASING
    cv2.putText(drawn, text, (4, height + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return drawn


def write_gif(frames: Iterable[ByteImage], path: Path, *, fps: float = 5.0) -> None:
    """Write frames as an endless GIF; only one of them is in memory at a time.

    Args:
        frames: (H, W, 3) uint8 RGB each, all of one size.
        path: Where to, ending in ``.gif``.
        fps: Frames a second, above 0 to 50.

    Raises:
        ValueError: There is no frame, they differ in size, or `fps` is out of range; nothing is written.
    """
    first, rest = _first_frame(frames, fps)
    picture = _few_colours(first)
    others = (_few_colours(_checked(frame, first)) for frame in rest)
    with atomic_path(path) as temporary:
        look = {"duration": round(1000 / fps), "loop": 0, "optimize": False}
        picture.save(temporary, format="GIF", save_all=True, append_images=others, **look)


def _first_frame(frames: Iterable[ByteImage], fps: float) -> tuple[ByteImage, Iterator[ByteImage]]:
    if not 0 < fps <= 50:
        raise ValueError(f"`fps` must be above 0 and at most 50, got {fps!r}.")
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise ValueError("`frames` must hold at least one frame, got none.")
    return first, rest


def _checked(frame: ByteImage, first: ByteImage) -> ByteImage:
    if frame.shape != first.shape:
        raise ValueError(f"`frames` must be of one size, got {first.shape[:2]} and {frame.shape[:2]}.")
    return frame


def _few_colours(frame: ByteImage) -> Any:
    from PIL import Image as Pictures

    picture = Pictures.fromarray(frame)
    return picture.quantize(_COLOURS, method=Pictures.Quantize.FASTOCTREE, dither=Pictures.Dither.NONE)
