"""Pixels and frames, or micrometres and minutes: what tracks are measured in, and what their columns are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class TrackUnits:
    """Units of length and time.

    Attributes:
        pixel_size_um: Height and width of a pixel in micrometres, which may differ; None measures in pixels.
        frame_interval_min: Minutes from a frame to the next; None measures in frames.
    """

    pixel_size_um: tuple[float, float] | None = None
    frame_interval_min: float | None = None

    @classmethod
    def of(cls, pixel_size_um: float | tuple[float, float] | None, frame_interval_min: float | None) -> TrackUnits:
        """Check the sizes and return the units; a single number is the side of a square pixel.

        Raises:
            ValueError: A size is not a number above 0.
        """
        sides = None
        if pixel_size_um is not None:
            sides = tuple(np.broadcast_to(np.asarray(pixel_size_um, dtype=np.float64), 2).tolist())
            _check_above_zero("pixel_size_um", pixel_size_um, sides)
        if frame_interval_min is not None:
            _check_above_zero("frame_interval_min", frame_interval_min, (frame_interval_min,))
        return cls(sides, frame_interval_min)

    @property
    def length(self) -> str:
        """``um`` or ``px``."""
        return "px" if self.pixel_size_um is None else "um"

    @property
    def time(self) -> str:
        """``min`` or ``frames``."""
        return "frames" if self.frame_interval_min is None else "min"

    @property
    def speed(self) -> str:
        """Such as ``um_per_min`` or ``px_per_frame``."""
        return f"{self.length}_per_{'frame' if self.frame_interval_min is None else 'min'}"

    @property
    def per_frame(self) -> float:
        """Units of time from a frame to the next."""
        return 1.0 if self.frame_interval_min is None else float(self.frame_interval_min)

    def places(self, linked: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return row and column of each cell in the unit of length, (N, 2)."""
        pixels = linked[["row_px", "column_px"]].to_numpy(np.float64)
        places: npt.NDArray[np.float64] = pixels * np.array(self.pixel_size_um or (1.0, 1.0))
        return places


def _check_above_zero(name: str, given: object, values: tuple[float, ...]) -> None:
    if not all(0 < value < float("inf") for value in values):
        raise ValueError(f"`{name}` must be above 0, got {given!r}; leave it out where it is not known.")
