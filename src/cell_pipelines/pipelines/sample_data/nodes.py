"""Nodes of the sample data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.pipelines.partitions import map_images
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters
from cell_pipelines.simulation.emission import show_emission
from cell_pipelines.simulation.live_dead import LiveDeadField, simulate_live_dead
from cell_pipelines.simulation.series import PlannedField, plan_series

Channel = Literal["blue", "red"]
CHANNELS: tuple[Channel, ...] = ("blue", "red")


def generate_sample_images(parameters: SampleDataParameters) -> Callable[[Path], None]:
    """Return what fills a folder with images, label images, YOLO annotations and a table of the fields."""
    return partial(_write_sample_images, parameters)


def _write_sample_images(parameters: SampleDataParameters, folder: Path) -> None:
    plan = plan_series(parameters.fields, parameters.series, parameters.seed, scene=parameters.scene)
    jobs = [_FieldJob(planned, folder) for planned in plan]
    fields = map_images(
        _FieldJob.run, jobs, description="simulating fields", total=len(jobs), parallel=parameters.parallel
    )
    builder, rows = AnnotationBuilder(CHANNELS), []
    for planned, boxes in zip(plan, fields, strict=True):
        for channel in CHANNELS:
            name = f"images/{planned.name}_{channel}.png"
            image = builder.add_image(name, width=planned.scene.width, height=planned.scene.height)
            for box in boxes[channel]:
                builder.add_box(image, channel, box)
        facts = {
            "series": planned.series,
            "condition": planned.condition,
            "field": planned.field,
            "seed": planned.seed,
        }
        rows.append({"name": planned.name, **facts, "nuclei": len(boxes["blue"]), "dead": len(boxes["red"])})
    write_annotations(builder.build(), folder, format="yolo")
    pd.DataFrame(rows).to_csv(folder / "fields.csv", index=False)


@dataclass(frozen=True)
class _FieldJob:
    """One field on its way to disk."""

    planned: PlannedField
    folder: Path

    def run(self) -> dict[str, np.ndarray]:
        """Write the field's images and label images and return its boxes by channel."""
        field = simulate_live_dead(self.planned.scene, self.planned.seed)
        for channel in CHANNELS:
            self._write(field, channel)
        return {"blue": field.blue_boxes, "red": field.red_boxes}

    def _write(self, field: LiveDeadField, channel: Channel) -> None:
        name = f"{self.planned.name}_{channel}.png"
        shown = show_emission(getattr(field, channel), channel)
        write_image(shown, self.folder / "images" / name)
        labels = getattr(field, f"{channel}_labels").astype(np.uint16)
        write_image(labels, self.folder / "cells" / name)
