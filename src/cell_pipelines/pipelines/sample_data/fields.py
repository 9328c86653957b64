"""One field of the sample data on its way to disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.imaging.reading import Image, write_image
from cell_pipelines.simulation.emission import show_emission
from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.scenes import CellScene, simulate_cells
from cell_pipelines.simulation.series import PlannedField

CATEGORIES = {
    "live_dead": ("blue", "red"),
    "neurons": ("neuron",),
    "phase_contrast": ("cell",),
    "brightfield": ("cell",),
}
# Part of an image's name where it shows artefacts, so that training can draw such images more often.
ARTEFACT_TAG = "_artefact"

_CHANNELS: tuple[Literal["blue", "red"], ...] = ("blue", "red")
_MAX_IN_16_BIT = 65_535


@dataclass(frozen=True, eq=False)
class WrittenPicture:
    """One image that was written, and the masks of its N cells.

    Attributes:
        name: Its path below the folder.
        category: Class of its cells.
        width: In pixels.
        height: In pixels.
        boxes: float64 (N, 4) in pixel edges.
        counts: COCO run lengths of each cell.
    """

    name: str
    category: str
    width: int
    height: int
    boxes: npt.NDArray[np.float64]
    counts: list[npt.NDArray[np.uint32]]


@dataclass(frozen=True, eq=False)
class WrittenField:
    """What was written of one field: its pictures, its row in `fields.csv` and its rows in `artefacts.csv`."""

    pictures: tuple[WrittenPicture, ...]
    facts: dict[str, Any]
    artefacts: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class FieldJob:
    """One field to be simulated and written.

    Attributes:
        planned: The field.
        folder: Where its images go, in `images/`, and its label images, in `cells/`.
    """

    planned: PlannedField
    folder: Path

    def run(self) -> WrittenField:
        """Simulate the field, write its images and label images, and return what they hold."""
        scene = self.planned.scene
        return self._run_live_dead(scene) if isinstance(scene, LiveDeadScene) else self._run_cells(scene)

    def _run_live_dead(self, scene: LiveDeadScene) -> WrittenField:
        field = simulate_live_dead(scene, self.planned.seed)
        pictures = tuple(
            self._write(
                f"{self.planned.name}_{channel}",
                channel,
                show_emission(getattr(field, channel), channel),
                getattr(field, f"{channel}_labels"),
            )
            for channel in _CHANNELS
        )
        return WrittenField(pictures, self._facts(nuclei=len(field.blue_boxes), dead=len(field.red_boxes)))

    def _run_cells(self, scene: CellScene) -> WrittenField:
        field = simulate_cells(scene, self.planned.seed)
        kind: Literal["neuron", "cell"] = "neuron" if isinstance(scene, NeuronScene) else "cell"
        name = self.planned.name + (ARTEFACT_TAG if field.artefacts else "")
        picture = self._write(name, kind, field.image, field.labels)
        artefacts = tuple((f"{name}.png", artefact.kind, *artefact.box) for artefact in field.artefacts)
        facts = self._facts(name=name, cells=len(field.boxes), artefacts=len(artefacts))
        return WrittenField((picture,), facts, artefacts)

    def _write(self, name: str, category: str, image: Image, labels: npt.NDArray[np.int32]) -> WrittenPicture:
        write_image(image, self.folder / "images" / f"{name}.png")
        _, boxes, counts = labels_to_objects(labels)
        if len(boxes) <= _MAX_IN_16_BIT:
            write_image(labels.astype(np.uint16), self.folder / "cells" / f"{name}.png")
        else:
            write_image(labels, self.folder / "cells" / f"{name}.tif")
        height, width = labels.shape
        return WrittenPicture(f"images/{name}.png", category, width, height, boxes, counts)

    def _facts(self, **numbers: Any) -> dict[str, Any]:
        planned = self.planned
        said = {"series": planned.series, "condition": planned.condition, "field": planned.field, "seed": planned.seed}
        return {"name": planned.name, **said, **numbers}
