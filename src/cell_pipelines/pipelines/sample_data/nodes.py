"""Nodes of the sample data."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.pipelines.sample_data.fields import CATEGORIES, TABLES, FieldJob, WrittenField
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters
from cell_pipelines.pipelines.sample_data.sources import AddedImage, add_sources
from cell_pipelines.simulation.series import plan_series
from cell_pipelines.spreadsheet_text import protect_table
from cell_pipelines.workflows.parallel import map_images


def generate_sample_images(parameters: SampleDataParameters) -> Callable[[Path], None]:
    """Return what fills a folder with images, label images, COCO annotations and tables of what else is known."""
    return partial(_write_sample_images, parameters)


def _write_sample_images(parameters: SampleDataParameters, folder: Path) -> None:
    builder = AnnotationBuilder(CATEGORIES[parameters.kind])
    facts: list[dict[str, Any]] = []
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES.get(parameters.kind, {})}
    for field in _write_fields(parameters, folder):
        _annotate(builder, field)
        facts.append(field.facts)
        for name, rows in tables.items():
            rows += field.tables[name]
    if parameters.sources:
        _write_splits(parameters, [one["field"] for one in facts], add_sources(builder, folder, parameters), folder)
    write_annotations(builder.build(), folder, format="coco")
    protect_table(pd.DataFrame(facts)).to_csv(folder / "fields.csv", index=False)
    for name, rows in tables.items():
        columns = list(TABLES[parameters.kind][name])
        protect_table(pd.DataFrame(rows, columns=columns)).to_csv(folder / f"{name}.csv", index=False)


def _write_splits(parameters: SampleDataParameters, fields: list[str], added: list[AddedImage], folder: Path) -> None:
    """Write which images are for validation: the last of the generated fields, and those of the sources."""
    first = len(fields) - round(parameters.validation_share * len(fields))
    rows = [(f"{field}.png", "val" if place >= first else "train") for place, field in enumerate(fields)]
    rows += [(one.name, one.split) for one in added]
    protect_table(pd.DataFrame(rows, columns=["image", "split"])).to_csv(folder / "splits.csv", index=False)


def _write_fields(parameters: SampleDataParameters, folder: Path) -> Iterator[WrittenField]:
    plan = plan_series(
        parameters.fields,
        parameters.series,
        parameters.seed,
        scene=parameters.chosen_scene,
        conditions=parameters.conditions,
    )
    jobs = [FieldJob(planned, folder) for planned in plan]
    return map_images(
        FieldJob.run, jobs, description="simulating fields", total=len(jobs), parallel=parameters.parallel
    )


def _annotate(builder: AnnotationBuilder, field: WrittenField) -> None:
    for picture in field.pictures:
        row = builder.add_image(picture.name, width=picture.width, height=picture.height)
        tracks = [None] * len(picture.boxes) if picture.tracks is None else [{"track": n} for n in picture.tracks]
        cells = zip(picture.categories, picture.boxes.tolist(), picture.counts, tracks, strict=True)
        for category, box, counts, track in cells:
            builder.add_object(row, category, "mask", box, counts=counts, attributes=track)
