"""Nodes of FISH."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.fish.finding import FishSpots, SpotOptions, find_image_spots
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.cell_pictures import some_pictures
from cell_pipelines.pipelines.fish.parameters import FishParameters
from cell_pipelines.pipelines.origins import Origin
from cell_pipelines.pipelines.partitions import map_images

#: What the page is made of, in the order of its inputs.
TABLES = ("spots", "nuclei", "patterns", "aneuploidy", "cutoffs", "scores")
_ALL = "all"


def find_spots(
    cells: AnnotationSet, images: dict[str, ImageFile], facts: pd.DataFrame, origin: Origin, parameters: FishParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a row a candidate spot, a row a signal, and a row a nucleus with its pattern of signals."""
    from cell_pipelines.analysis.fish.mosaicism import count_signals

    jobs = (_SpotJob(images[one.names[0]], one, parameters) for one in iterate_images(cells))
    found = list(
        map_images(_SpotJob.run, jobs, description="finding spots", total=cells.n_images, parallel=parameters.parallel)
    )
    spots, signals = (
        pd.concat([part.assign(image=name) for name, part in zip(cells.names, parts, strict=True)], ignore_index=True)
        if parts
        else pd.DataFrame()
        for parts in zip(*found, strict=True)
    )
    nuclei = count_signals(signals, _nuclei(cells, facts, parameters), channels=tuple(parameters.channels))
    return origin.added_to(_image_first(spots)), origin.added_to(_image_first(signals)), origin.added_to(nuclei)


def _image_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["image", *table.columns.drop("image")]]


def _nuclei(cells: AnnotationSet, facts: pd.DataFrame, parameters: FishParameters) -> pd.DataFrame:
    """Return a row a nucleus with what is known of its image; `nucleus` is 1 + its row among the image's objects."""
    rows = cells.image_index
    first = np.searchsorted(np.sort(rows, kind="stable"), np.arange(cells.n_images))
    order = np.argsort(rows, kind="stable")
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.arange(len(rows)) - np.repeat(first, np.bincount(rows, minlength=cells.n_images)) + 1
    names = np.array(cells.categories, dtype=object)[cells.category]
    whole = np.where(names == parameters.whole, "whole", "destroyed")
    table = pd.DataFrame({"image": np.array(cells.names, dtype=object)[rows], "nucleus": number, "category": whole})
    known = facts.drop(columns=[name for name in facts if name in ("nucleus", "category", "red", "green", "pattern")])
    table = table.astype({"image": "str", "category": "str"}).merge(known, on="image", how="left")
    for column in (parameters.unit, parameters.cluster, parameters.control_column):
        table[column] = table[column].fillna(_ALL) if column in table else _ALL
    return table


@dataclass(frozen=True, eq=False)
class _SpotJob:
    """One image whose spots are sought."""

    file: ImageFile
    cells: AnnotationSet
    parameters: FishParameters

    def run(self) -> FishSpots:
        """Find the spots and signals."""
        try:
            return find_image_spots(
                _with_channels(self.file()),
                objects_to_labels(self.cells)[0],
                self._options(),
                channels=self.parameters.channels,
            )
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.cells.names[0]}: {error}") from error

    def _options(self) -> SpotOptions:
        if self.parameters.merge_um is None:
            return self.parameters.finder
        sides = [self.cells.images[f"pixel_{side}_um"][0].as_py() for side in ("height", "width")]
        if None in sides:
            raise ValueError("the pixel size must be known for `fish.merge_um`; give `fish.spots.merge_px` instead.")
        return replace(self.parameters.finder, merge_px=self.parameters.merge_um / float(np.sqrt(sides[0] * sides[1])))


def _with_channels(image: Any) -> Any:
    return image if image.ndim == 3 else image[:, :, np.newaxis]


