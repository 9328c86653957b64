"""Tests of the drawn nuclei: light, labels and boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.rendering import (
    bound_labels,
    chromatin_texture,
    label_views,
    render_light,
    view_nuclei,
)

SHAPE = (160, 210)


def discs(*discs_: tuple[float, float, float]) -> Nuclei:
    """Give round nuclei from (row, col, radius)."""
    rows, cols, radii = np.array(discs_, dtype=float).reshape(-1, 3).T
    count = len(radii)
    return Nuclei(
        np.stack([rows, cols], axis=1),
        radii,
        np.zeros((count, 4), dtype=complex),
        np.full(count, 0.5),
        np.full(count, 0.2),
        np.zeros((count, 2)),
    )


def draw(count: int, seed: int) -> Nuclei:
    return draw_nuclei(
        count, SHAPE, mean_radius_px=9.0, radius_spread=0.3, clumping=0.7, rng=np.random.default_rng(seed)
    )


def light_of(nuclei: Nuclei) -> np.ndarray:
    views = view_nuclei(nuclei, SHAPE)
    return render_light(nuclei, views, chromatin_texture(views, 9.0, np.random.default_rng(0)), SHAPE)


def test_a_round_nucleus_is_labelled_as_a_disc() -> None:
    labels, _ = label_views(view_nuclei(discs((70.3, 100.8, 13.2)), SHAPE), SHAPE)
    rows, cols = np.indices(SHAPE)
    assert np.array_equal(labels == 1, np.hypot(rows - 70.3, cols - 100.8) < 13.2)


def test_an_outline_follows_its_harmonics() -> None:
    nuclei = replace(discs((80.0, 100.0, 30.0)), harmonics=np.array([[0.2, 0, 0, 0]], dtype=complex))
    views = view_nuclei(nuclei, SHAPE)
    labels, _ = label_views(views, SHAPE)
    assert bound_labels(labels, views)[0] == pytest.approx([64.5, 56.5, 136.5, 104.5], abs=1)


@pytest.mark.parametrize("seed", range(8))
def test_labels_are_contiguous_connected_and_bounded_by_their_boxes(seed: int) -> None:
    views = view_nuclei(draw(60, seed), SHAPE)
    labels, kept = label_views(views, SHAPE)
    assert labels.dtype == np.int32 and len(kept) > 30
    assert np.array_equal(np.unique(labels), np.arange(len(kept) + 1))
    found = ndimage.find_objects(labels)
    expected = [[cols.start, rows.start, cols.stop, rows.stop] for rows, cols in found]
    assert np.array_equal(bound_labels(labels, [views[index] for index in kept]), expected)
    assert all(ndimage.label(labels == id_)[1] == 1 for id_ in range(1, len(kept) + 1))


def test_touching_nuclei_share_the_pixels_between_them_evenly() -> None:
    labels, kept = label_views(view_nuclei(discs((80, 90, 15), (80, 111, 15)), SHAPE), SHAPE)
    overlapping, _ = label_views(view_nuclei(discs((80, 90, 15), (80, 109, 15)), SHAPE), SHAPE)
    assert kept.tolist() == [0, 1]
    assert np.sum(labels == 1) == np.sum(labels == 2)
    assert np.all(overlapping[:, :100] != 2) and np.all(overlapping[:, 100:] != 1)
    assert np.sum(overlapping > 0) < np.sum(labels > 0)


def test_a_hidden_nucleus_gives_its_pixels_to_the_others() -> None:
    large = discs((80, 100, 20))
    views = view_nuclei(discs((80, 100, 20), (80, 100.5, 10)), SHAPE)
    labels, kept = label_views(views, SHAPE)
    assert kept.tolist() == [0]
    assert np.array_equal(labels, label_views(view_nuclei(large, SHAPE), SHAPE)[0])


@pytest.mark.parametrize("centre", [(0, 0), (0, 100), (159, 209), (-0.4, 209.4)])
def test_a_nucleus_at_the_border_is_cut_off(centre: tuple[float, float]) -> None:
    views = view_nuclei(discs((*centre, 12.0)), SHAPE)
    labels, kept = label_views(views, SHAPE)
    box = bound_labels(labels, views)[0]
    assert kept.tolist() == [0]
    assert np.all(box[:2] >= 0) and box[2] <= 210 and box[3] <= 160
    assert 0.2 < np.sum(labels) / (np.pi * 144) < 0.6


def test_a_nucleus_outside_the_image_is_not_listed() -> None:
    nuclei = discs((-40, -40, 12.0), (80, 80, 12.0))
    labels, kept = label_views(view_nuclei(nuclei, SHAPE), SHAPE)
    assert kept.tolist() == [1] and labels.max() == 1
    assert light_of(nuclei).sum() == pytest.approx(light_of(discs((80, 80, 12.0))).sum(), rel=0.05)


def test_light_adds_up_where_nuclei_overlap() -> None:
    left, right = discs((80, 90, 15)), discs((80, 105, 15))
    both = light_of(discs((80, 90, 15), (80, 105, 15)))
    assert both[80, 97] > 1.5 * light_of(left)[80, 97]
    assert both.min() == 0 and both.dtype == np.float32
    assert both.sum() == pytest.approx(light_of(left).sum() + light_of(right).sum(), rel=0.05)


def test_light_fades_at_the_outline_and_ends_at_the_border() -> None:
    nucleus = replace(discs((80, 100, 20)), borders=np.array([0.5]))
    light = light_of(nucleus)
    profile = [light[80, 100 + offset] for offset in (0, 15, 20, 25, 29)]
    assert np.all(np.diff(profile) < 0)
    assert np.all(light[:, 132:] == 0)


def test_no_nuclei_give_dark_and_empty_images() -> None:
    nothing = discs()
    labels, kept = label_views([], SHAPE)
    assert not labels.any() and kept.shape == (0,)
    assert bound_labels(labels, []).shape == (0, 4)
    assert view_nuclei(nothing, SHAPE) == [] and not light_of(nothing).any()
