"""Spots are found where they are, and belong to the nucleus that they lie in."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.analysis.fish.finding import PAPER, SpotOptions, find_image_spots
from cell_pipelines.analysis.fish.scoring import score_spots
from cell_pipelines.analysis.fish.spot_tables import BLEED_THROUGH, OUTSIDE, SPOT_TYPES, Candidates, assign_spots
from cell_pipelines.analysis.fish.spots import find_spots_adaptive, find_spots_fixed, flag_bleed_through
from cell_pipelines.simulation.fish import FishScene, simulate_fish

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
FINDERS = (find_spots_fixed, find_spots_adaptive)


def picture(*spots: tuple[float, float, float], level: float = 20.0, noise: float = 1.0, size: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    light = level + np.random.default_rng(0).normal(0, noise, (size, size))
    for row, column, height in spots:
        light += height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 1.6**2))
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def disc(size: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return ((rows - 30) ** 2 + (columns - 30) ** 2 <= 20**2).astype(np.int32) * 7


def nearest_rim(labels: np.ndarray, place: tuple[float, float], own: int) -> float:
    """The same in plain words: a rim pixel has a neighbour in the image that is not of the nucleus."""
    height, width = labels.shape
    best = np.inf
    for r, c in product(range(height), range(width)):
        beside = [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
        inside = [(a, b) for a, b in beside if 0 <= a < height and 0 <= b < width]
        if labels[r, c] == own and any(labels[p] != own for p in inside):
            best = min(best, float(np.hypot(r - place[0], c - place[1])))
    return best


@pytest.mark.parametrize("border_px", [0.0, 1.0, 1.5, None])
@pytest.mark.parametrize("layout", ["touching", "whole image", "hole", "none"])
def test_every_place_of_a_small_image_gets_the_right_nucleus_and_distance(layout: str, border_px: float | None) -> None:
    labels = np.zeros((7, 9), dtype=np.int32)
    if layout == "touching":
        labels[1:6, 1:5], labels[2:7, 5:9] = 2, 5
    elif layout != "none":
        labels[:] = 3
        labels[3, 4] = 0 if layout == "hole" else 3
    places = np.array(list(product(np.arange(0, 7, 0.5), np.arange(0, 9, 0.75))))
    nothing = np.zeros(len(places))
    table = assign_spots(Candidates(places, nothing, nothing, nothing), labels, border_px=border_px)
    for place, row in zip(places, table.itertuples(), strict=True):
        own = labels[tuple(np.clip(np.rint(place).astype(int), 0, (6, 8)))] if np.rint(place[1]) < 9 else 0
        assert row.nucleus == own
        expected = nearest_rim(labels, tuple(place), int(own)) if own else np.nan
        assert row.distance_to_border_px == pytest.approx(expected, nan_ok=True)
        assert row.kept == (own > 0 and (border_px is None or expected > border_px))
        assert row.kept == (row.reason == "") and (row.reason == OUTSIDE) == (own == 0)


@pytest.mark.parametrize("find", FINDERS)
def test_spots_lie_where_they_were_drawn(find) -> None:
    drawn = [(25.3, 22.6, 170.0), (36.8, 38.1, 150.0)]
    table = find(picture(*drawn), disc())
    assert table["kept"].all() and (table["nucleus"] == 7).all()
    found = table.sort_values("row")[["row", "column"]].to_numpy()
    assert np.abs(found - np.array(drawn)[:, :2]).max() < (0.6 if find is find_spots_fixed else 0.15)
    assert list(table.columns) == list(SPOT_TYPES)


@pytest.mark.parametrize("find", FINDERS)
def test_what_is_left_out_stays_with_its_reason(find) -> None:
    table = find(picture((30, 30, 170), (30, 50, 170), (5, 5, 170)), disc(), border_px=1.0).sort_values("column")
    assert table["reason"].tolist() == [OUTSIDE, "", "within 1 px of the border"]
    assert table["kept"].tolist() == [False, True, False]


@pytest.mark.parametrize("find", FINDERS)
@pytest.mark.parametrize(("image", "labels"), [(picture(noise=0.0), disc()), (picture(), disc() * 0)])
def test_no_spots_and_no_nuclei_are_no_error(find, image: np.ndarray, labels: np.ndarray) -> None:
    table = find(image, labels)
    assert table.empty and table.dtypes.astype(str).to_dict() == SPOT_TYPES


@pytest.mark.parametrize("find", FINDERS)
def test_an_image_that_does_not_fit_is_told(find) -> None:
    with pytest.raises(ValueError, match=r"`labels` must have the channel's height and width"):
        find(picture(), disc(61))
    with pytest.raises(ValueError, match=r"`channel` must have the shape \(H, W\)"):
        find(np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5), np.int32))


def test_the_fixed_finder_is_the_published_chain_of_opencv() -> None:
    import cv2

    image, labels = picture((25, 22, 170), (40, 31, 130), (31, 41, 60), noise=6.0), disc()
    sharp = np.clip(
        2.0 * image - cv2.GaussianBlur(image.astype(float), (0, 0), 1.0, borderType=cv2.BORDER_REFLECT), 0, 255
    )
    binary = (sharp > 80).astype(np.uint8)
    gradient = cv2.morphologyEx(binary, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    count, _, stats, centres = cv2.connectedComponentsWithStats(gradient, connectivity=8)
    table = find_spots_fixed(image, labels)
    assert len(table) == count - 1 >= 2
    assert np.allclose(table[["column", "row"]], centres[1:])
    assert table["area_px"].tolist() == stats[1:, cv2.CC_STAT_AREA].tolist()


def test_deeper_images_give_the_same_spots() -> None:
    image = picture((25, 22, 170), (40, 31, 130))
    deep = image.astype(np.uint16) * 257
    for find in FINDERS:
        first, second = find(image, disc()), find(deep, disc())
        assert np.allclose(first[["row", "column"]], second[["row", "column"]])


def test_the_adaptive_finder_needs_no_other_threshold_where_it_is_bright_or_dim() -> None:
    for level, height in ((5, 25.0), (60, 25.0), (150, 90.0)):
        table = find_spots_adaptive(picture((25, 22, height), level=level), disc())
        assert len(table) == 1 and table["contrast"].iloc[0] > 8


def test_noise_alone_is_no_spot() -> None:
    noisy = np.random.default_rng(1).normal(100, 12, (400, 400)).clip(0, 255).astype(np.uint8)
    assert find_spots_adaptive(noisy, np.ones((400, 400), np.int32), prominence=6.0).empty


def test_spots_of_very_different_sizes_are_each_one_spot_at_their_place() -> None:
    rows, columns = np.mgrid[:120, :120]
    light = np.random.default_rng(2).normal(100, 6, (120, 120))
    drawn = {(30.3, 30.6): 1.0, (60.2, 80.7): 1.6, (90.4, 40.1): 2.6}
    for (row, column), sigma in drawn.items():
        light += 240 / sigma**2 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))
    image, everywhere = np.rint(light).astype(np.uint16), np.ones((120, 120), np.int32)
    found = find_spots_adaptive(image, everywhere)[["row", "column"]].to_numpy()
    assert np.abs(found - np.array(list(drawn))).max() < 0.5
    alone = find_spots_adaptive(image, everywhere, sigma_px=2.3)["area_px"]
    assert len(alone) == 3 and find_spots_adaptive(image, everywhere)["area_px"].is_monotonic_increasing


def test_many_spots_in_a_nucleus_hide_none_of_them() -> None:
    places = [(row, column, 40.0) for row in range(16, 48, 10) for column in range(16, 48, 10)]
    assert len(find_spots_adaptive(picture(*places, noise=2.0), disc())) == len(places)


def test_bright_grainy_places_raise_no_spots_and_dim_ones_beside_keep_theirs() -> None:
    rng = np.random.default_rng(3)
    light = np.where(np.arange(200) < 100, 50.0, 4000.0) * np.ones((200, 1))
    image = rng.poisson(light).astype(np.uint16)
    image[60:63, 30:33] += np.array([[20, 40, 20], [40, 80, 40], [20, 40, 20]], np.uint16)
    found = find_spots_adaptive(image, np.ones((200, 200), np.int32))
    inner = found[(found["column"] - 99.5).abs() > 8]  # the step between the halves is none of theirs
    assert inner[["row", "column"]].round().to_numpy().tolist() == [[61, 31]]


def test_a_spot_on_the_rim_stays_in_its_nucleus_however_dark_it_is_outside() -> None:
    image = picture((30, 48, 40), level=60.0, noise=6.0)
    image[disc() == 0] = np.minimum(image[disc() == 0], 60)
    assert (find_spots_adaptive(image, disc()).query("kept")["column"] - 48).abs().max() < 0.6


def test_a_flat_top_is_one_spot() -> None:
    image = np.full((60, 60), 10, np.uint8)
    image[28:32, 28:32] = 255
    assert len(find_spots_adaptive(image, disc())) == 1


def test_bleed_through_is_left_out_and_true_neighbours_stay() -> None:
    own, other = picture((25, 25, 16), (36, 36, 150), noise=0.5), picture((25, 25, 160), (36, 36, 120), noise=0.5)
    found = find_spots_adaptive(own, disc())
    flagged = flag_bleed_through(found, own, other).sort_values("row")
    assert found["kept"].all() and flagged["reason"].tolist() == [BLEED_THROUGH, ""]
    assert flag_bleed_through(found.iloc[:0], own, other).empty


def test_a_missing_channel_is_told_and_one_alone_is_looked_at() -> None:
    image = np.stack([picture((30, 30, 170))] * 2, axis=-1)
    assert set(find_image_spots(image, disc(), channels={"red": 0}).signals["channel"]) == {"red"}
    with pytest.raises(ValueError, match="channel number 2 for green, got"):
        find_image_spots(image, disc(), channels={"green": 2})
    with pytest.raises(ValueError, match="`method` must be one of fixed, adaptive"):
        SpotOptions(method="other")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`sigma_px` must be one or more sizes of spots, got none"):
        find_spots_adaptive(image[..., 0], disc(), sigma_px=())


@pytest.mark.parametrize(("options", "least"), [(PAPER, 0.9), (SpotOptions(), 0.98)])
def test_simulated_signals_are_found(options: SpotOptions, least: float) -> None:
    counts = np.zeros(3, dtype=int)
    for seed in range(3):
        field = simulate_fish(FishScene(), seed)
        signals = find_image_spots(field.image, field.labels, options).signals
        counts += score_spots(field.spots, signals, max_distance_px=4.0)[["tp", "fp", "fn"]].sum().to_numpy()
    tp, fp, fn = counts
    assert tp / (tp + fp) > 0.97 and tp / (tp + fn) > least


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
@pytest.mark.parametrize(("name", "low", "high"), [("img_hybiss_2d", 100, 400), ("img_terra_2d", 300, 1500)])
def test_real_spots_are_found(name: str, low: int, high: int) -> None:
    from cell_pipelines.imaging.reading import read_image

    image = read_image(DATA / "fish_spots_images" / f"{name}.tif")
    everywhere = np.ones(image.shape, dtype=np.int32)
    table = find_spots_adaptive(image, everywhere)
    assert low < len(table) < high and table["kept"].all()
    assert find_spots_fixed(image, everywhere).empty, "80 of 8 bits is above all of these dim 16-bit images"
