"""Splits: no group on two sides, shares as near to those asked as groups allow, each class in every part."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.building import from_boxes
from cell_pipelines.annotations.schema import IMAGE_SCHEMA, AnnotationSet
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.annotations.splitting import (
    LeakError,
    assign_groups,
    check_split,
    join_equal_images,
    split_counts,
    split_images,
)

FRACTIONS = {"train": 0.7, "val": 0.2, "test": 0.1}


def _make(counts: NDArray[np.int64], **columns: list[str | None]) -> AnnotationSet:
    """Return images with `counts` (images, classes) objects, called series_000_0.png and so on by fives."""
    names = [f"series_{i // 5:03d}_{i}.png" for i in range(len(counts))]
    extra = {
        key: columns.get(key, [None] * len(names))
        for key in ("split", "group", "sha256", "pixel_height_um", "pixel_width_um")
    }
    sides = {"width": [9] * len(names), "height": [9] * len(names)}
    images = pa.table({"name": names, **sides, **extra}, schema=IMAGE_SCHEMA)
    flat = np.repeat(np.arange(counts.size), counts.ravel())
    rows, category = np.divmod(flat, counts.shape[1]) if counts.shape[1] else (flat, flat)
    boxes = np.tile([0.0, 0, 1, 1], (len(flat), 1))
    return from_boxes(images, [f"class_{i}" for i in range(counts.shape[1])], rows, boxes, category)


def _random(seed: int, images: int) -> AnnotationSet:
    """Four classes, from 20 to 0.1 an image, uneven from image to image as fields of cells are."""
    rng = np.random.default_rng(seed)
    return _make(rng.poisson(np.array([20, 3, 0.5, 0.1]) * rng.gamma(1, 1, (images, 1)), (images, 4)))


def _splits(annotations: AnnotationSet) -> NDArray[np.object_]:
    return np.array(annotations.images["split"].to_pylist(), dtype=object)


def _deviation(annotations: AnnotationSet, split: NDArray[np.object_]) -> float:
    """Return how far the splits' shares of the classes are from those asked, on average."""
    counts = annotations.counts()
    shares = np.stack([counts[split == s].sum(axis=0) for s in FRACTIONS]) / np.maximum(counts.sum(axis=0), 1)
    return float(np.abs(shares - np.array(list(FRACTIONS.values()))[:, None])[:, counts.sum(axis=0) > 0].mean())


@pytest.mark.parametrize("images", [0, 1, 2, 3, 7, 10, 29, 100])
@pytest.mark.parametrize("pattern", [None, r"series_\d+"])
def test_every_image_is_in_one_split_and_no_group_in_two(images: int, pattern: str | None) -> None:
    for seed in range(3):
        result = split_images(assign_groups(_random(seed, images), pattern), FRACTIONS, seed=seed)
        assert set(_splits(result)) <= set(FRACTIONS)
        check_split(result)
        sides: dict[str, set[str]] = {}
        for group, split in zip(result.images["group"].to_pylist(), _splits(result), strict=True):
            sides.setdefault(group, set()).add(split)
        assert all(len(s) == 1 for s in sides.values())
        if len(sides) >= 3:
            assert set(_splits(result)) == set(FRACTIONS)


@pytest.mark.parametrize(
    ("images", "pattern", "slack"), [(100, None, 0.02), (364, None, 0.02), (200, r"series_\d+", 0.06)]
)
def test_the_fractions_are_reached_as_far_as_groups_allow(images: int, pattern: str | None, slack: float) -> None:
    for seed in range(3):
        result = _splits(split_images(assign_groups(_random(seed, images), pattern), FRACTIONS, seed=seed))
        for split, fraction in FRACTIONS.items():
            assert (result == split).mean() == pytest.approx(fraction, abs=slack)


@pytest.mark.parametrize(("images", "pattern"), [(100, None), (364, None), (150, r"series_\d+")])
def test_class_shares_are_nearer_to_those_asked_than_by_chance(images: int, pattern: str | None) -> None:
    ours, at_random = [], []
    for seed in range(6):
        annotations = assign_groups(_random(seed, images), pattern)
        ours.append(_deviation(annotations, _splits(split_images(annotations, FRACTIONS, seed=seed))))
        names, group = np.unique(annotations.images["group"].to_pylist(), return_inverse=True)
        rng = np.random.default_rng(seed)
        for _ in range(20):
            sizes = np.diff(np.round(np.cumsum([0, *FRACTIONS.values()]) * len(names)).astype(int))
            at_random.append(_deviation(annotations, rng.permutation(np.repeat(list(FRACTIONS), sizes))[group]))
    assert np.mean(ours) < 0.75 * np.mean(at_random)


def test_a_rare_class_is_in_every_split_where_groups_allow() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        counts = np.stack([rng.poisson(20, 60), np.zeros(60, int)], axis=1)
        counts[rng.choice(60, 3, replace=False), 1] = 1
        result = split_images(assign_groups(_make(counts), None), FRACTIONS, seed=seed)
        assert {row["split"]: row["class_1"] for row in split_counts(result)} == {"train": 1, "val": 1, "test": 1}


def test_images_without_any_object_are_dealt_out_too() -> None:
    result = _splits(split_images(assign_groups(_make(np.zeros((50, 2), int)), None), FRACTIONS, seed=0))
    assert {s: (result == s).sum() for s in FRACTIONS} == {"train": 35, "val": 10, "test": 5}
    assert len(_splits(split_images(assign_groups(_make(np.zeros((9, 0), int)), None), FRACTIONS, seed=0))) == 9


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    annotations = assign_groups(_random(0, 60), None)
    splits = [_splits(split_images(annotations, FRACTIONS, seed=seed)).tolist() for seed in (1, 1, 2)]
    assert splits[0] == splits[1] != splits[2]
    assert annotations.images["split"].null_count == 60