def tabulate(
    nuclei: pd.DataFrame, origin: Origin, parameters: FishParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the patterns and the states of each unit's nuclei, judged by the cut-offs of the controls, and those."""
    from cell_pipelines.analysis.fish.cutoffs import control_cutoffs, judge_samples
    from cell_pipelines.analysis.fish.mosaicism import measure_aneuploidy, tabulate_patterns

    shown = {key: name for key, name in parameters.chromosomes.items() if key in parameters.channels}
    measure = partial(
        measure_aneuploidy, by=(parameters.unit,), cluster=parameters.cluster, chromosomes=shown, level=parameters.level
    )
    controls = nuclei[nuclei[parameters.control_column].isin(parameters.controls)]
    cutoffs = control_cutoffs(measure(controls), n_nuclei=parameters.scored_nuclei, level=parameters.level)
    patterns = tabulate_patterns(nuclei, by=(parameters.unit,), level=parameters.level)
    judged = judge_samples(measure(nuclei), cutoffs)
    return origin.added_to(patterns), origin.added_to(judged), origin.added_to(cutoffs)


def score(truth: pd.DataFrame, signals: pd.DataFrame, origin: Origin, parameters: FishParameters) -> pd.DataFrame:
    """Return how well signals were found, a row a channel; none where the truth is not known."""
    from cell_pipelines.analysis.fish.scoring import score_spots
    from cell_pipelines.metrics.ratios import f1, precision, recall

    columns = ["channel", "images", "tp", "fp", "fn", "precision", "recall", "f1"]
    if truth.empty:
        return origin.added_to(pd.DataFrame(columns=columns))
    true = truth.rename(columns={"row_px": "row", "column_px": "column"})
    found = {str(name): own for name, own in signals.groupby("image")}
    names = sorted({*true["image"], *found})
    parts = [
        score_spots(
            true[true["image"] == name],
            found.get(name, signals.iloc[:0]),
            max_distance_px=parameters.match_px,
            channels=tuple(parameters.channels),
        )
        for name in names
    ]
    counts = pd.concat(parts).groupby("channel", sort=False)[["tp", "fp", "fn"]].sum().reset_index()
    tp, fp, fn = (counts[name].to_numpy() for name in ("tp", "fp", "fn"))
    table = counts.assign(images=len(names), precision=precision(tp, fp), recall=recall(tp, fn), f1=f1(tp, fp, fn))
    return origin.added_to(table[columns])


def plot_patterns(patterns: pd.DataFrame, parameters: FishParameters) -> Any:
    """Return the figure of signal patterns."""
    from cell_pipelines.report.fish_figures import plot_patterns as plot

    return plot(patterns, name=parameters.unit)


def plot_aneuploidy(aneuploidy: pd.DataFrame, parameters: FishParameters) -> Any:
    """Return the figure of the shares of nuclei with each number of chromosomes."""
    from cell_pipelines.report.fish_figures import plot_aneuploidy as plot

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
    return partial(_write_pictures, cells, (nuclei, signals, spots), images, parameters)


def _write_pictures(
    cells: AnnotationSet,
    tables: tuple[pd.DataFrame, ...],
    images: Mapping[str, ImageFile],
    parameters: FishParameters,
    folder: Path,
) -> None:
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
        from cell_pipelines.report.fish_overlays import overlay_fish

        nuclei, signals, spots = self.tables
        picture = _red_green_blue(_with_channels(self.file()), self.channels)
        drawn = overlay_fish(picture, objects_to_labels(self.cells)[0], nuclei, signals, rejected=spots)
        write_image(drawn, self.folder / Path(self.cells.names[0]).with_suffix(".png"))


def _red_green_blue(image: Any, channels: Mapping[str, int]) -> Any:
    """Return the probes in their colours, and the first other channel in blue; black where there is none."""
    others = [number for number in range(image.shape[2]) if number not in channels.values()]
    places = [channels.get("red"), channels.get("green"), others[0] if others else None]
    dark = np.zeros(image.shape[:2], dtype=image.dtype)
    return np.stack([dark if place is None else image[:, :, place] for place in places], axis=2)


def write_report(pictures: Path, origin: Origin, parameters: FishParameters, *tables: pd.DataFrame) -> str:
    """Return the page; `tables` as `TABLES` names them."""
    from cell_pipelines.report.fish import fish_cards, fish_sections
    from cell_pipelines.report.html import render_report

    named = dict(zip(TABLES, tables, strict=True))
    sections = fish_sections(named, some_pictures(pictures, parameters.pictures), parameters.unit)
    return render_report(parameters.title, fish_cards(named), [*sections, origin.section()])
