"""Nodes of tracking."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.positions import cell_positions, frames_of, true_tracks
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_images
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.tracking.parameters import TrackingParameters
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.spreadsheet_text import protect_table
from cell_pipelines.workflows.origin import Origin, with_origin
from cell_pipelines.workflows.pixel_sizes import PixelSize, common_pixel_size, without_sizes

logger = logging.getLogger(__name__)

#: What the page is made of, in the order of its inputs.
TABLES = ("cells", "tracks", "displacements", "persistence", "scores")


def link(cells: AnnotationSet, facts: pd.DataFrame, origin: Origin, parameters: TrackingParameters) -> pd.DataFrame:
    """Return one row per cell with its track."""
    settings = _in_pixels(parameters, common_pixel_size(cells))
    _check_sizes(cells, facts)
    return origin.added_to(link_cells(cell_positions(cells, facts), settings))


def _check_sizes(cells: AnnotationSet, facts: pd.DataFrame) -> None:
    """Refuse a time-lapse whose frames differ in size, which can't be one view."""
    frames = frames_of(cells, facts).assign(**cells.images.select(["height", "width"]).to_pandas())
    for name, own in frames.groupby("sequence", sort=True):
        sizes = own[["height", "width"]].drop_duplicates()
        if len(sizes) > 1:
            shown = " and ".join(f"{height}x{width}" for height, width in sizes.to_numpy()[:2])
            raise ValueError(f"the frames of sequence {name!r} must have one size, got {shown} pixels.")


def _in_pixels(parameters: TrackingParameters, size: PixelSize) -> LinkingSettings:
    if parameters.max_distance_um is None:
        return parameters.linking
    if size is None:
        raise ValueError(
            "the pixel size must be known for `tracking.max_distance_um`; give `tracking.linking.max_distance_px`."
        )
    return replace(parameters.linking, max_distance_px=parameters.max_distance_um / float(np.sqrt(size[0] * size[1])))


def measure(
    linked: pd.DataFrame, cells: AnnotationSet, origin: Origin, parameters: TrackingParameters
) -> tuple[pd.DataFrame, ...]:
    """Return the tables of tracks and steps, the mean squared displacement over time, and the persistence behind it."""
    from cell_pipelines.analysis.tracking.features import measure_steps, measure_tracks
    from cell_pipelines.analysis.tracking.mean_squared_displacement import fit_persistence, mean_squared_displacement

    units = _units(cells, parameters)
    measures = (measure_tracks, measure_steps, mean_squared_displacement, fit_persistence)
    return tuple(origin.added_to(measure(linked, **units)) for measure in measures)


def follow_shapes(linked: pd.DataFrame, cells: AnnotationSet, origin: Origin) -> pd.DataFrame:
    """Return the shape of each cell beside its track; without outlines there is none."""
    from cell_pipelines.analysis.morphology.measuring import MorphologyOptions, measure_cells
    from cell_pipelines.analysis.tracking.features import shape_over_time

    if not _have_outlines(cells):
        return linked
    form = MorphologyOptions(intensity=False)
    measured = cells if common_pixel_size(cells) else without_sizes(cells)
    parts = [measure_cells(one, None, options=form) for one in iterate_images(measured)]
    return origin.added_to(shape_over_time(linked, pd.concat(parts, ignore_index=True)))


def _has_points(cells: AnnotationSet) -> bool:
    return bool((cells.objects["geometry"].to_numpy() == GEOMETRIES.index("point")).any())


def _have_outlines(cells: AnnotationSet) -> bool:
    outlined = [GEOMETRIES.index(name) for name in ("polygon", "mask")]
    return cells.n_images > 0 and bool(np.isin(cells.objects["geometry"].to_numpy(), outlined).all())


def _units(cells: AnnotationSet, parameters: TrackingParameters) -> dict[str, Any]:
    return {"pixel_size_um": common_pixel_size(cells), "frame_interval_min": parameters.frame_interval_min}