def test_a_fraction_of_zero_leaves_its_split_empty() -> None:
    result = _splits(split_images(assign_groups(_random(0, 40), None), {"train": 0.8, "val": 0.2, "test": 0}, seed=0))
    assert set(result) == {"train", "val"}


@pytest.mark.parametrize(
    "fractions",
    [{"train": 0.7, "val": 0.2}, {"train": 1.2, "val": -0.2}, {"train": 0.5, "dev": 0.5}, {}, {"train": float("nan")}],
)
def test_fractions_that_make_no_whole_are_refused(fractions: Mapping[str, float]) -> None:
    with pytest.raises(ValueError, match="`fractions` of train, val, test must be 0 or more and add up to 1"):
        split_images(assign_groups(_random(0, 5), None), fractions, seed=0)


def test_images_of_equal_pixels_join_their_groups() -> None:
    hashes: list[str | None] = [None, "x", "y", "x", "z", None, "y", "z", "q", None]
    annotations = assign_groups(_make(np.ones((10, 1), int), sha256=hashes, group=[*"aabbccddef"]), None)
    group = join_equal_images(annotations)
    assert len(set(group[[0, 1, 2, 3, 6, 7, 4, 5]])) == 1  # a and b by x, a and d by y, c and d by z
    assert len({group[0], group[8], group[9]}) == 3
    for seed in range(10):
        result = _splits(split_images(annotations, FRACTIONS, seed=seed))
        assert len(set(result[:8])) == 1


def test_the_sources_own_split_is_honoured_and_the_rest_dealt_out() -> None:
    given: list[str | None] = ["test", None, None, None, None, None, "val", None, None, None] + [None] * 40
    annotations = assign_groups(_make(np.ones((50, 1), int), split=given), r"series_\d+")
    result = _splits(split_images(annotations, FRACTIONS, seed=0))
    assert set(result[:5]) == {"test"}
    assert set(result[5:10]) == {"val"}
    assert set(result) == set(FRACTIONS)
    own = split_images(annotations, FRACTIONS, seed=0, keep_source=False)
    assert (_splits(own) == "train").mean() == pytest.approx(0.7, abs=0.11)


def test_a_whole_split_of_the_source_is_left_as_it_is() -> None:
    given: list[str | None] = [*["train"] * 5, *["val"] * 5]
    result = split_images(assign_groups(_make(np.ones((10, 1), int), split=given), None), FRACTIONS, seed=0)
    assert _splits(result).tolist() == given


def test_a_source_that_tears_a_group_apart_is_refused_with_the_images() -> None:
    given: list[str | None] = ["train", "val", *["train"] * 8]
    annotations = assign_groups(_make(np.ones((10, 1), int), split=given), r"series_\d+")
    with pytest.raises(LeakError, match=r"series_000_0\.png \(train\) and series_000_1\.png \(val\)"):
        split_images(annotations, FRACTIONS, seed=0)
    check_split(split_images(annotations, FRACTIONS, seed=0, keep_source=False))


def test_equal_images_on_two_sides_of_the_source_are_refused() -> None:
    given: list[str | None] = ["train", "test"]
    annotations = _make(np.ones((2, 1), int), split=given, sha256=["x", "x"])
    with pytest.raises(LeakError, match="or are equal"):
        split_images(assign_groups(annotations, None), FRACTIONS, seed=0)
    with pytest.raises(LeakError, match="in 1 groups"):
        check_split(annotations)
    check_split(select_images(annotations, [0]))
    check_split(AnnotationSet.empty())


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [(r"series_\d+", ["series_000", "series_001"]), (r"_(?P<group>\d+)_", ["000", "001"]), (None, None)],
)
def test_a_pattern_names_the_groups(pattern: str | None, groups: list[str] | None) -> None:
    annotations = assign_groups(_make(np.ones((10, 1), int)), pattern)
    found = annotations.images["group"].to_pylist()
    assert found == (annotations.names if groups is None else [g for g in groups for _ in range(5)])


def test_a_group_of_the_source_is_kept() -> None:
    given: list[str | None] = ["well A", None]
    annotations = assign_groups(_make(np.ones((2, 1), int), group=given), r"series_\d+")
    assert annotations.images["group"].to_pylist() == ["well A", "series_000"]


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        (
            r"well_\d+",
            r"`group_pattern` 'well_\\\\d\+' must match every image name; it does not match 'series_000_0\.png'",
        ),
        (r"x*", "must match every image name"),
        (r"series(?P<group>x)?", "must match every image name"),
        (r"series_(", "must be a regular expression"),
    ],
)
def test_a_pattern_that_does_not_tell_groups_is_refused(pattern: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        assign_groups(_make(np.ones((3, 1), int)), pattern)


def test_the_numbers_of_each_split_add_up() -> None:
    result = split_images(assign_groups(_random(3, 80), r"series_\d+"), FRACTIONS, seed=0)
    rows = split_counts(result)
    assert [row["split"] for row in rows] == ["train", "val", "test"]
    assert sum(int(row["images"]) for row in rows) == 80
    assert sum(int(row["groups"]) for row in rows) == 16
    for category, total in zip(result.categories, result.counts().sum(axis=0), strict=True):
        assert sum(int(row[category]) for row in rows) == total
    assert split_counts(AnnotationSet.empty()) == []
