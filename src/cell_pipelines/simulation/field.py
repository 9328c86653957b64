"""One simulated field: its picture, and the truth about every cell and every artefact in it."""

from __future__ import annotations

from dataclasses import dataclass

from cell_pipelines.simulation.optics import GreyImage
from cell_pipelines.typing import FloatArray, LabelImage


@dataclass(frozen=True)
class Artefact:
    """Something that looks like a cell and is none.

    Attributes:
        kind: What it is, such as `strip`.
        box: x_min, y_min, x_max, y_max in pixels.
    """

    kind: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class CellField:
    """An image with N cells, which may differ in number from the scene's.

    Attributes:
        image: uint8 or uint16, (H, W), or (H, W, 3) RGB.
        labels: int32 (H, W), 0 is background, ids 1 to N without a gap, each one connected piece.
        boxes: float64 (N, 4) as x_min, y_min, x_max, y_max in pixels, by id; they bound the labels.
        artefact_labels: int32 (H, W), number of the artefact from 1; 0 wherever a cell is.
        artefacts: The artefacts, in the order of their numbers.
    """

    image: GreyImage
    labels: LabelImage
    boxes: FloatArray
    artefact_labels: LabelImage
    artefacts: tuple[Artefact, ...] = ()