def score(
    annotations: AnnotationSet, lineage: pd.DataFrame, linked: pd.DataFrame, cells: AnnotationSet, facts: pd.DataFrame,
    origin: Origin, parameters: TrackingParameters,
) -> pd.DataFrame:  # fmt: skip
    """Return the measures of the Cell Tracking Challenge, one row per sequence; none without true tracks."""
    from cell_pipelines.analysis.tracking.scoring import score_tracking

    row_of = {name: row for row, name in enumerate(annotations.names)}
    if parameters.truth_attribute is None or not set(cells.names) <= set(row_of):
        return origin.added_to(pd.DataFrame({"sequence": pd.Series(dtype="str")}))
    truth = select_images(annotations, [row_of[name] for name in cells.names])
    if _has_points(cells) or _has_points(truth):
        logger.warning("tracks of points are not scored: the challenge's measures need the pixels of cells.")
        return origin.added_to(pd.DataFrame({"sequence": pd.Series(dtype="str")}))
    known = None if lineage.empty else lineage.astype({"track": "int64", "parent": "int64"})
    true_linked = true_tracks(truth, facts, parameters.truth_attribute, lineage=known)
    return origin.added_to(score_tracking(true_linked, truth, linked, cells, facts))


def export(
    linked: pd.DataFrame, cells: AnnotationSet, facts: pd.DataFrame, parameters: TrackingParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the tracks as TrackMate and the Cell Tracking Challenge have them."""
    return partial(_write_tracks, linked, cells, facts, parameters)


def _write_tracks(
    linked: pd.DataFrame, cells: AnnotationSet, facts: pd.DataFrame, parameters: TrackingParameters, folder: Path
) -> None:
    from cell_pipelines.analysis.tracking.ctc import write_ctc
    from cell_pipelines.analysis.tracking.trackmate import write_trackmate

    for name in ("cell_tracking_challenge", "trackmate"):
        (folder / name).mkdir()
    write_trackmate(linked, folder / "trackmate", **_units(cells, parameters))
    if _has_points(cells):
        logger.warning("tracks of points are not written in the challenge's layout, which needs the pixels of cells.")
        return
    challenge = folder / "cell_tracking_challenge"
    protect_table(write_ctc(linked, cells, facts, challenge)).to_csv(challenge / "labels.csv", index=False)


def draw(
    linked: pd.DataFrame, cells: AnnotationSet, facts: pd.DataFrame, images: dict[str, ImageFile],
    parameters: TrackingParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what fills a folder with films of the tracked cells and a picture of the last frame of each."""
    from cell_pipelines.pipelines.tracking.films import write_films

    return partial(write_films, linked, cells, frames_of(cells, facts), images, parameters)


def plot(
    tracks: pd.DataFrame,
    displacements: pd.DataFrame,
    persistence: pd.DataFrame,
    linked: pd.DataFrame,
    cells: AnnotationSet,
) -> tuple[Any, Any, Any]:
    """Return the figures of the ways that cells go, of their speeds, and of how far they get."""
    from cell_pipelines.report.figures.tracks import plot_msd, plot_track_speeds, plot_tracks_origin

    ways = plot_tracks_origin(linked, pixel_size_um=common_pixel_size(cells))
    return ways, plot_track_speeds(tracks), plot_msd(displacements, fits=persistence)


def log_metrics(tracks: pd.DataFrame, scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the numbers of the whole study as MLflow wants them."""
    values: dict[str, float] = {"tracks": len(tracks), "divisions": int((tracks["daughters"] > 0).sum())}
    values |= {
        name: float(scores[name].mean()) for name in ("tra", "det", "seg", "lnk") if name in scores and len(scores)
    }
    return {f"tracking_{name}": {"value": float(value), "step": 0} for name, value in values.items() if pd.notna(value)}


def write_report(
    pictures: Path, origin: Origin, findings: pd.DataFrame, parameters: TrackingParameters, *inputs: Any
) -> Page:
    """Return the page; `inputs` are the tables that `TABLES` names, and the figures that `plot` returns."""
    from cell_pipelines.report.pages.tracking import tracking_cards, tracking_sections
    from cell_pipelines.workflows.drawing import some_pictures

    named, figures = dict(zip(TABLES, inputs, strict=False)), inputs[len(TABLES) :]
    sections = tracking_sections(named, some_pictures(pictures, parameters.films), figures)
    return embedded_page(
        parameters.title,
        tracking_cards(named),
        with_origin(sections, findings, origin),
    )
