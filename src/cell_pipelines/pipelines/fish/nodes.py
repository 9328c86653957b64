"""Nodes of FISH."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import object_places
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.fish.images import find_in_images, write_pictures
from cell_pipelines.pipelines.fish.parameters import FishParameters
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.drawing import draw_nothing, some_pictures
from cell_pipelines.workflows.origin import Origin, with_origin

_log = logging.getLogger(__name__)

#: What the page is made of, in the order of its inputs.
TABLES = ("spots", "nuclei", "patterns", "aneuploidy", "thresholds", "scores")
_SCORES = {
    "channel": "str", "images": "int64", "unmatched_images": "int64", "tp": "int64", "fp": "int64", "fn": "int64",
    "precision": "float64", "recall": "float64", "f1": "float64",
}  # fmt: skip
_ALL = "all"
# Columns of nuclei that are not known of images.
_OWN = ("nucleus", "category", "red", "green", "pattern")


def find_spots(
    cells: AnnotationSet, images: dict[str, ImageFile], facts: pd.DataFrame, origin: Origin, parameters: FishParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return one row per candidate spot, one row per signal, and one row per nucleus with its pattern of signals."""
    from cell_pipelines.analysis.fish.mosaicism import count_signals

    spots, signals, unseen = find_in_images(cells, images, parameters)
    nuclei = count_signals(signals, _nuclei(cells, facts, parameters), channels=tuple(parameters.channels))
    hidden = pd.MultiIndex.from_frame(nuclei[["image", "nucleus"]]).isin(unseen)
    nuclei.loc[hidden, ["red", "green"]] = pd.NA
    nuclei.loc[hidden, "pattern"] = "?:?"
    return origin.added_to(spots), origin.added_to(signals), origin.added_to(nuclei)


def _nuclei(cells: AnnotationSet, facts: pd.DataFrame, parameters: FishParameters) -> pd.DataFrame:
    """Return one row per nucleus with its image's metadata; `nucleus` is 1 + its place among the image's objects."""
    if cells.categories and parameters.whole not in cells.categories:
        raise ValueError(
            f"`fish.whole` must be a class of the cells, {', '.join(cells.categories)}, got {parameters.whole}."
        )
    images = np.array(cells.names, dtype=object)[cells.image_index]
    names = np.array(cells.categories, dtype=object)[cells.category]
    whole = np.where(names == parameters.whole, "whole", "destroyed")
    table = pd.DataFrame({"image": images, "nucleus": object_places(cells) + 1, "category": whole})
    known = facts.drop(columns=[name for name in facts if name in _OWN])
    table = table.astype({"image": "str", "category": "str"}).merge(known, on="image", how="left")
    for column in (parameters.unit, parameters.cluster, parameters.control_column):
        if column in _OWN:
            raise ValueError(f"`fish` can't group nuclei by {column}, which it counts itself; name a column of images.")
        values = table[column].astype("object") if column in table else pd.Series(_ALL, index=table.index)
        table[column] = values.where(values.notna(), _ALL).astype("str")
    return table


def _controls(nuclei: pd.DataFrame, parameters: FishParameters) -> pd.DataFrame:
    known = nuclei[parameters.control_column]
    missing = sorted(set(parameters.controls) - set(known))
    if missing and len(nuclei):
        raise ValueError(
            f"`fish.controls` must be values of {parameters.control_column}, {', '.join(sorted(set(known)))}, "
            f"got {', '.join(missing)}."
        )
    return nuclei[known.isin(parameters.controls)]


