"""Star-convex polygons: cells come back, tiles change nothing, and decoding agrees with StarDist's own."""

import numpy as np
import pytest
from skimage.draw import ellipse
from stardist.geometry import polygons_to_label, star_dist
from stardist.matching import matching
from stardist.nms import non_maximum_suppression

from cell_pipelines.representations.base import Scores
from cell_pipelines.representations.star import Star
from cell_pipelines.thresholds import Threshold

SHAPE = (110, 130)


def convex_cells(seed: int = 3, count: int = 30) -> np.ndarray:
    """Return ellipses that may touch, and may be cut by the image's edge."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.int32)
    for label in range(1, count + 1):
        centre, radii = generator.uniform((0, 0), SHAPE), generator.uniform(6, 13, 2)
        pixels = ellipse(*centre, *radii, shape=SHAPE, rotation=generator.uniform(0, np.pi))
        if len(pixels[0]) > 60 and not labels[pixels].any():
            labels[pixels] = label
    return labels


def noisy_outputs(seed: int = 5) -> np.ndarray:
    """Return outputs whose candidates overlap, compete and differ in size, as those of a half-trained network."""
    generator = np.random.default_rng(seed)
    outputs = Star().encode(convex_cells(seed))
    outputs[0] *= generator.uniform(0.4, 0.99, SHAPE)
    outputs[1:] = outputs[1:] * generator.uniform(0.8, 1.2, outputs[1:].shape) + generator.normal(
        1, 2, outputs[1:].shape
    )
    return outputs.astype(np.float32)


def whole(star: Star, outputs: np.ndarray) -> Scores:
    return star.join([star.reduce(outputs)], outputs.shape[1:])


def in_tiles(star: Star, outputs: np.ndarray, size: int, margin: int) -> Scores:
    """Cut outputs into tiles with a margin around their cores, in an order that is not the image's."""
    height, width = outputs.shape[1:]
    parts = []
    for top in range(0, height, size):
        for left in range(0, width, size):
            row, column = max(top - margin, 0), max(left - margin, 0)
            tile = outputs[:, row : top + size + margin, column : left + size + margin]
            core = (top - row, left - column, min(size, height - top), min(size, width - left))
            parts.append(star.reduce(tile, origin=(row, column), core=core))
    return star.join(parts[::-1], (height, width))


@pytest.mark.parametrize("grid", [1, 2])
def test_convex_cells_come_back(grid: int) -> None:
    labels, star = convex_cells(), Star(grid=grid)
    found = star.decode(whole(star, star.encode(labels)), Threshold(0.5))
    result = matching(labels, found.labels, thresh=0.7)
    assert result.fp == result.fn == 0
    assert result.mean_matched_score >= 0.9
    assert len(found.scores) == found.labels.max() == np.unique(labels).size - 1


def test_cells_cut_by_the_edge_come_back() -> None:
    labels = np.zeros((40, 50), np.int32)
    labels[:12, :11], labels[30:, 20:34], labels[15:28, 38:] = 1, 2, 3
    star = Star()
    found = star.decode(whole(star, star.encode(labels)), Threshold(0.5))
    result = matching(labels, found.labels, thresh=0.8)
    assert (result.tp, result.fp, result.fn) == (3, 0, 0)


def test_the_target_is_stardists() -> None:
    labels = convex_cells()
    target = Star(n_rays=16).encode(labels)
    assert target.shape == (17, *SHAPE)
    assert target.dtype == np.float32
    np.testing.assert_array_equal(target[1:], np.moveaxis(star_dist(labels, 16), -1, 0))
    assert (target[:, labels == 0] == 0).all()
    for label in np.unique(labels)[1:]:
        assert target[0][labels == label].max() == pytest.approx(1)


