"""A whole simulated study: which fields there are, to which series they belong, and what each looks like.

A series is one experiment: one condition, one background, one camera setting for all its fields. The plan
holds everything that a field depends on, so fields can be simulated in any order and by any number of
workers, and a plan with more fields or more series begins with the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cell_pipelines.simulation.checks import Allowed, check_numbers
from cell_pipelines.simulation.fish import FishScene
from cell_pipelines.simulation.live_dead import LiveDeadScene
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.nuclei import NucleiScene, draw_look
from cell_pipelines.simulation.scenes import Scene

_CONDITION = {
    "dead_fraction": Allowed(0.0, 1.0),
    "density": Allowed(0.0, 100.0),
    "background": Allowed(0.0, 100.0),
}
_PLAN = {
    "fields": Allowed(0, 1_000_000, whole=True),
    "series": Allowed(1, 100_000, whole=True),
    "seed": Allowed(0, 2**63 - 1, whole=True),
}


@dataclass(frozen=True)
class Condition:
    """Effect of a treatment on the cells and on the images.

    Attributes:
        name: Lower-case letters and digits, because it is part of file names.
        dead_fraction: Probability, 0 to 1, that a nucleus is dead; only live-dead scenes tell.
        density: Number of cells, relative to the scene's.
        background: Light of the background, relative to the scene's; of no meaning in transmitted light.
        dose: Of the treatment, in any unit; None where there is none to speak of.
        settings: Of the scene, by their names, for what only some scenes have.
    """

    name: str
    dead_fraction: float = 0.0
    density: float = 1.0
    background: float = 1.0
    dose: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every setting."""
        if not re.fullmatch(r"[a-z0-9]+", self.name):
            raise ValueError(f"`name` must consist of lower-case letters and digits, got {self.name!r}.")
        check_numbers({name: value for name, value in vars(self).items() if name in _CONDITION}, _CONDITION)
        if self.dose is not None:
            check_numbers({"dose": self.dose}, {"dose": Allowed(0.0, 1e9)})


CONDITIONS = (
    Condition("control", dead_fraction=0.08),
    Condition("hypoxia", dead_fraction=0.35, density=0.8, background=1.3),
    Condition("treated", dead_fraction=0.6, density=0.6, background=0.8),
)
FISH_CONDITIONS = (
    Condition("control"),
    Condition("mosaic21", settings={"trisomic_21": 0.25}),
    Condition("mosaicx", settings={"monosomic_x": 0.4}),
)

NEURON_CONDITIONS = (
    Condition("control", density=0.25),
    Condition("torpor", density=1.6, background=1.2),
    Condition("recovery", density=1.0, background=0.8),
)
CULTURE_CONDITIONS = (
    Condition("sparse", density=0.5),
    Condition("growing", density=1.0),
    Condition("dense", density=1.8),
)
VARIED_CONDITIONS = (Condition("varied"),)


@dataclass(frozen=True)
class PlannedField:
    """One field of a study, with all that is needed to simulate it.

    Attributes:
        name: Name for its files, without ending: series, condition and field.
        series: Name of its series, such as `series03`.
        condition: Name of the condition of its series.
        field: Number of the field in its series, from 1.
        seed: Seed of the field.
        scene: What the field looks like.
        dose: Dose of the condition, if it has one.
    """

    name: str
    series: str
    condition: str
    field: int
    seed: int
    scene: Scene
    dose: float | None = None


