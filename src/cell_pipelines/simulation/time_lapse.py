"""Time-lapse of moving and dividing cells, simulated with the true track of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.simulation.checks import FIELD, Allowed, check_scene, check_seed
from cell_pipelines.simulation.migration import Population, migrate, populate
from cell_pipelines.simulation.optics import GreyImage
from cell_pipelines.simulation.rendering import View, label_views, view_nuclei
from cell_pipelines.simulation.time_lapse_looks import Look, Stage, photograph, set_stage
from cell_pipelines.typing import LabelImage

Tracks = tuple[npt.NDArray[np.int32], ...]

_ALLOWED = {
    **FIELD,
    "frames": Allowed(1, 10_000, whole=True),
    "speed_px": Allowed(0.0, 100.0),
    "persistence": Allowed(0.0, 0.99),
    "division_rate": Allowed(0.0, 0.5),
}


@dataclass(frozen=True)
class TimeLapseScene:
    """A time-lapse.

    Attributes:
        frames: Number of frames.
        height: Height of the images in pixels.
        width: Width of the images in pixels.
        cells: Cells asked for in the first frame; a field that is full holds fewer.
        mean_radius_px: Mean radius of the cells in pixels.
        radius_spread: Standard deviation of the logarithm of the radius, about the relative spread.
        clumping: Probability, 0 to 1, that a cell of the first frame joins another one.
        speed_px: Root mean square of the way that a cell goes by itself in a frame, in pixels.
        persistence: Correlation of a cell's step with the one before, 0 (a random walk) to 0.99 (nearly straight).
        division_rate: Probability that a cell divides in a frame, 0 to 0.5.
        look: How the cells look, ``brightfield`` or glowing ``nuclei``.
        unevenness: How far the background strays from its level, 0 (even) to 1.
        vignetting: Light lost in the corners of the field, 0 to 0.95.
        blur_px: Standard deviation of the point spread function in pixels.
        noise: Noise relative to a common camera (1): 2 needs four times fewer photons, 0.001 shows none.
        bit_depth: Bits of a pixel, 8 or 16.
    """

    frames: int = 20
    height: int = 320
    width: int = 320
    cells: int = 24
    mean_radius_px: float = 12.0
    radius_spread: float = 0.1
    clumping: float = 0.2
    speed_px: float = 3.0
    persistence: float = 0.6
    division_rate: float = 0.0
    look: Look = "brightfield"
    unevenness: float = 0.1
    vignetting: float = 0.08
    blur_px: float = 0.9
    noise: float = 1.0
    bit_depth: Literal[8, 16] = 16

    def __post_init__(self) -> None:
        """Check every setting, and name all that are wrong at once."""
        check_scene(vars(self), _ALLOWED)
        if self.look not in get_args(Look):
            raise ValueError(f"`look` must be one of {', '.join(get_args(Look))}, got {self.look!r}.")


@dataclass(frozen=True, eq=False)
class TimeLapse:
    """A time-lapse and its truth; the images are drawn when they are asked for, each for itself.

    Attributes:
        scene: What it looks like.
        lineage: One row per track, as the Cell Tracking Challenge has it: `track` from 1, first frame `begin` and last
            frame `end` (from 0), `parent`, 0 for none. A cell that others hide for a frame, or that leaves the field
            and comes back, has a new track from then on, whose parent is the one before if it was but hidden.
        motion: One row per cell and frame: `frame`, `track`, `cell` (the same also where the track is new), `row_px`,
            `column_px` (centre of the whole cell, also where the border cuts it) and `radius_px`.
    """

    scene: TimeLapseScene
    lineage: pd.DataFrame
    motion: pd.DataFrame
    _seen: tuple[Population, ...] = field(repr=False)
    _tracks: Tracks = field(repr=False)
    _stage: Stage = field(repr=False)
    _noise: np.random.SeedSequence = field(repr=False)

    def __len__(self) -> int:
        """Give the number of frames."""
        return len(self._seen)

    def frame(self, index: int) -> tuple[GreyImage, LabelImage]:
        """Draw one frame.

        Args:
            index: Its number, from 0.

        Returns:
            The image, uint8 or uint16 (H, W), and the labels, int32 (H, W), 0 for background and otherwise the track.
        """
        seen = self._seen[index]
        views, labels, _ = _view(seen, (self.scene.height, self.scene.width))
        entropy = np.random.SeedSequence(self._noise.entropy, spawn_key=(*self._noise.spawn_key, index))
        image = photograph(self._stage, seen, views, labels, np.random.default_rng(entropy))
        numbers = np.concatenate([[0], self._tracks[index]]).astype(np.int32)
        return image, numbers[labels]

    def frames(self) -> Iterator[tuple[GreyImage, LabelImage]]:
        """Draw the frames one after the other, as `frame` does."""
        return (self.frame(index) for index in range(len(self)))


def simulate_time_lapse(scene: TimeLapseScene, seed: int) -> TimeLapse:
    """Simulate a time-lapse.

    The same scene and seed give the same bytes. Only places and sizes are kept, so memory does not grow with the
    size of the images.

    Args:
        scene: What it looks like.
        seed: Seed of all randomness, 0 or more.

    Example:
        >>> time_lapse = simulate_time_lapse(TimeLapseScene(frames=3, cells=5), seed=1)
        >>> image, labels = time_lapse.frame(2)
        >>> len(time_lapse), image.shape, image.dtype.name
        (3, (320, 320), 'uint16')
    """
    check_seed(seed)
    cells_seed, looks_seed, noise_seed = np.random.SeedSequence(seed).spawn(3)
    rng, shape = np.random.default_rng(cells_seed), (scene.height, scene.width)
    first = populate(
        scene.cells, shape, rng=rng,
        mean_radius_px=scene.mean_radius_px, radius_spread=scene.radius_spread, clumping=scene.clumping,
    )  # fmt: skip
    everyone = migrate(first, shape, scene.frames, scene, rng)
    seen = tuple(cells.take(_view(cells, shape)[2]) for cells in everyone)
    lineage, tracks = _name_tracks(seen, shape)
    stage = set_stage(
        scene.look, shape, radius=scene.mean_radius_px, unevenness=scene.unevenness, falloff=scene.vignetting,
        camera=(scene.blur_px, scene.noise, scene.bit_depth), rng=np.random.default_rng(looks_seed),
    )  # fmt: skip
    return TimeLapse(scene, lineage, _motion(seen, tracks), seen, tracks, stage, noise_seed)


def _view(cells: Population, shape: tuple[int, int]) -> tuple[list[View], LabelImage, npt.NDArray[np.intp]]:
    """Return the views of the cells that are seen, their labels and which of the cells they are."""
    views = view_nuclei(cells.nuclei, shape)
    inside = [index for index, view in enumerate(views) if view.depth.size and view.depth.max() > 0]
    labels, kept = label_views([views[index] for index in inside], shape)
    chosen = np.asarray(inside, dtype=np.intp)[kept]
    return [views[int(index)] for index in chosen], labels, chosen


def _name_tracks(seen: tuple[Population, ...], shape: tuple[int, int]) -> tuple[pd.DataFrame, Tracks]:
    """Number the tracks: a new one for each new cell and for each cell that was not seen in the frame before."""
    rows: list[list[int]] = []  # track, begin, end, parent
    latest: dict[int, int] = {}  # the last track of each cell
    inside: set[int] = set()  # cells whose centre was in the field when they were last seen
    tracks = []
    for frame, cells in enumerate(seen):
        centres = cells.nuclei.centres
        within = np.all((centres >= 0) & (centres <= np.array(shape) - 1), axis=1)
        for cell, mother, is_within in zip(
            cells.cell.tolist(), cells.mother.tolist(), np.atleast_1d(within), strict=True
        ):
            track, before = latest.get(cell, 0), latest.get(mother, 0)
            if not track or rows[track - 1][2] != frame - 1:
                hidden = track if cell in inside else 0
                from_mother = before if not track and before and rows[before - 1][2] == frame - 1 else 0
                rows.append([len(rows) + 1, frame, frame, hidden or from_mother])
                latest[cell] = len(rows)
            rows[latest[cell] - 1][2] = frame
            (inside.add if is_within else inside.discard)(cell)
        tracks.append(np.array([latest[cell] for cell in cells.cell.tolist()], dtype=np.int32))
    lineage = pd.DataFrame(np.array(rows, np.int64).reshape(-1, 4), columns=["track", "begin", "end", "parent"])
    return lineage, tuple(tracks)


def _motion(seen: tuple[Population, ...], tracks: Tracks) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "frame": np.full(len(cells), frame, np.int64), "track": numbers.astype(np.int64), "cell": cells.cell,
                "row_px": cells.nuclei.centres[:, 0], "column_px": cells.nuclei.centres[:, 1],
                "radius_px": cells.nuclei.radii,
            }
        )
        for frame, (cells, numbers) in enumerate(zip(seen, tracks, strict=True))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)
