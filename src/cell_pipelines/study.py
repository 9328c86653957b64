"""Name the models that the study compares, the sources of its cells and its experiments; pipelines are made of these.

Kedro registers pipelines without knowing the environment, so the hook that does know it says so here first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cell_pipelines.models.foreign.names import is_foreign, short_name

DETECTORS = ("yolo", "yolo_seg", "rtdetr")
SEGMENTERS = (
    "resunet", "unet", "unetpp", "manet", "linknet", "fpn", "pan", "deeplabv3", "deeplabv3plus", "pspnet", "upernet",
    "segformer", "dpt", "attention_unet", "attention_linknet", "stardist",
)  # fmt: skip
MODELS = (*DETECTORS, *SEGMENTERS)

#: Cells that are not a model's predictions of the study's own images.
OTHER_CELLS = ("truth", "new")

#: Experiments that every study has; its configuration says what they train, and may name more.
_EXPERIMENTS = ("architecture_grid", "yolo_versions", "learning_curve", "ablation", "cross_validation", "search")
_DEFAULT = ("yolo", "resunet", "unetpp")
_chosen: list[str] = list(_DEFAULT)
_foreign: dict[str, str] = {}
_cells: list[str] = ["truth"]
_experiments: dict[str, Mapping[str, Any]] = {name: {} for name in _EXPERIMENTS}
_dry: list[bool] = [False]
_plate_counts: list[str] = []


def choose_models(names: str | list[str] | None) -> None:
    """Choose the models that composite pipelines run over; None chooses those of the demo.

    Args:
        names: Models by name, or other tools' such as ``stardist:/folder``; as text with ``+`` between them.

    Raises:
        ValueError: A name is unknown or comes twice, or there is none.
    """
    given = list(_DEFAULT) if names is None else names.split("+") if isinstance(names, str) else list(names)
    chosen = member_names(given)
    unknown = [name for name in given if name not in MODELS and not is_foreign(name)]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"`models` must be different ones among {', '.join(MODELS)}, or other tools' of different names such as "
            f"stardist:/folder, got {given}."
        )
    _chosen[:] = chosen
    _foreign.clear()
    _foreign.update({member: name for member, name in zip(chosen, given, strict=True) if member != name})


def chosen_models() -> tuple[str, ...]:
    """Return the models that composite pipelines run over, in the order in which they are compared."""
    return tuple(_chosen)


def member_names(names: Sequence[str]) -> list[str]:
    """Return what models are called as parts of a study: themselves, or a short name for other tools'."""
    return [short_name(name) if is_foreign(name) else name for name in names]


def foreign_members() -> dict[str, str]:
    """Return the full name of each chosen model that is another tool's, by its short one."""
    return dict(_foreign)


def known_models() -> tuple[str, ...]:
    """Return the names that models have as parts of a study, those of other tools that were chosen included."""
    return (*MODELS, *_foreign)


def choose_cells(names: str | list[str] | None) -> None:
    """Choose whose cells the statements about samples are made of; None chooses those of the truth.

    Args:
        names: ``truth``, ``new`` for the predictions of new images, or models by name; as text with ``+`` between them.

    Raises:
        ValueError: A name is unknown or comes twice, or there is none.
    """
    chosen = ["truth"] if names is None else names.split("+") if isinstance(names, str) else list(names)
    unknown = [name for name in chosen if name not in (*OTHER_CELLS, *known_models())]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        known = ", ".join((*OTHER_CELLS, *known_models()))
        raise ValueError(f"`cells` must be different ones among {known}, got {chosen}.")
    _cells[:] = chosen


def chosen_cells() -> tuple[str, ...]:
    """Return whose cells the statements about samples are made of, in the order in which they are compared."""
    return tuple(_cells)


def choose_experiments(experiments: Mapping[str, Mapping[str, Any]] | None, *, dry_run: bool = False) -> None:
    """Choose the experiments that have a pipeline each.

    Args:
        experiments: By name, what each trains.
        dry_run: Only list what would be trained.
    """
    _experiments.clear()
    _experiments.update(experiments or {})
    _dry[:] = [dry_run]


def chosen_experiments() -> dict[str, Mapping[str, Any]]:
    """Return the experiments by name."""
    return dict(_experiments)


def is_dry_run() -> bool:
    """Say whether experiments only list what they would train."""
    return _dry[0]


def choose_plate_counts(path: str | None) -> None:
    """Choose the table that plates are made of: a file by its path, or None for the counts of new images."""
    _plate_counts[:] = [] if path is None else [str(path)]


def plate_measurements() -> str:
    """Return the name of the data set that plates are made of."""
    return "plate_counts" if _plate_counts else "new_counts"


#: What a study, or a command, chooses by the name of the parameter, before pipelines are made.
CHOICES = {"models": choose_models, "cells": choose_cells, "plate_counts": choose_plate_counts}
