"""Nodes of the search for annotation errors."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.analysis.active_learning.marking import Mark, mark_suspects
from cell_pipelines.analysis.active_learning.suspects import find_suspects
from cell_pipelines.annotations.formats.registry import create_format
from cell_pipelines.annotations.schema import OBJECT_SCHEMA, AnnotationSet, with_object_columns
from cell_pipelines.annotations.selection import iterate_images, select_images, select_split
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, read_image, write_image
from cell_pipelines.pipelines.suspected_labels.asking import Asking, askings
from cell_pipelines.pipelines.suspected_labels.parameters import SuspectedLabelsParameters
from cell_pipelines.report.page.html import Page, embedded_page
from cell_pipelines.workflows.model_outputs import OutputReader
from cell_pipelines.workflows.outputs import export_annotations
from cell_pipelines.workflows.parallel import map_images
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.scoring import COLUMNS, score_images
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

_LONGEST_NAME = 30  # letters

Found = tuple[pd.DataFrame, pd.DataFrame, AnnotationSet]


def score_labelled(models: tuple[str, ...]) -> Callable[..., pd.DataFrame]:
    """Return the node's function for these models."""

    def score(
        annotations: AnnotationSet, images: dict[str, ImageFile], inference: InferenceParameters,
        parameters: SuspectedLabelsParameters, *files: Path,
    ) -> pd.DataFrame:  # fmt: skip
        """Store the scores that are not stored yet, such as those of training images; say where all of them lie."""
        chosen = chosen_images(annotations, parameters)
        splits = dict(zip(chosen.names, chosen.images["split"].to_pylist(), strict=True))
        asked = {name: images[name] for name in chosen.names}
        checkpoints, folders = files[: len(models)], files[len(models) :]
        tables = [
            score_images(asked, splits, TrainedModel.open(checkpoint), folder, inference).assign(model=model)
            for model, checkpoint, folder in zip(models, checkpoints, folders, strict=True)
        ]
        table = pd.concat(tables, ignore_index=True)
        if (table["error"] != "").any():
            raise ImageFormatError("; ".join(dict.fromkeys(table.loc[table["error"] != "", "error"])))
        return table[["model", *COLUMNS]]

    return score


def chosen_images(annotations: AnnotationSet, parameters: SuspectedLabelsParameters) -> AnnotationSet:
    """Return the labelled images in which errors are looked for."""
    chosen = annotations if parameters.splits == "all" else select_split(annotations, *parameters.splits)
    if not chosen.n_images:
        raise ValueError(f"`splits` must have images, got {parameters.splits} without any.")
    return chosen


def find(models: tuple[str, ...]) -> Callable[..., Found]:
    """Return the node's function for these models."""

    def look(
        annotations: AnnotationSet, scores: pd.DataFrame, parameters: SuspectedLabelsParameters, *files: Path
    ) -> Found:
        """Return one row per suspect, one row per image, and what the models see in place of the suspects."""
        chosen = chosen_images(annotations, parameters)
        tuned, folders = files[: len(models)], dict(zip(models, files[len(models) :], strict=True))
        readers = {model: OutputReader(TrainedModel.open(path)) for model, path in zip(models, tuned, strict=True)}
        jobs = askings(chosen, scores, readers, folders)
        options = {"description": "asking", "total": chosen.n_images, "parallel": parameters.parallel}
        asked = list(map_images(Asking.run, jobs, **options))  # type: ignore[arg-type]
        classes = list(dict.fromkeys([*annotations.categories, *(c for r in readers.values() for c in r.categories)]))
        suspects, images = find_suspects(asked, classes, least=parameters.least)
        logger.info("%d of %d labels and places are suspected.", len(suspects), int(images["labels"].sum()))
        return suspects, images, _proposals(chosen, suspects, scores, readers, folders)

    return look


def _proposals(
    chosen: AnnotationSet, suspects: pd.DataFrame, scores: pd.DataFrame, readers: Mapping[str, OutputReader],
    folders: Mapping[str, Path],
) -> AnnotationSet:  # fmt: skip
    """Return what the models see where the suspects are, each with its suspect's rank as attribute."""
    names = list(dict.fromkeys(suspects["image"]))
    places = {name: number for number, name in enumerate(chosen.names)}
    images = select_images(chosen, [places[name] for name in names])
    classes = list(dict.fromkeys([*chosen.categories, *(c for r in readers.values() for c in r.categories)]))
    tables = [OBJECT_SCHEMA.empty_table()]
    wanted = suspects[suspects["prediction"].notna()]
    jobs = {job.truth.names[0]: job for job in askings(images, scores, readers, folders)}
    for (name, model), rows in wanted.groupby(["image", "model"], sort=False):
        job = jobs[str(name)]
        found = readers[str(model)].read(job.rows[str(model)], folders[str(model)]).candidates
        objects = found.objects.take(rows["prediction"].to_numpy(dtype=np.int64))
        codes = np.array([classes.index(c) for c in found.categories])[objects["category"].to_numpy()]
        ranks = [json.dumps({"rank": int(rank)}) for rank in rows["rank"]]
        places_in_set = [names.index(str(name))] * len(rows)
        tables.append(with_object_columns(objects, image=places_in_set, category=codes, attributes=ranks))
    return AnnotationSet(images.images, pa.concat_tables(tables), tuple(classes))


