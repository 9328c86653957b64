"""The starter that comes with the package: small, safe to open, and right on fields that are known."""

import cv2
import numpy as np
import pytest
import torch

from cell_pipelines.api import count
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.instances import match_instances
from cell_pipelines.representations.rescaled import Rescaled
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows.starters import as_model_path, starter_path, starters
from cell_pipelines.workflows.trained_model import TrainedModel

SCENE = NucleiScene(height=256, width=288, cells=30, mean_radius_px=11.0, clumping=0.3, noise=0.6, debris=0.0)


@pytest.fixture(scope="module")
def find():
    model = TrainedModel.open("nuclei")
    predictor = create_predictor(model.path, device="cpu")

    def find_cells(image):
        found = predictor.examine(image)
        (scores,) = unpack_scores(found.arrays)
        return (
            Rescaled(model.representation, image.shape[:2]).decode(scores, model.thresholds.classes["nucleus"]).labels
        )

    return find_cells


@pytest.mark.parametrize("name", starters())
def test_a_starter_is_small_opens_as_plain_weights_and_has_a_card(name):
    path = starter_path(name)
    assert path.stat().st_size < 5_000_000
    content = torch.load(path, weights_only=True)
    assert {value.dtype for value in content["weights"].values()} <= {torch.float16, torch.float32, torch.int64}
    assert "licence" in path.with_suffix(".md").read_text(encoding="utf-8").lower()


def test_the_name_of_a_starter_is_its_file_unless_a_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert as_model_path("nuclei") == starter_path("nuclei")
    (tmp_path / "nuclei").touch()
    assert as_model_path("nuclei").resolve() == (tmp_path / "nuclei").resolve()


@pytest.mark.parametrize("inverted", [False, True])
def test_nuclei_of_a_generated_field_are_found(inverted, find):
    field = simulate_nuclei(NucleiScene(**{**vars(SCENE), "inverted": inverted}), seed=11)
    counts = match_instances(field.labels, find(field.image), thresholds=(0.5,))
    assert 2 * counts.tp[0] / (2 * counts.tp[0] + counts.fp[0] + counts.fn[0]) > 0.85


def test_the_same_field_at_another_magnification_has_the_same_count(find):
    image = simulate_nuclei(NucleiScene(**{**vars(SCENE), "clumping": 0.0, "cells": 20}), seed=12).image
    counts = [int(find(image).max())]
    for factor in (0.6, 1.6):
        size = (round(288 * factor), round(256 * factor))
        counts.append(int(find(cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else 1)).max()))
    assert counts[0] > 15 and counts == [counts[0]] * 3


def test_the_same_image_has_the_same_count_every_time(find):
    image = simulate_nuclei(SCENE, seed=13).image
    assert np.array_equal(find(image), find(image))


@pytest.mark.parametrize("kind", ["flat", "noise", "few photons"])
def test_an_image_without_cells_has_none(kind, find):
    rng = np.random.default_rng(0)
    image = {
        "flat": np.full((200, 200), 9, np.uint8),
        "noise": rng.normal(90, 8, (200, 220)).clip(0, 255).astype(np.uint8),
        "few photons": rng.poisson(3, (220, 200)).astype(np.uint16),
    }[kind]
    assert find(image).max() == 0


def test_the_estimated_diameter_does_not_change_with_tuned_thresholds(tmp_path):
    model, image = TrainedModel.open("nuclei"), simulate_nuclei(SCENE, seed=16).image
    other = Threshold(score=0.8, min_area_px=200.0, min_distance_px=30.0)
    (tmp_path / "tuned.pt").write_bytes(model.store(Thresholds({"nucleus": other}, decoded=True)))
    diameters = [create_predictor(path, device="cpu").examine(image).diameter
                 for path in (model.path, tmp_path / "tuned.pt")]  # fmt: skip
    assert diameters[0] == diameters[1] and diameters[0].px > 10


@pytest.mark.parametrize("name", starters())
def test_counts_of_a_starter_have_intervals_and_say_which_images_these_were_calibrated_on(name):
    field = simulate_nuclei(SCENE, seed=15)
    row = count(field.image, name).table.iloc[0]
    assert row["total_low"] <= field.labels.max() <= row["total_high"] < 2 * field.labels.max()
    assert "thresholds are defaults" not in row["warning"]
    assert "dsb2018, bbbc039 and generated fields, not on yours" in row["interval_note"]