def plan_series(
    fields: int,
    series: int,
    seed: int,
    *,
    scene: Scene | None = None,
    conditions: tuple[Condition, ...] | None = None,
) -> tuple[PlannedField, ...]:
    """Plan the fields of a study.

    Fields are shared out evenly; where that leaves a rest, the first series have one field more. Series take
    the conditions in turn.

    Args:
        fields: Number of fields in all series together.
        series: Number of series.
        seed: Seed of the study.
        scene: The look that conditions and series vary; by default `LiveDeadScene()`.
        conditions: The conditions, at least one; by default those that suit the scene.

    Returns:
        The fields, series by series.

    Example:
        >>> [field.name for field in plan_series(3, 2, seed=0)]
        ['series01_control_field001', 'series01_control_field002', 'series02_hypoxia_field001']
    """
    check_numbers({"fields": fields, "series": series, "seed": seed}, _PLAN)
    scene = LiveDeadScene() if scene is None else scene
    conditions = _conditions_of(scene) if conditions is None else conditions
    if not conditions:
        raise ValueError("`conditions` must hold at least one condition, got none.")
    share, rest = divmod(fields, series)
    planned: list[PlannedField] = []
    for index, sequence in enumerate(np.random.SeedSequence(seed).spawn(series)):
        condition = conditions[index % len(conditions)]
        count = share + (index < rest)
        planned += _plan_one(index + 1, count, sequence, scene, condition)
    return tuple(planned)


def _conditions_of(scene: Scene) -> tuple[Condition, ...]:
    if isinstance(scene, LiveDeadScene):
        return CONDITIONS
    if isinstance(scene, FishScene):
        return FISH_CONDITIONS
    if isinstance(scene, NucleiScene):
        return VARIED_CONDITIONS if scene.varied else CULTURE_CONDITIONS
    return NEURON_CONDITIONS if isinstance(scene, NeuronScene) else CULTURE_CONDITIONS


def field_name(series: int, condition: str, field: int) -> str:
    """Name a field for its files, so that names sort by series and field.

    Example:
        >>> field_name(3, "hypoxia", 7)
        'series03_hypoxia_field007'
    """
    return f"{_series_name(series)}_{condition}_field{field:03d}"


def _series_name(series: int) -> str:
    return f"series{series:02d}"


def _plan_one(
    number: int, count: int, sequence: np.random.SeedSequence, scene: Scene, condition: Condition
) -> list[PlannedField]:
    """Plan the fields of one series: one look for all, a number of cells and a seed for each."""
    own, *children = sequence.spawn(count + 1)
    look = _vary(scene, condition, np.random.default_rng(own))
    planned = []
    for number_of_field, child in enumerate(children, 1):
        seed_of_field, seed_of_count = child.generate_state(2, np.uint64) >> np.uint64(1)
        planned.append(
            PlannedField(
                field_name(number, condition.name, number_of_field),
                _series_name(number),
                condition.name,
                number_of_field,
                int(seed_of_field),
                _look_of_field(look, int(seed_of_count)),
                condition.dose,
            )
        )
    return planned


def _look_of_field(look: Scene, seed: int) -> Scene:
    """Give the look of one field of a series: its own number of cells, or all its own where fields are varied."""
    if isinstance(look, NucleiScene) and look.varied:
        return draw_look(look, seed)
    return replace(look, cells=int(np.random.default_rng(seed).poisson(look.cells)))


def _vary(scene: Scene, condition: Condition, rng: np.random.Generator) -> Scene:
    """Give the look that all fields of a series share: its condition, and what differs between days."""
    background, density, noise = np.exp(rng.normal(0.0, (0.35, 0.15, 0.25))).tolist()
    death, unevenness, clumping = rng.normal(0.0, (0.03, 0.15, 0.1)).tolist()
    contrast, level = np.exp(rng.normal(0.0, (0.15, 0.06))).tolist()
    looks: dict[str, Callable[[float], float]] = {
        "cells": lambda cells: round(cells * condition.density * density),
        "dead_fraction": lambda _: _within(condition.dead_fraction + death, 0.0, 1.0),
        "clumping": lambda share: _within(share + clumping, 0.0, 1.0),
        "background": lambda light: _within(light * condition.background * background, 0.0, 0.5),
        "contrast": lambda factor: _within(factor * contrast, 0.0, 3.0),
        "level": lambda light: _within(light * level, 0.1, 0.9),
        "unevenness": lambda share: _within(share + unevenness, 0.0, 1.0),
        "noise": lambda factor: _within(factor * noise, 0.001, 10.0),
    }
    own = {**vars(scene), **condition.settings}
    changes: dict[str, Any] = {**condition.settings}
    changes |= {name: change(own[name]) for name, change in looks.items() if name in own}
    return replace(scene, **changes)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
