"""Nodes of the sample data."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.pipelines.partitions import map_images
from cell_pipelines.pipelines.sample_data.fields import CATEGORIES, FieldJob, WrittenField
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters
from cell_pipelines.simulation.series import plan_series

_ARTEFACT_COLUMNS = ["image", "kind", "x_min", "y_min", "x_max", "y_max"]


def generate_sample_images(parameters: SampleDataParameters) -> Callable[[Path], None]:
    """Return what fills a folder with images, label images, COCO annotations and tables of fields and artefacts."""
    return partial(_write_sample_images, parameters)


def _write_sample_images(parameters: SampleDataParameters, folder: Path) -> None:
    builder = AnnotationBuilder(CATEGORIES[parameters.kind])
    facts: list[dict[str, Any]] = []
    artefacts: list[tuple[Any, ...]] = []
    for field in _write_fields(parameters, folder):
        _annotate(builder, field)
        facts.append(field.facts)
        artefacts += field.artefacts
    write_annotations(builder.build(), folder, format="coco")
    pd.DataFrame(facts).to_csv(folder / "fields.csv", index=False)
    if parameters.kind == "neurons":
        pd.DataFrame(artefacts, columns=_ARTEFACT_COLUMNS).to_csv(folder / "artefacts.csv", index=False)


def _write_fields(parameters: SampleDataParameters, folder: Path) -> Iterator[WrittenField]:
    plan = plan_series(parameters.fields, parameters.series, parameters.seed, scene=parameters.chosen_scene)
    jobs = [FieldJob(planned, folder) for planned in plan]
    return map_images(
        FieldJob.run, jobs, description="simulating fields", total=len(jobs), parallel=parameters.parallel
    )


def _annotate(builder: AnnotationBuilder, field: WrittenField) -> None:
    for picture in field.pictures:
        row = builder.add_image(picture.name, width=picture.width, height=picture.height)
        for box, counts in zip(picture.boxes.tolist(), picture.counts, strict=True):
            builder.add_object(row, picture.category, "mask", box, counts=counts)