def tabulate(
    nuclei: pd.DataFrame, origin: Origin, parameters: FishParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the patterns and states of each unit's nuclei, flagged by the controls' thresholds, and those."""
    from cell_pipelines.analysis.fish.laboratory_thresholds import compute_laboratory_thresholds, flag_samples
    from cell_pipelines.analysis.fish.mosaicism import measure_aneuploidy, tabulate_patterns

    shown = {key: name for key, name in parameters.chromosomes.items() if key in parameters.channels}
    measure = partial(
        measure_aneuploidy, by=(parameters.unit,), cluster=parameters.cluster, chromosomes=shown, level=parameters.level
    )
    controls = measure(_controls(nuclei, parameters))
    thresholds = compute_laboratory_thresholds(controls, n_nuclei=parameters.scored_nuclei, level=parameters.level)
    patterns = tabulate_patterns(nuclei, by=(parameters.unit,), level=parameters.level)
    flagged = flag_samples(measure(nuclei), thresholds, controls, level=parameters.level)
    return origin.added_to(patterns), origin.added_to(flagged), origin.added_to(thresholds)


def score(
    truth: pd.DataFrame, signals: pd.DataFrame, cells: AnnotationSet, origin: Origin, parameters: FishParameters
) -> pd.DataFrame:
    """Return how well signals were found in the images whose true ones are known, one row per channel."""
    from cell_pipelines.analysis.fish.scoring import score_spots
    from cell_pipelines.metrics.ratios import f1, precision, recall

    if truth.empty:
        return origin.added_to(pd.DataFrame(columns=list(_SCORES)).astype(_SCORES))
    channels, nothing = tuple(parameters.channels), {"tp": 0, "fp": 0, "fn": 0}
    true = truth.rename(columns={"row_px": "row", "column_px": "column"})
    wanted, found = ({str(name): own for name, own in table.groupby("image")} for table in (true, signals))
    names = [name for name in cells.names if name in wanted]
    strays = sorted(set(wanted) - set(names))
    if strays:
        _log.warning("true spots of %d images have no image here, such as %s.", len(strays), strays[0])
    parts = [
        score_spots(wanted[name], found.get(name, signals[:0]), max_distance_px=parameters.match_px, channels=channels)
        for name in names
    ]
    start = pd.DataFrame([{"channel": channel, **nothing} for channel in channels])
    counts = pd.concat([start, *parts]).groupby("channel", sort=False)[list(nothing)].sum().reset_index()
    tp, fp, fn = (counts[name].to_numpy() for name in nothing)
    table = counts.assign(
        images=len(names),
        unmatched_images=len(strays),
        precision=precision(tp, fp),
        recall=recall(tp, fn),
        f1=f1(tp, fp, fn),
    )
    return origin.added_to(table[list(_SCORES)].astype(_SCORES))


def plot_patterns(patterns: pd.DataFrame, parameters: FishParameters) -> Any:
    """Return the figure of signal patterns."""
    from cell_pipelines.report.figures.fish import plot_patterns as plot

    return plot(patterns, name=parameters.unit)


def plot_aneuploidy(aneuploidy: pd.DataFrame, parameters: FishParameters) -> Any:
    """Return the figure of the shares of nuclei with each number of chromosomes."""
    from cell_pipelines.report.figures.fish import plot_aneuploidy as plot

    return plot(aneuploidy, name=parameters.unit, level=parameters.level)


def log_metrics(nuclei: pd.DataFrame, scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the numbers of the whole study as MLflow wants them."""
    values: dict[str, float] = {"nuclei": len(nuclei), "whole": int((nuclei["category"] == "whole").sum())}
    values |= {
        f"spot_{name}/{row['channel']}": row[name]
        for row in scores.to_dict("records")
        for name in ("precision", "recall")
    }
    return {f"fish_{name}": {"value": float(value), "step": 0} for name, value in values.items()}


def draw(
    cells: AnnotationSet, nuclei: pd.DataFrame, signals: pd.DataFrame, spots: pd.DataFrame,
    images: dict[str, ImageFile], parameters: FishParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what fills a folder with the images, their nuclei, signals, rejected spots and patterns."""
    if not parameters.pictures:
        return draw_nothing
    return partial(write_pictures, cells, (nuclei, signals, spots), images, parameters)


def write_report(
    pictures: Path, origin: Origin, findings: pd.DataFrame, parameters: FishParameters, *inputs: Any
) -> Page:
    """Return the page; `inputs` are the tables that `TABLES` names, and the figures of patterns and of aneuploidy."""
    from cell_pipelines.report.pages.fish import fish_cards, fish_sections

    named, figures = dict(zip(TABLES, inputs, strict=False)), inputs[len(TABLES) :]
    shown = some_pictures(pictures, parameters.pictures)
    sections = fish_sections(named, shown, figures, parameters.unit, level=parameters.level)
    return embedded_page(parameters.title, fish_cards(named), with_origin(sections, findings, origin))
