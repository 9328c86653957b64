"""Flows are Cellpose's, and cells of any form come back from them, also from those of a network that errs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.representations.flows import Flows
from cell_pipelines.thresholds import Threshold

from .test_registry import AT_THE_BORDER, SEPARATE, TOUCHING, overlaps, there_and_back

Labels = NDArray[np.int32]


def heated(labels: Labels) -> NDArray[np.float64]:
    """Return the flows (2, H, W) by the formula of Stringer et al. 2021, cell by cell over the whole image."""
    flows = np.zeros((2, *labels.shape))
    for cell in np.unique(labels[labels > 0]):
        inside = np.pad(labels == cell, 1)
        rows, columns = np.nonzero(inside)
        nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        heat = np.zeros(inside.shape)
        for _ in range(2 * int(np.ptp(rows) + np.ptp(columns) + 6)):
            heat[rows[nearest], columns[nearest]] += 1
            heat = np.where(inside, ndimage.uniform_filter(heat, 3, mode="constant"), 0)
        slope = np.stack([heat[2:, 1:-1] - heat[:-2, 1:-1], heat[1:-1, 2:] - heat[1:-1, :-2]])
        own = labels == cell
        flows[:, own] = (slope / (np.hypot(*slope) + 1e-60))[:, own]
    return flows


def rows_of_cells(seed: int) -> Labels:
    """Return ellipses of several sizes and angles, some of them cut by others and by the border."""
    generator, labels = np.random.default_rng(seed), np.zeros((90, 110), np.int32)
    rows, columns = np.indices(labels.shape)
    for number in range(1, 25):
        row, column, angle = *generator.uniform((0, 0), labels.shape), generator.uniform(0, np.pi)
        along = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
        across = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
        inside = (along / generator.uniform(6, 13)) ** 2 + (across / generator.uniform(5, 8)) ** 2 < 1
        labels[inside & (labels == 0)] = number
    return labels


@pytest.mark.parametrize("labels", [TOUCHING, AT_THE_BORDER, rows_of_cells(0)])
def test_the_target_is_the_gradient_of_the_heat(labels: Labels) -> None:
    target = Flows().encode(labels)
    np.testing.assert_array_equal(target[0], labels > 0)
    # In the very centre of a symmetric cell the gradient is 0 but for rounding.
    apart = np.abs(target[1:] - heated(labels)).max(axis=0) > 1e-3
    assert apart.sum() <= labels.max()
    lengths = np.hypot(*target[1:])
    assert (lengths[labels == 0] == 0).all()
    assert ((np.abs(lengths - 1) < 1e-5) | (lengths == 0) | (labels == 0)).all()


def test_the_target_is_that_of_cellpose() -> None:
    dynamics = pytest.importorskip("cellpose.dynamics", reason="Cellpose is not installed")
    labels = rows_of_cells(1)
    numbers = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
    theirs = dynamics.masks_to_flows_cpu(numbers)[0] if hasattr(dynamics, "masks_to_flows_cpu") else heated(numbers)
    apart = np.abs(Flows().encode(labels)[1:] - theirs).max(axis=0) > 1e-3
    assert apart.sum() <= numbers.max()


def noisy(labels: Labels, seed: int = 0) -> NDArray[np.float32]:
    """Return what a network might put out: smooth flows that are too short and err by 0.2."""
    noise = np.random.default_rng(seed).normal(size=(2, *labels.shape))
    smooth = np.stack([ndimage.gaussian_filter(one, 2) for one in noise])
    outputs = Flows().encode(labels)
    outputs[1:] = 0.8 * np.stack([ndimage.gaussian_filter(one, 1) for one in outputs[1:]])
    outputs[1:] += 0.2 * smooth / smooth.std()
    return outputs


@pytest.mark.parametrize("labels", [SEPARATE, TOUCHING])
def test_cells_come_back_from_flows_that_err(labels: Labels) -> None:
    found = Flows().decode(Flows().reduce(noisy(labels)), Threshold(0.5, 20, 6))
    assert found.labels.max() == labels.max()
    assert min(overlaps(labels, found.labels)) > 0.9


def test_cells_of_flows_that_err_are_those_of_cellpose() -> None:
    dynamics = pytest.importorskip("cellpose.dynamics", reason="Cellpose is not installed")
    outputs = noisy(TOUCHING)
    logits = np.where(outputs[0] > 0.5, 4, -4).astype(np.float32)
    found = dynamics.compute_masks(5 * outputs[1:], logits, niter=200, flow_threshold=0, min_size=15)
    theirs = np.asarray(found[0] if isinstance(found, tuple) else found)
    ours = Flows().decode(Flows().reduce(outputs), Threshold(0.5, 15, 6)).labels
    assert ours.max() == theirs.max() == TOUCHING.max()
    assert min(overlaps(theirs.astype(np.int32), ours)) > 0.9


def test_long_bent_large_and_tiny_cells_come_back() -> None:
    labels = np.zeros((300, 420), np.int32)
    rows, columns = np.indices(labels.shape)
    ring = np.hypot(rows - 75, columns - 75)
    labels[(ring > 40) & (ring < 52) & (rows < 90)] = 2  # half a ring
    labels[5:8, 150:400] = 1
    labels[np.hypot(rows - 190, columns - 290) < 100] = 3  # a way longer than Cellpose's 200 steps has room
    labels[280, 10], labels[290:292, 10:12] = 4, 5
    np.testing.assert_array_equal(there_and_back(Flows(), labels), labels)


def test_pieces_of_a_cell_are_cells_of_their_own() -> None:
    labels = np.zeros((30, 60), np.int32)
    labels[5:20, 5:20] = labels[5:20, 35:50] = 1
    found = there_and_back(Flows(), labels)
    assert found.max() == 2
    np.testing.assert_array_equal(found > 0, labels > 0)


def test_scores_of_another_representation_are_refused() -> None:
    scores = Flows().reduce(Flows().encode(TOUCHING))
    with pytest.raises(ValueError, match=r"`scores` must hold `flows`, \(2, H, W\) int16"):
        Flows().decode({"cell": scores["cell"]}, Threshold(0.5))
    with pytest.raises(ValueError, match="`outputs` must be"):
        Flows().reduce(Flows().encode(TOUCHING)[:2])
    with pytest.raises(ValueError, match="activated, in"):
        Flows().reduce(Flows().encode(TOUCHING) * 3)
