"""Tests of the plan of a simulated study."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.simulation.brightfield import BrightfieldScene
from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead
from cell_pipelines.simulation.neurons import NeuronScene
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene
from cell_pipelines.simulation.scenes import CellScene
from cell_pipelines.simulation.series import (
    CONDITIONS,
    CULTURE_CONDITIONS,
    NEURON_CONDITIONS,
    Condition,
    field_name,
    plan_series,
)


@pytest.mark.parametrize(("fields", "series"), [(0, 3), (2, 5), (20, 6), (180, 18)])
def test_fields_are_shared_out_evenly(fields: int, series: int) -> None:
    plan = plan_series(fields, series, seed=0)
    sizes = [sum(field.series == name for field in plan) for name in {field.series for field in plan}]
    assert len(plan) == fields == sum(sizes)
    assert len(sizes) == min(fields, series)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


def test_all_fields_of_a_series_share_condition_and_background() -> None:
    looks: dict[str, set] = {}
    for field in plan_series(40, 8, seed=1):
        looks.setdefault(field.series, set()).add((field.condition, replace(field.scene, cells=0)))
    assert all(len(look) == 1 for look in looks.values())
    assert len({look.pop()[1].background for look in looks.values()}) == 8


def test_series_take_the_conditions_in_turn() -> None:
    names = [field.condition for field in plan_series(7, 7, seed=0)]
    assert names == [CONDITIONS[index % 3].name for index in range(7)]


def test_conditions_differ_in_death_and_density() -> None:
    plan = plan_series(300, 60, seed=0, scene=LiveDeadScene(cells=200))
    for condition in CONDITIONS:
        scenes = [field.scene for field in plan if field.condition == condition.name]
        deaths, cells = zip(*((scene.dead_fraction, scene.cells) for scene in scenes), strict=True)
        assert np.mean(deaths) == pytest.approx(condition.dead_fraction, abs=0.04)
        assert np.mean(cells) == pytest.approx(200 * condition.density, rel=0.15)


@pytest.mark.parametrize(
    ("scene", "conditions"),
    [
        (NeuronScene(cells=60), NEURON_CONDITIONS),
        (PhaseContrastScene(cells=60), CULTURE_CONDITIONS),
        (BrightfieldScene(cells=60), CULTURE_CONDITIONS),
    ],
)
def test_every_scene_has_conditions_and_looks_of_its_own(scene: CellScene, conditions: tuple) -> None:
    plan = plan_series(90, 30, seed=0, scene=scene)
    assert {type(field.scene) for field in plan} == {type(scene)}
    assert len({field.scene.noise for field in plan}) == 30
    for condition in conditions:
        cells = [field.scene.cells for field in plan if field.condition == condition.name]
        assert np.mean(cells) == pytest.approx(60 * condition.density, rel=0.2)


def test_a_longer_plan_begins_with_the_same_fields() -> None:
    short, long = plan_series(6, 3, seed=5), plan_series(30, 3, seed=5)
    wider = plan_series(20, 10, seed=5)
    assert set(short) <= set(long)
    assert set(short) <= set(wider)


def test_every_field_has_a_seed_and_a_name_of_its_own() -> None:
    plan = plan_series(200, 9, seed=0)
    assert len({field.seed for field in plan}) == len({field.name for field in plan}) == 200
    assert [field.name for field in plan] == sorted(field.name for field in plan)
    assert all(0 <= field.seed < 2**63 for field in plan)


def test_names_can_be_taken_apart() -> None:
    for field in plan_series(12, 5, seed=0):
        series, condition, number = field.name.split("_")
        assert (series, condition) == (field.series, field.condition)
        assert re.fullmatch(r"field\d{3}", number) and int(number[5:]) == field.field
    assert field_name(3, "hypoxia", 7) == "series03_hypoxia_field007"


def test_another_seed_gives_another_study() -> None:
    assert plan_series(5, 2, seed=0) == plan_series(5, 2, seed=0)
    assert plan_series(5, 2, seed=0) != plan_series(5, 2, seed=1)


def test_planned_fields_can_be_simulated_in_any_order() -> None:
    plan = plan_series(4, 2, seed=0, scene=LiveDeadScene(height=64, width=64, cells=4, mean_radius_px=6.0))
    forwards = [simulate_live_dead(field.scene, field.seed).blue for field in plan]
    backwards = [simulate_live_dead(field.scene, field.seed).blue for field in reversed(plan)]
    assert all(np.array_equal(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))


def test_bad_plans_raise_a_sentence() -> None:
    with pytest.raises(ValueError, match="`fields` must be .* `series` must be a whole number"):
        plan_series(-1, 0, seed=0)
    with pytest.raises(ValueError, match="`conditions` must hold at least one condition, got none"):
        plan_series(1, 1, seed=0, conditions=())
    with pytest.raises(ValueError, match="`name` must consist of lower-case .*, got 'two words'"):
        Condition("two words", dead_fraction=0.1)
    with pytest.raises(ValueError, match="`dead_fraction` must be"):
        Condition("fatal", dead_fraction=2.0)
