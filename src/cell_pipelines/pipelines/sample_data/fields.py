"""One field of the sample data on its way to disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.imaging.reading import Image, write_image
from cell_pipelines.simulation.emission import show_emission
from cell_pipelines.simulation.fish import FishScene, simulate_fish
from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.nuclei import NucleiScene
from cell_pipelines.simulation.scenes import CellScene, simulate_cells
from cell_pipelines.simulation.series import PlannedField
from cell_pipelines.simulation.time_lapse import TimeLapseScene, simulate_time_lapse

CATEGORIES: Final = {
    "live_dead": ("blue", "red"),
    "neurons": ("neuron",),
    "phase_contrast": ("cell",),
    "brightfield": ("cell",),
    "fish": ("whole", "destroyed"),
    "time_lapse": ("cell",),
    "nuclei": ("nucleus",),
}
#: What is known besides cells, a table each, by the kinds that have it.
TABLES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "neurons": {"artefacts": ("image", "kind", "x_min", "y_min", "x_max", "y_max")},
    "fish": {"spots": ("image", "nucleus", "channel", "row_px", "column_px", "is_double")},
    "time_lapse": {"tracks": ("sequence", "track", "begin", "end", "parent")},
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
        categories: Class of each cell.
        width: In pixels.
        height: In pixels.
        boxes: float64 (N, 4) in pixel edges.
        counts: COCO run lengths of each cell.
        tracks: Number of each cell's track, where there are any.
    """

    name: str
    categories: Sequence[str]
    width: int
    height: int
    boxes: npt.NDArray[np.float64]
    counts: list[npt.NDArray[np.uint32]]
    tracks: Sequence[int] | None = None


@dataclass(frozen=True, eq=False)
class WrittenField:
    """Record of one written field: its pictures, its row in `fields.csv`, and its rows in the tables of `TABLES`."""

    pictures: tuple[WrittenPicture, ...]
    facts: dict[str, Any]
    tables: Mapping[str, Sequence[tuple[Any, ...]]] = field(default_factory=dict)


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
        match self.planned.scene:
            case LiveDeadScene() as scene:
                return self._run_live_dead(scene)
            case FishScene() as scene:
                return self._run_fish(scene)
            case TimeLapseScene() as scene:
                return self._run_time_lapse(scene)
            case scene:
                return self._run_cells(scene)

    def _run_live_dead(self, scene: LiveDeadScene) -> WrittenField:
        field = simulate_live_dead(scene, self.planned.seed)
        pictures = tuple(
            self._write(
                f"{self.planned.name}_{channel}",
                show_emission(getattr(field, channel), channel),
                getattr(field, f"{channel}_labels"),
                categories=[channel] * len(getattr(field, f"{channel}_boxes")),
            )
            for channel in _CHANNELS
        )
        return WrittenField(pictures, self._facts(nuclei=len(field.blue_boxes), dead=len(field.red_boxes)))

    def _run_fish(self, scene: FishScene) -> WrittenField:
        field = simulate_fish(scene, self.planned.seed)
        name = self.planned.name
        kinds = field.nuclei["category"].tolist()
        picture = self._write(name, field.image, field.labels, categories=kinds)
        columns = ["nucleus", "channel", "row", "column", "is_double"]
        spots = [(f"{name}.png", *row) for row in field.spots[columns].itertuples(index=False)]
        facts = self._facts(whole=kinds.count("whole"), destroyed=kinds.count("destroyed"), spots=len(spots))
        return WrittenField((picture,), facts, {"spots": spots})

    def _run_time_lapse(self, scene: TimeLapseScene) -> WrittenField:
        film = simulate_time_lapse(scene, self.planned.seed)
        pictures = tuple(self._write_frame(frame, *pair) for frame, pair in enumerate(film.frames()))
        tracks = [(self.planned.name, *row) for row in film.lineage.itertuples(index=False)]
        facts = self._facts(cells=sum(len(p.boxes) for p in pictures), frames=len(pictures), tracks=len(tracks))
        return WrittenField(pictures, facts, {"tracks": tracks})

    def _write_frame(self, frame: int, image: Image, labels: npt.NDArray[np.int32]) -> WrittenPicture:
        tracks = np.unique(labels[labels > 0]).tolist()
        name = f"{self.planned.name}_t{frame:03d}"
        return self._write(name, image, labels, categories=["cell"] * len(tracks), tracks=tracks)

    def _run_cells(self, scene: CellScene) -> WrittenField:
        field = simulate_cells(scene, self.planned.seed)
        kind = {NeuronScene: "neuron", NucleiScene: "nucleus"}.get(type(scene), "cell")
        name = self.planned.name + (ARTEFACT_TAG if field.artefacts else "")
        picture = self._write(name, field.image, field.labels, categories=[kind] * len(field.boxes))
        artefacts = [(f"{name}.png", artefact.kind, *artefact.box) for artefact in field.artefacts]
        facts = self._facts(cells=len(field.boxes), artefacts=len(artefacts))
        return WrittenField((picture,), facts, {"artefacts": artefacts})

    def _write(
        self,
        name: str,
        image: Image,
        labels: npt.NDArray[np.int32],
        *,
        categories: Sequence[str],
        tracks: Sequence[int] | None = None,
    ) -> WrittenPicture:
        write_image(image, self.folder / "images" / f"{name}.png")
        _, boxes, counts = labels_to_objects(labels)
        if labels.max(initial=0) <= _MAX_IN_16_BIT:
            write_image(labels.astype(np.uint16), self.folder / "cells" / f"{name}.png")
        else:
            write_image(labels, self.folder / "cells" / f"{name}.tif")
        height, width = labels.shape
        return WrittenPicture(f"images/{name}.png", categories, width, height, boxes, counts, tracks)

    def _facts(self, **numbers: Any) -> dict[str, Any]:
        planned = self.planned
        dose = {} if planned.dose is None else {"dose": planned.dose}
        said = {"series": planned.series, "condition": planned.condition, **dose, "number": planned.field}
        return {"field": planned.name, **said, "seed": planned.seed, **numbers}