def by_rank(proposals: AnnotationSet) -> dict[int, AnnotationSet]:
    """Return the one object of each suspect that has one, by the suspect's rank."""
    found = {}
    for one in iterate_images(proposals):
        for row, text in enumerate(one.objects["attributes"].to_pylist()):
            bare = with_object_columns(one.objects.slice(row, 1), attributes=[None])
            found[int(json.loads(text)["rank"])] = AnnotationSet(one.images, bare, one.categories)
    return found


def export_marked(
    annotations: AnnotationSet, suspects: pd.DataFrame, proposals: AnnotationSet, parameters: SuspectedLabelsParameters
) -> Callable[[Path], None]:
    """Return what writes the images with suspects and all their labels, the suspects marked."""
    places = {name: number for number, name in enumerate(annotations.names)}
    chosen = select_images(annotations, [places[name] for name in dict.fromkeys(suspects["image"])])
    keeps = create_format(parameters.format).CAPABILITIES.attributes is True
    mark: Mark = ("attribute" if keeps else "category") if parameters.mark == "auto" else parameters.mark
    marked = mark_suspects(chosen, suspects, by_rank(proposals), mark=mark)
    return partial(export_annotations, marked, parameters.format)


def draw(
    annotations: AnnotationSet, suspects: pd.DataFrame, proposals: AnnotationSet, images: dict[str, ImageFile],
    parameters: SuspectedLabelsParameters,
) -> Callable[[Path], None]:  # fmt: skip
    """Return what fills a folder with the first suspects, cut out of their images."""
    first = suspects.head(parameters.pictures)
    return partial(_draw_all, annotations, first, by_rank(proposals), images, parameters)


def _draw_all(
    annotations: AnnotationSet, first: pd.DataFrame, found: Mapping[int, AnnotationSet],
    images: dict[str, ImageFile], parameters: SuspectedLabelsParameters, folder: Path,
) -> None:  # fmt: skip
    places = {name: number for number, name in enumerate(annotations.names)}

    def jobs() -> Iterator[_Picture]:
        for name, rows in first.groupby("image", sort=False):
            labels = select_images(annotations, [places[str(name)]])
            records = [{str(key): value for key, value in row.items()} for row in rows.to_dict(orient="records")]
            yield _Picture(
                images[str(name)], labels, records, {r: found[r] for r in rows["rank"] if r in found}, folder
            )

    total = first["image"].nunique()
    for _ in map_images(_Picture.run, jobs(), description="drawing", total=total, parallel=parameters.parallel):
        continue


@dataclass(frozen=True, eq=False)
class _Picture:
    """One image whose suspects are to be drawn."""

    file: ImageFile
    labels: AnnotationSet
    suspects: list[dict[str, Any]]
    found: Mapping[int, AnnotationSet]
    folder: Path

    def run(self) -> None:
        """Draw and write."""
        from cell_pipelines.report.pages.suspects import draw_suspect

        image = self.file()
        nothing = AnnotationSet(self.labels.images, OBJECT_SCHEMA.empty_table(), self.labels.categories)
        for suspect in self.suspects:
            seen = self.found.get(int(suspect["rank"]), nothing)
            write_image(draw_suspect(image, self.labels, suspect, seen), self.folder / picture_of(suspect["rank"]))


def picture_of(rank: int) -> str:
    """Return the name of a suspect's picture."""
    return f"suspect_{int(rank):04d}.png"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"


def write_report(models: tuple[str, ...]) -> Callable[..., Page]:
    """Return the node's function for these models."""

    def write(
        suspects: pd.DataFrame, images: pd.DataFrame, pictures: Path, parameters: SuspectedLabelsParameters
    ) -> Page:
        """Return the page: the first suspects as pictures, all of them, and all images."""
        from cell_pipelines.report.pages.suspects import suspect_cards, suspect_sections

        first = suspects.head(min(parameters.shown, parameters.pictures))
        shown = [
            (
                f"{row['rank']}. {_short(str(row['image']))}: {row['reason']}",
                read_image(pictures / picture_of(row["rank"])),
            )
            for row in first.to_dict(orient="records")
        ]
        settings = parameters.model_dump()
        sections = suspect_sections(suspects, images, shown, models=models, settings=settings)
        return embedded_page(parameters.title, suspect_cards(suspects, images), sections)

    return write
