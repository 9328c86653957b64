"""Tests of stained neurons: yellow, bright, and not to be told from artefacts by brightness alone."""

from __future__ import annotations

import numpy as np

from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.neurons import NeuronScene, simulate_neurons


def take(scene: NeuronScene, seeds: int = 4) -> list[CellField]:
    return [simulate_neurons(scene, seed) for seed in range(seeds)]


def with_artefacts(mean: float) -> NeuronScene:
    return NeuronScene(height=192, width=192, cells=8, artefacts=mean)


def best_threshold_iou(fields: list[CellField]) -> float:
    light = np.concatenate([field.image.max(axis=2).ravel() for field in fields])
    cells = np.concatenate([field.labels.ravel() > 0 for field in fields])
    seen = [light >= level for level in range(20, 240, 5)]
    return max(float(np.sum(mask & cells) / np.sum(mask | cells)) for mask in seen)


def test_neurons_are_yellow_and_brighter_than_the_tissue() -> None:
    for field in take(with_artefacts(0.0)):
        cells, tissue = field.image[field.labels > 0], field.image[field.labels == 0]
        red, green, blue = cells.mean(axis=0)
        assert red > green > 2 * blue
        assert cells.max(axis=1).mean() > tissue.max(axis=1).mean() + 3 * tissue.max(axis=1).std()


def test_a_threshold_finds_cells_but_takes_artefacts_for_cells() -> None:
    plain, disturbed = (best_threshold_iou(take(with_artefacts(mean))) for mean in (0.0, 6.0))
    assert disturbed < 0.6 < plain < 0.95


def test_artefacts_do_not_move_the_cells() -> None:
    for plain, disturbed in zip(take(with_artefacts(0.0)), take(with_artefacts(6.0)), strict=True):
        assert plain.artefacts == () and np.array_equal(plain.labels, disturbed.labels)


def test_artefacts_of_every_kind_come_and_shine() -> None:
    fields = take(with_artefacts(8.0), seeds=8)
    assert {artefact.kind for field in fields for artefact in field.artefacts} == {"strip", "debris", "blob", "edge"}
    for field in fields:
        light = field.image.max(axis=2)
        artefacts, tissue = field.artefact_labels > 0, (field.artefact_labels == 0) & (field.labels == 0)
        assert light[artefacts].mean() > 1.5 * light[tissue].mean()


def test_the_tissue_is_darker_beyond_its_edge() -> None:
    pairs = zip(take(with_artefacts(0.0), 8), take(with_artefacts(4.0), 8), strict=True)
    ended = [(plain, field) for plain, field in pairs if "edge" in {artefact.kind for artefact in field.artefacts}]
    assert ended
    for plain, field in ended:
        assert np.mean(field.image.max(axis=2) < plain.image.max(axis=2) - 3.0) > 0.005


def test_a_field_without_neurons_can_show_artefacts() -> None:
    field = simulate_neurons(NeuronScene(cells=0, artefacts=6.0), 1)
    assert field.artefacts and not field.labels.any()
