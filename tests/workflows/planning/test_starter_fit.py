"""The nuclei starter is for fluorescence, whatever its bits, and never for phase contrast and bright field."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.reading import list_image_files, write_image
from cell_pipelines.simulation.brightfield import BrightfieldScene, simulate_brightfield
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene, simulate_phase_contrast
from cell_pipelines.workflows.planning.starter_fit import describe_unfit, gather_cell_facts, measure_brightness

from ...conftest import ROOT

T98G = (
    Path(os.environ.get("CELL_REAL_DATA", ROOT.parent / "shared" / "data")) / "phase_contrast_instances_t98g" / "train"
)
TRANSMITTED = {
    **{f"bright field, defocus {d}": (simulate_brightfield, BrightfieldScene(defocus=d)) for d in (0.2, 1.0, 3.0)},
    **{
        f"phase contrast, {rounded:.0%} rounded, elongation {e}": (
            simulate_phase_contrast, PhaseContrastScene(rounded=rounded, elongation=e))
        for rounded, e in ((0.0, 1.0), (0.5, 1.5), (1.0, 1.0), (0.05, 3.2))
    },
}  # fmt: skip
FLUORESCENT = [NucleiScene(), NucleiScene(bit_depth=16, haze=0.6), NucleiScene(cells=80, background=0.4, exposure=0.3)]


def facts_of(folder, fields):
    """Return the facts about pairs of an image and its labels, which are written as files."""
    builder = AnnotationBuilder(["cell"])
    for number, (image, labels) in enumerate(fields):
        write_image(image, folder / f"{number}.png")
        row = builder.add_image(f"{number}.png", width=image.shape[1], height=image.shape[0])
        for label in range(1, int(labels.max()) + 1):
            rings, _ = cv2.findContours((labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            builder.add_polygon(row, "cell", [ring[:, 0].astype(float) for ring in rings if len(ring) > 2][:1])
    annotations, images = builder.build(), list_image_files(folder)
    return gather_cell_facts(annotations, images, ("cell",)), annotations, images


@pytest.mark.parametrize(("simulate", "scene"), TRANSMITTED.values(), ids=TRANSMITTED)
def test_the_starter_is_not_for_cells_in_transmitted_light(tmp_path, simulate, scene):
    fields = [simulate(scene, seed) for seed in range(3)]
    facts, *_ = facts_of(tmp_path, [(field.image, field.labels) for field in fields])
    assert facts.brightness < 0.7
    assert describe_unfit(facts, 1)


@pytest.mark.parametrize("scene", FLUORESCENT)
def test_the_starter_is_for_nuclei_in_fluorescence_and_not_for_their_negative(tmp_path, scene):
    fields = [simulate_nuclei(scene, seed) for seed in range(3)]
    facts, *_ = facts_of(tmp_path, [(field.image, field.labels) for field in fields])
    assert describe_unfit(facts, 1) == ""
    top = np.iinfo(fields[0].image.dtype).max
    negative, *_ = facts_of(tmp_path, [(top - field.image, field.labels) for field in fields])
    assert negative.brightness == pytest.approx(1 - facts.brightness, abs=0.01)
    assert "bright nuclei" in describe_unfit(negative, 1)


def test_brightness_is_the_statistic_of_mann_and_whitney_as_a_share(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.zeros((60, 60), np.int32)
    labels[10:30, 10:30] = 1
    image = rng.normal(np.where(labels, 120, 100), 20).clip(0, 255).astype(np.uint8)
    _, annotations, images = facts_of(tmp_path, [(image, labels)])
    inside = np.zeros((60, 60), bool)
    inside[10:29, 10:29] = True  # the outline goes through the centres of the border's pixels
    u = mannwhitneyu(image[inside], image[~inside]).statistic / (inside.sum() * (~inside).sum())
    assert measure_brightness(annotations, images) == pytest.approx(u, abs=0.02)


@pytest.mark.real_data
@pytest.mark.skipif(not T98G.is_dir(), reason=f"{T98G} is not there")
def test_the_starter_is_not_for_real_phase_contrast(tmp_path):
    folders = sorted(T98G.iterdir())[:3]
    fields = [
        [cv2.imread(str(f / name), cv2.IMREAD_UNCHANGED) for name in ("raw.tif", "instances_ids.png")] for f in folders
    ]
    facts, *_ = facts_of(tmp_path, fields)
    assert facts.brightness < 0.6
    assert describe_unfit(facts, 1)
