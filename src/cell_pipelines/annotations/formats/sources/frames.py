"""Turn or scale coordinates to the image where a file states another size and the relation is certain.

A camera's photo may lie on its side in the file with a mark (EXIF) that says how to turn it. Images are read upright;
a tool that passes the mark over gives coordinates of the picture as it lies. An image that was made smaller or larger
after it was annotated, in both directions alike, is recognised by its sides' ratio. Any other size is another image's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.findings import Action
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.annotations.images import ImageRecord
from cell_pipelines.typing import FloatArray

# A side that was scaled is rounded to whole pixels.
_ROUNDING_PX = 1.0
_SIDEWAYS = (5, 6, 7, 8)
# No image has a longer side; a number beyond is no size.
_MAX_SIDE = 1 << 31


@dataclass(frozen=True)
class Frame:
    """The pixels that a file's coordinates count.

    Attributes:
        size: Width and height that the file states.
        image_size: Width and height of the image.
        orientation: EXIF mark by which the picture of the file is turned into the image; 1 for not at all.
    """

    size: tuple[int, int]
    image_size: tuple[int, int]
    orientation: int = 1

    @property
    def is_image(self) -> bool:
        """Whether coordinates are those of the image."""
        return self.size == self.image_size and self.orientation == 1

    def describe(self) -> str:
        """Return what becomes of coordinates, in words."""
        said, real = ("{}x{}".format(*size) for size in (self.size, self.image_size))
        if self.orientation != 1:
            return f"turned with the photo as its mark of orientation ({self.orientation}) says: from {said} to {real}."
        return f"scaled from the {said} pixels that the file states to the {real} of the image."

    def to_image(self, vertices: FloatArray) -> FloatArray:
        """Return x and y (N, 2) in pixel edges of the image."""
        (width, height), x, y = self.size, vertices[:, 0], vertices[:, 1]
        turned = {
            1: (x, y), 2: (width - x, y), 3: (width - x, height - y), 4: (x, height - y), 5: (y, x),
            6: (height - y, x), 7: (height - y, width - x), 8: (y, width - x),
        }[self.orientation]  # fmt: skip
        upright = (height, width) if self.orientation in _SIDEWAYS else (width, height)
        placed: FloatArray = np.stack(turned, axis=1) * (np.array(self.image_size) / upright)
        return placed

    def box_to_image(self, box: Sequence[float]) -> list[float]:
        """Return x_min, y_min, x_max, y_max in the image."""
        corners = self.to_image(np.array(box, dtype=np.float64).reshape(2, 2))
        return [*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]

    def runs_to_image(self, counts: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Return COCO run lengths of the image: of each pixel what lies at its centre in the frame."""
        mask = run_lengths_to_mask(counts, self.size[1], self.size[0])
        mask = mask.T if self.orientation in _SIDEWAYS else mask
        mask = mask[:, ::-1] if self.orientation in (2, 3, 6, 7) else mask
        mask = mask[::-1] if self.orientation in (3, 4, 7, 8) else mask
        width, height = self.image_size
        rows, columns = (
            np.minimum((np.arange(length) + 0.5) * own / length, own - 1).astype(np.int64)
            for length, own in zip((height, width), mask.shape, strict=True)
        )
        return mask_to_run_lengths(mask[np.ix_(rows, columns)]).astype(np.uint32)


def image_frame(record: ImageRecord) -> Frame:
    """Return the frame that is the image itself."""
    return Frame((record.width, record.height), (record.width, record.height))


def find_frame(record: ImageRecord, size: tuple[int, int] | None) -> tuple[Frame | None, Action, str]:
    """Return the frame of a file that states a `size`, and what is to be said of it; None for that of another image.

    Without a size, or with one that is none, coordinates are taken as those of the image.
    """
    frame, stated = image_frame(record), size if size and 0 < min(size) <= max(size) <= _MAX_SIDE else None
    real = frame.size
    doubt = _describe_doubt(record, stated)
    if stated is None or stated == real:
        return frame, "suspect", doubt
    shown = "{} is said to have {}x{} pixels; it has {}x{}".format(record.name, *stated, *real)
    if record.orientation in _SIDEWAYS and (stated == real[::-1] or _is_scaled(stated[::-1], real)):
        return Frame(stated, real, record.orientation), "suspect", doubt
    # Tools differ by a pixel in how they count the last row.
    if max(abs(a - b) for a, b in zip(stated, real, strict=True)) <= _ROUNDING_PX:
        return frame, "noted", f"{shown}, which count."
    if _is_scaled(stated, real):
        return Frame(stated, real), "suspect", doubt
    reason = "which is neither that image turned nor scaled"
    return None, "skipped", f"{shown}, {reason}. Where coordinates are right all the same, set `sizes: ignore`."


def _is_scaled(size: tuple[int, int], real: tuple[int, int]) -> bool:
    """Say whether both sides differ by one factor, but for the rounding of the shorter image's sides."""
    small, large = sorted((size, real))
    factors = [b / a for a, b in zip(small, large, strict=True)]
    pairs = list(zip(small, large, strict=True))
    return min(factors) > 1 and all(abs(b / f - a) <= _ROUNDING_PX for a, b in pairs for f in factors)


def _describe_doubt(record: ImageRecord, size: tuple[int, int] | None) -> str:
    """Return what is uncertain about coordinates of a photo with a mark of orientation; empty for nothing."""
    told = size is not None and record.orientation in _SIDEWAYS and record.width != record.height
    if record.orientation == 1 or told:
        return ""
    return (
        f"{record.name} carries a camera's mark of orientation ({record.orientation}), and the file does not tell "
        "whether its coordinates are those of the photo upright, as they are taken, or as it lies in the file."
    )
