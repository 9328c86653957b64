"""Representations of cells by name."""

from dataclasses import fields
from typing import Any, cast

from cell_pipelines.representations.base import Representation
from cell_pipelines.representations.binary import Binary
from cell_pipelines.representations.cellpose import CellposeFlows
from cell_pipelines.representations.distance import Distance
from cell_pipelines.representations.flows import Flows
from cell_pipelines.representations.labels import Labels
from cell_pipelines.representations.star import Star
from cell_pipelines.representations.three_class import ThreeClass

REPRESENTATIONS: dict[str, type] = {
    "binary": Binary, "three_class": ThreeClass, "distance": Distance, "star": Star, "flows": Flows,
}  # fmt: skip
#: Representations of networks that are trained elsewhere.
DECODED_ONLY: dict[str, type] = {"cellpose": CellposeFlows, "labels": Labels}


def create_representation(name: str, **options: Any) -> Representation:
    """Return the representation called `name`.

    Raises:
        ValueError: There is no such name or option; the sentence lists those there are. Or an option's value is
            outside its range.
    """
    kind = (REPRESENTATIONS | DECODED_ONLY).get(name)
    if kind is None:
        raise ValueError(f"`representation` must be one of {', '.join(REPRESENTATIONS)}, got {name!r}.")
    known = [field.name for field in fields(kind)]
    if unknown := [option for option in options if option not in known]:
        raise ValueError(f"`{unknown[0]}` is no option of {name}, which has {', '.join(known)}.")
    return cast(Representation, kind(**options))