@pytest.mark.parametrize("grid", [1, 2, 3])
@pytest.mark.parametrize(("size", "margin"), [(64, 16), (37, 5), (200, 0)])
def test_tiles_hold_exactly_the_candidates_of_the_whole_image(grid: int, size: int, margin: int) -> None:
    star, outputs = Star(grid=grid), noisy_outputs()
    expected, found = whole(star, outputs), in_tiles(star, outputs, size, margin)
    assert expected.keys() == found.keys()
    assert len(expected["points"]) > 12
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    np.testing.assert_array_equal(star.decode(found, Threshold()).labels, star.decode(expected, Threshold()).labels)


@pytest.mark.parametrize("cutoff", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("grid", [1, 2])
def test_decode_agrees_with_stardist(cutoff: float, grid: int) -> None:
    """StarDist leaves out what is at most the cutoff and, unless told otherwise, what is near the edge."""
    outputs = noisy_outputs()
    star = Star(grid=grid)
    found = star.decode(whole(star, outputs), Threshold(cutoff))
    dist, prob = np.moveaxis(np.maximum(outputs[1:], 1e-3), 0, -1)[::grid, ::grid], outputs[0, ::grid, ::grid]
    points, scores, dist = non_maximum_suppression(
        dist,
        prob,
        grid=(grid, grid),
        b=None,
        nms_thresh=0.4,
        prob_thresh=np.nextafter(np.float32(cutoff), np.float32(0)),
    )
    theirs = polygons_to_label(dist, points, SHAPE, prob=scores)
    assert theirs.any()
    assert len(np.unique(theirs)) == len(np.unique(found.labels))
    pairs = np.unique(np.stack([theirs.ravel(), found.labels.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(theirs))


@pytest.mark.parametrize("cutoff", [0.1, 0.5, 0.8])
def test_filtering_after_suppression_equals_suppressing_what_was_filtered(cutoff: float) -> None:
    outputs = noisy_outputs(8)
    stored = whole(Star(min_score=0.05), outputs)
    late = stored["probabilities"] >= np.float32(cutoff)
    early = whole(Star(min_score=float(np.float32(cutoff))), outputs)
    for name in ("points", "probabilities", "distances"):
        np.testing.assert_array_equal(stored[name][late], early[name])


def test_a_sweep_gives_what_decode_gives() -> None:
    star, outputs = Star(), noisy_outputs()
    scores = whole(star, outputs)
    decodings = [Threshold(c, a) for c in (0.9, 0.3, 0.6, 0.0, 1.0) for a in (0, 40, 150.5)]
    for decoding, swept in zip(decodings, star.sweep(scores, decodings), strict=True):
        alone = star.decode(scores, decoding)
        np.testing.assert_array_equal(swept.labels, alone.labels)
        np.testing.assert_array_equal(swept.scores, alone.scores)
        assert swept.labels.dtype == np.int32
        assert np.array_equal(np.unique(swept.labels[swept.labels > 0]), np.arange(1, len(swept.scores) + 1))
        assert (np.bincount(swept.labels.ravel())[1:] >= decoding.min_area_px).all()
        assert (swept.scores >= np.float32(decoding.score)).all()


def test_the_better_of_two_overlapping_cells_lies_on_top() -> None:
    outputs = np.zeros((33, 40, 60), np.float32)
    outputs[1:] = 10
    outputs[0, 20, 20], outputs[0, 20, 36] = 0.8, 0.9
    star = Star(nms=0.5)
    found = star.decode(whole(star, outputs), Threshold(0.5))
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert found.labels[20, 28] == 1
    assert found.labels[20, 20] == 2
    assert np.count_nonzero(found.labels == 1) > np.count_nonzero(found.labels == 2)


def test_an_image_without_cells_has_none() -> None:
    star = Star(n_rays=8)
    empty = np.zeros((20, 30), np.int32)
    target = star.encode(empty)
    assert target.shape == (9, 20, 30)
    assert not target.any()
    scores = whole(star, target)
    found = star.decode(scores, Threshold())
    assert found.labels.shape == (20, 30)
    assert not found.labels.any()
    assert found.scores.shape == (0,)
    assert star.polygons(scores, Threshold()) == []
    assert star.join([], (4, 5))["points"].shape == (0, 2)
    assert star.encode(empty[:0]).shape == (9, 0, 30)
    assert list(star.sweep(scores, [])) == []


def test_a_cell_that_fills_the_image_comes_back() -> None:
    labels, star = np.full((30, 30), 7, np.int32), Star()
    found = star.decode(whole(star, star.encode(labels)), Threshold())
    assert np.count_nonzero(found.labels) > 0.9 * labels.size


def test_more_cells_than_16_bits_can_tell_apart_are_encoded() -> None:
    """A chess board of 66,248 cells of a pixel each, besides numbers far above 16 bits."""
    rows, columns = np.indices((364, 364))
    board = np.where((rows + columns) % 2, np.arange(364 * 364).reshape(364, 364) * 9 + 1, 0).astype(np.int32)
    target = Star(n_rays=4).encode(board)
    np.testing.assert_array_equal(target[1:, board > 0], 0.5)
    full = np.arange(257 * 257).reshape(257, 257).astype(np.int32) + 1
    np.testing.assert_array_equal(Star(n_rays=4).encode(full), np.broadcast_to([[[1]]] + [[[0.5]]] * 4, (5, 257, 257)))


def test_polygons_are_the_outlines_in_pixel_edges() -> None:
    star, labels = Star(), np.zeros((40, 50), np.int32)
    labels[10:20, 15:35] = 1
    polygons = star.polygons(whole(star, star.encode(labels)), Threshold())
    assert [p.shape for p in polygons] == [(32, 2)]
    np.testing.assert_allclose(polygons[0].min(0), [15, 10], atol=0.6)
    np.testing.assert_allclose(polygons[0].max(0), [35, 20], atol=0.6)


def test_distances_below_0_are_cut_and_those_that_are_no_numbers_are_refused() -> None:
    star = Star(n_rays=4)
    outputs = np.full((5, 12, 12), -3, np.float32)
    outputs[0], outputs[2, 6, 6] = 0.9, 1e30
    found = whole(star, outputs)
    assert found["distances"].min() > 0
    assert star.decode(found, Threshold()).labels.shape == (12, 12)
    for bad in (np.nan, np.inf):
        outputs[3, 4, 4] = bad
        with pytest.raises(ValueError, match="must be finite"):
            star.reduce(outputs)


def test_scores_are_stored_as_plain_arrays_and_arguments_stay() -> None:
    star, outputs = Star(), noisy_outputs()
    before = outputs.copy()
    scores = whole(star, outputs)
    assert all(isinstance(values, np.ndarray) and values.dtype != object for values in scores.values())
    assert np.all(np.diff(scores["probabilities"]) <= 0)
    assert star.join([scores], SHAPE) is scores
    np.testing.assert_array_equal(outputs, before)


def test_channels_and_activations_are_as_many_as_the_target_has() -> None:
    star = Star(n_rays=6)
    assert len(star.channels) == len(star.activations) == 7 == len(star.encode(np.eye(9, dtype=np.int32)))
    assert star.activations[:2] == ("sigmoid", "identity")
    assert star.default_threshold(200) == Threshold(0.5, 20)


@pytest.mark.parametrize("options", [{"n_rays": 2}, {"grid": 0}, {"nms": 1.5}, {"min_score": 0}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Star(**options)


def test_outputs_and_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`outputs` must have the shape \(33, h, w\)"):
        Star().reduce(np.zeros((5, 8, 8), np.float32))
    with pytest.raises(ValueError, match=r"`labels` must have the shape"):
        Star().encode(np.zeros((5, 8, 8), np.int32))
    with pytest.raises(ValueError, match="between 0"):
        Star().encode(np.full((5, 8), -1, np.int32))
    with pytest.raises(TypeError, match="whole numbers, got float64"):
        Star().encode(np.zeros((5, 8)))
