"""Proposed cells are the cells that are there, whatever the image's type, range, and way of showing them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.analysis.annotating.pre_annotation import PreAnnotationOptions, pre_annotate
from cell_pipelines.analysis.annotating.thresholding import subtract_background, threshold_image
from cell_pipelines.simulation.live_dead import LiveDeadScene, simulate_live_dead

APART = LiveDeadScene(cells=20, clumping=0.0, debris=0.0, unevenness=0.2, vignetting=0.1, bit_depth=16)


def discs(*centres: tuple[int, int, int], shape: tuple[int, int] = (60, 80)) -> NDArray[np.bool_]:
    rows, columns = np.indices(shape)
    mask = np.zeros(shape, dtype=bool)
    for row, column, radius in centres:
        mask |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return mask


def lit(mask: NDArray[np.bool_], low: float = 200, high: float = 3000) -> NDArray[np.uint16]:
    return np.where(mask, high, low).astype(np.uint16)


def true_positives(truth: NDArray[np.integer], labels: NDArray[np.int32]) -> int:
    """Cells found at IoU above 0.5, which makes a match the only one."""
    shape = int(truth.max()) + 1, int(labels.max()) + 1
    shared = np.bincount((truth.astype(np.int64) * shape[1] + labels).ravel(), minlength=shape[0] * shape[1]).reshape(
        shape
    )
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return int((shared / np.maximum(union, 1) > 0.5)[1:, 1:].sum())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", ["otsu", "li", "local"])
def test_cells_that_lie_apart_are_counted_to_within_the_faintest(seed: int, threshold: str) -> None:
    field = simulate_live_dead(APART, seed)
    options = PreAnnotationOptions(threshold=threshold, min_area_px=100, local_px=25, threshold_scale=0.7)
    labels = pre_annotate(field.blue, options)
    assert abs(labels.max() - len(field.blue_boxes)) <= 2
    assert true_positives(field.blue_labels, labels) >= len(field.blue_boxes) - 3


TWO = discs((30, 30, 12), (30, 50, 12))


@pytest.mark.parametrize(
    ("split", "px", "count"),
    [("none", 1, 1), ("min_distance", 8, 2), ("h_maxima", 0.75, 2), ("h_maxima", 9, 1), ("min_distance", 30, 1)],
)
def test_two_touching_cells_are_cut_apart_or_not_as_asked(split: str, px: float, count: int) -> None:
    labels = pre_annotate(lit(TWO), PreAnnotationOptions(split=split, split_px=px))
    assert labels.max() == count
    assert labels.dtype == np.int32
    if count == 2:
        areas = np.bincount(labels.ravel())[1:]
        assert abs(int(areas[0]) - int(areas[1])) < 0.1 * areas.sum()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float32, np.float64, np.bool_])
def test_the_type_of_the_image_does_not_matter(kind: type) -> None:
    image = TWO.astype(kind) if kind is np.bool_ else np.where(TWO, 200, 20).astype(kind)
    options = PreAnnotationOptions(denoise="none")
    assert np.array_equal(pre_annotate(image, options), pre_annotate(lit(TWO), options))


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["otsu", "triangle", "li", "local"]),
    st.sampled_from(["none", "top_hat", "rolling_ball"]),
    st.sampled_from([0.001, 3.0, 700.0]),
    st.sampled_from([-5.0, 0.0, 1000.0]),
)
def test_unit_and_offset_of_the_grey_levels_do_not_matter(
    threshold: str, background: str, unit: float, offset: float
) -> None:
    noisy = np.random.default_rng(0).normal(lit(TWO, 2, 30), 2).astype(np.float32)
    options = PreAnnotationOptions(
        threshold=threshold, background=background, background_px=20, min_area_px=0, split="none"
    )
    plain, changed = (pre_annotate(image, options) > 0 for image in (noisy, noisy * unit + unit * offset))
    assert (plain != changed).mean() < 0.01


def test_dark_cells_are_bright_ones_turned_over() -> None:
    image = simulate_live_dead(APART, 1).blue
    turned = (np.iinfo(np.uint16).max - image).astype(np.uint16)
    options, dark = (PreAnnotationOptions(foreground=kind) for kind in ("bright", "dark"))
    labels = pre_annotate(turned, dark)
    assert labels.max() > 0
    assert ((labels > 0) != (pre_annotate(image, options) > 0)).mean() < 0.001


def test_colour_images_are_seen_by_the_mean_or_by_one_channel() -> None:
    empty = np.zeros_like(TWO)
    image = np.stack([lit(TWO), lit(empty), lit(discs((10, 10, 5)))], axis=2)
    assert pre_annotate(image, PreAnnotationOptions(channel=0)).max() == 2
    assert pre_annotate(image, PreAnnotationOptions(channel=1)).max() == 0
    assert pre_annotate(image, PreAnnotationOptions(channel=2)).max() == 1
    assert pre_annotate(image, PreAnnotationOptions()).max() == 3
    with pytest.raises(ValueError, match="`channel` must be below the 3 channels"):
        pre_annotate(image, PreAnnotationOptions(channel=3))


def test_numbers_that_are_none_are_background() -> None:
    image = lit(TWO).astype(np.float32)
    image[:4], image[4, 0], image[5, 0] = np.nan, np.inf, -np.inf
    assert pre_annotate(image, PreAnnotationOptions()).max() == 2
    assert pre_annotate(np.full((9, 9), np.nan), PreAnnotationOptions()).max() == 0


@pytest.mark.parametrize("threshold", ["otsu", "triangle", "li", "local"])
@pytest.mark.parametrize("background", ["none", "top_hat", "rolling_ball"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (1, 7), (40, 30)])
def test_an_image_of_one_grey_level_has_no_cells(threshold: str, background: str, shape: tuple[int, int]) -> None:
    options = PreAnnotationOptions(threshold=threshold, background=background)
    labels = pre_annotate(np.full(shape, 7, np.uint16), options)
    assert labels.shape == shape
    assert not labels.any()


def test_uneven_light_is_taken_away() -> None:
    cells = discs(*((15 + 30 * i, 15 + 30 * j, 7) for i in range(4) for j in range(6)), shape=(120, 180))
    image = lit(cells, 0, 500) + np.linspace(0, 3000, 180)[None].astype(np.uint16)
    assert pre_annotate(image, PreAnnotationOptions()).max() < 20
    for background in ("top_hat", "rolling_ball"):
        labels = pre_annotate(image, PreAnnotationOptions(background=background, background_px=15))
        assert true_positives(ndimage.label(cells)[0], labels) == 24
    local = PreAnnotationOptions(threshold="local", local_px=12)
    assert true_positives(ndimage.label(cells)[0], pre_annotate(image, local)) == 24


@pytest.mark.parametrize("radius", [5, 20, 80, 200])
def test_a_ball_lies_below_the_image_and_leaves_what_is_wider_than_itself(radius: float) -> None:
    noisy = np.random.default_rng(1).normal(lit(TWO, 100, 900), 3).astype(np.float32)
    left = subtract_background(noisy, "rolling_ball", radius)
    assert (left >= 0).all()
    if radius >= 20:
        assert left[TWO].mean() > 0.6 * 800
    assert left[~TWO].mean() < 60


def test_holes_are_filled_up_to_an_area() -> None:
    ring = discs((30, 40, 15)) & ~discs((30, 40, 5))
    hole = int(discs((30, 40, 5)).sum())
    sizes = {limit: int((pre_annotate(lit(ring), PreAnnotationOptions(denoise="none", max_hole_px=limit)) > 0).sum())
             for limit in (0, hole - 1, hole, np.inf)}  # fmt: skip
    assert sizes == {0: ring.sum(), hole - 1: ring.sum(), hole: ring.sum() + hole, np.inf: ring.sum() + hole}


def test_cells_of_the_wrong_size_or_at_the_border_are_left_out() -> None:
    image = lit(discs((20, 20, 4), (20, 50, 8), (45, 30, 11), (30, 79, 8)))
    areas = {r: int(discs((30, 40, r)).sum()) for r in (4, 8, 11)}

    def found(**options: float) -> list[int]:
        labels = pre_annotate(image, PreAnnotationOptions(denoise="none", **options))
        return sorted(np.bincount(labels.ravel())[1:].tolist())

    everything = found()
    assert set(areas.values()) < set(everything)
    assert len(everything) == 4
    assert areas[4] not in found(min_area_px=areas[4] + 1)
    assert areas[4] in found(min_area_px=areas[4])
    assert areas[11] not in found(max_area_px=areas[11] - 1)
    assert found(clear_border=True) == sorted(areas.values())


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 40)), st.data())
def test_cells_are_numbered_without_a_gap_and_each_is_one_piece(image: NDArray[np.uint8], data: st.DataObject) -> None:
    split = data.draw(st.sampled_from(["none", "min_distance", "h_maxima"]))
    labels = pre_annotate(image, PreAnnotationOptions(split=split, min_area_px=3, denoise="none"))
    numbers, first = np.unique(labels[labels > 0], return_index=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(first) > 0).all()
    for number in numbers:
        assert ndimage.label(labels == number)[1] == 1
        assert (labels == number).sum() >= 3


def test_sixteen_bits_are_distinguished_to_the_last() -> None:
    image = np.full((30, 30), 40_000, np.uint16)
    image[10:20, 10:20] = 40_003
    image[0, 0] = 40_001
    labels = pre_annotate(image, PreAnnotationOptions(denoise="none", split="none"))
    assert np.bincount(labels.ravel()).tolist() == [800, 100]
    image[0, 1] = 0
    assert threshold_image(image.astype(np.float32), "otsu", local=(1, 0)).sum() == 899


def test_the_image_is_not_changed() -> None:
    image = lit(TWO).astype(np.float32)
    image[0, 0] = np.nan
    before = image.copy()
    for background in ("none", "top_hat", "rolling_ball"):
        pre_annotate(image, PreAnnotationOptions(foreground="dark", background=background))
    assert np.array_equal(image, before, equal_nan=True)


def test_wrong_options_are_all_named_at_once() -> None:
    with pytest.raises(
        ValueError, match=r"`threshold` must be one of otsu, triangle, li, local, got 'otso'.*`split_px`"
    ):
        PreAnnotationOptions(threshold="otso", split_px=0)
    for wrong in (
        {"min_area_px": 9, "max_area_px": 5},
        {"channel": -1},
        {"denoise_px": np.nan},
        {"denoise_px": np.inf},
        {"local_px": np.inf},
    ):
        with pytest.raises(ValueError, match="must"):
            PreAnnotationOptions(**wrong)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 2, 2, 2\)"):
        pre_annotate(np.zeros((2, 2, 2, 2)), PreAnnotationOptions())
