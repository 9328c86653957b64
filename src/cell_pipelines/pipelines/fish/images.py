"""Images of FISH: spots sought in one after the other, and what was found drawn on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.fish.finding import FishSpots, SpotOptions, find_image_spots
from cell_pipelines.analysis.fish.nuclei import label_nuclei
from cell_pipelines.analysis.fish.signals import SIGNAL_TYPES
from cell_pipelines.analysis.fish.spot_tables import SPOT_TYPES
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.fish.parameters import FishParameters
from cell_pipelines.workflows.drawing import picture_name
from cell_pipelines.workflows.parallel import map_images


def find_in_images(
    cells: AnnotationSet, images: Mapping[str, ImageFile], parameters: FishParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.MultiIndex]:
    """Return one row per candidate spot, one per signal, and image and number of the nuclei that others hide.

    Raises:
        ValueError: Points are no nuclei, or an image lacks a channel; the sentence names it.
    """
    if (cells.objects["geometry"].to_numpy() == GEOMETRIES.index("point")).any():
        raise ValueError("`fish` needs the outlines of nuclei, masks, polygons or boxes, but some cells are points.")
    jobs = (_SpotJob(images[one.names[0]], one, parameters) for one in iterate_images(cells))
    total = cells.n_images
    found = list(map_images(_SpotJob.run, jobs, description="finding spots", total=total, parallel=parameters.parallel))
    parts = list(zip(cells.names, found, strict=True))
    spots = _together([(name, part.spots) for name, (part, _) in parts], SPOT_TYPES)
    signals = _together([(name, part.signals) for name, (part, _) in parts], SIGNAL_TYPES)
    unseen = [(name, nucleus) for name, (_, hidden) in parts for nucleus in hidden]
    return spots, signals, pd.MultiIndex.from_tuples(unseen, names=["image", "nucleus"])


def _together(tables: list[tuple[str, pd.DataFrame]], types: Mapping[str, str]) -> pd.DataFrame:
    """Return tables below each other with the image's name in front; fixed columns also without any."""
    columns = {"image": "str", "channel": "str", **types}
    named = [table.assign(image=name)[list(columns)] for name, table in tables]
    return pd.concat([pd.DataFrame(columns=list(columns)).astype(columns), *named], ignore_index=True).astype(columns)


@dataclass(frozen=True, eq=False)
class _SpotJob:
    """One image whose spots are sought."""

    file: ImageFile
    cells: AnnotationSet
    parameters: FishParameters

    def run(self) -> tuple[FishSpots, list[int]]:
        """Find the spots and signals, and the nuclei that can't be seen."""
        labels = label_nuclei(self.cells)
        seen = np.bincount(labels.ravel(), minlength=self.cells.n_objects + 1)[1:] > 0
        try:
            image = _with_channels(self.file())
            found = find_image_spots(image, labels, self._options(), channels=self.parameters.channels)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.cells.names[0]}: {error}") from error
        return found, (np.flatnonzero(~seen) + 1).tolist()

    def _options(self) -> SpotOptions:
        if self.parameters.merge_um is None:
            return self.parameters.finder
        sides = [self.cells.images[f"pixel_{side}_um"][0].as_py() for side in ("height", "width")]
        if None in sides:
            raise ValueError("the pixel size must be known for `fish.merge_um`; give `fish.spots.merge_px` instead.")
        return replace(self.parameters.finder, merge_px=self.parameters.merge_um / float(np.sqrt(sides[0] * sides[1])))


def _with_channels(image: Any) -> Any:
    return image if image.ndim == 3 else image[:, :, np.newaxis]


def write_pictures(
    cells: AnnotationSet,
    tables: tuple[pd.DataFrame, ...],
    images: Mapping[str, ImageFile],
    parameters: FishParameters,
    folder: Path,
) -> None:
    """Fill a folder with the images, their nuclei, signals, rejected spots and patterns.

    Args:
        cells: The nuclei.
        tables: Nuclei, signals and candidate spots.
        images: The images by name.
        parameters: Of FISH.
        folder: Where pictures go.
    """
    by_image = [dict(iter(table.groupby("image"))) for table in tables]
    jobs: Iterator[_Picture] = (
        _Picture(
            images[name],
            one,
            tuple(own.get(name, table.iloc[:0]) for own, table in zip(by_image, tables, strict=True)),
            parameters.channels,
            folder,
        )
        for one in iterate_images(cells)
        for name in one.names
    )
    for _ in map_images(_Picture.run, jobs, description="drawing", total=cells.n_images, parallel=parameters.parallel):
        continue


@dataclass(frozen=True, eq=False)
class _Picture:
    """One image to be drawn on, with its nuclei, signals and spots."""

    file: ImageFile
    cells: AnnotationSet
    tables: tuple[pd.DataFrame, ...]
    channels: Mapping[str, int]
    folder: Path

    def run(self) -> None:
        """Draw and write."""
        from cell_pipelines.report.overlays.fish import overlay_fish

        nuclei, signals, spots = self.tables
        picture = _red_green_blue(_with_channels(self.file()), self.channels)
        drawn = overlay_fish(picture, label_nuclei(self.cells), nuclei, signals, rejected=spots)
        write_image(drawn, self.folder / picture_name(self.cells.names[0]))


def _red_green_blue(image: Any, channels: Mapping[str, int]) -> Any:
    """Return the probes in their colours, and the first other channel in blue; black where there is none."""
    others = [number for number in range(image.shape[2]) if number not in channels.values()]
    places = [channels.get("red"), channels.get("green"), others[0] if others else None]
    dark = np.zeros(image.shape[:2], dtype=image.dtype)
    return np.stack([dark if place is None else image[:, :, place] for place in places], axis=2)
