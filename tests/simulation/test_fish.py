"""Tests of simulated FISH fields: every nucleus and every signal is where the truth says, whatever the scene."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from cell_pipelines.simulation.fish import FishField, FishScene, simulate_fish

SCENES = {
    "default": FishScene(),
    "all destroyed": FishScene(destroyed_fraction=1.0, double_dots=1.0),
    "crowded": FishScene(height=200, width=261, cells=200, mean_radius_px=10.0, clumping=0.9),
    "huge": FishScene(height=64, width=48, cells=5, mean_radius_px=40.0, destroyed_fraction=0.5, bit_depth=16),
    "tiny nuclei": FishScene(cells=60, mean_radius_px=3.0, destroyed_fraction=0.5),
    "nothing": FishScene(height=40, width=30, cells=0),
}


@pytest.fixture(params=SCENES, scope="module")
def field(request: pytest.FixtureRequest) -> FishField:
    return simulate_fish(SCENES[request.param], seed=5)


def same(first: FishField, second: FishField) -> bool:
    pairs = [(getattr(first, part.name), getattr(second, part.name)) for part in fields(first)]
    return all(a.equals(b) if isinstance(a, pd.DataFrame) else np.array_equal(a, b) for a, b in pairs)


def test_shapes_and_types_are_as_promised(field: FishField) -> None:
    assert field.image.shape == (*field.labels.shape, 3)
    assert field.labels.dtype == np.int32 and field.whole.dtype == np.bool_
    assert field.spots["nucleus"].dtype == np.int64 and field.spots["is_double"].dtype == np.bool_
    assert len(field.nuclei) == len(field.whole) == field.labels.max(initial=0)


def test_labels_have_no_gap_and_each_is_one_piece(field: FishField) -> None:
    assert np.array_equal(np.unique(field.labels[field.labels > 0]), np.arange(1, len(field.whole) + 1))
    assert all(ndimage.label(field.labels == own)[1] == 1 for own in range(1, len(field.whole) + 1))


def test_every_dot_lies_in_its_nucleus(field: FishField) -> None:
    for end in ("1", "2"):
        dots = field.spots.dropna(subset=[f"row_{end}"])
        rows, columns = (np.rint(dots[f"{axis}_{end}"]).astype(int) for axis in ("row", "column"))
        assert np.array_equal(field.labels[rows, columns], dots["nucleus"])


def test_a_double_dot_is_one_row_with_its_centre(field: FishField) -> None:
    spots = field.spots
    assert np.array_equal(spots["is_double"], spots["row_2"].notna())
    for axis in ("row", "column"):
        centre = spots[[f"{axis}_1", f"{axis}_2"]].mean(axis=1)
        assert np.allclose(spots[axis], centre)


def test_the_table_of_nuclei_counts_the_signals(field: FishField) -> None:
    for nucleus, red, green, pattern in field.nuclei[["nucleus", "red", "green", "pattern"]].itertuples(index=False):
        own = field.spots[field.spots["nucleus"] == nucleus]["channel"]
        assert ((own == "red").sum(), (own == "green").sum()) == (red, green)
        assert pattern == f"{red}:{green}"
    assert (field.nuclei["red"] <= field.nuclei["chromosomes_21"]).all()


def test_the_same_seed_gives_the_same_field_and_another_one_does_not() -> None:
    assert same(simulate_fish(FishScene(), 3), simulate_fish(FishScene(), 3))
    assert not same(simulate_fish(FishScene(), 3), simulate_fish(FishScene(), 4))


@pytest.mark.parametrize("changes", [{"noise": 3.0}, {"background": 0.3}, {"bit_depth": 16}, {"bleed_through": 0.5}])
def test_another_camera_shows_the_same_nuclei_and_signals(changes: dict[str, float]) -> None:
    first, second = simulate_fish(FishScene(), 3), simulate_fish(replace(FishScene(), **changes), 3)  # type: ignore[arg-type]
    assert np.array_equal(first.labels, second.labels) and first.spots.equals(second.spots)
    assert not np.array_equal(first.image, second.image)


def test_spots_shine_in_their_own_channel_and_bleed_into_the_other() -> None:
    scene = FishScene(noise=0.001, background=0.0, bleed_through=0.0, lost_signals=0.0, vignetting=0.0)
    clean, bleeding = simulate_fish(scene, 1), simulate_fish(replace(scene, bleed_through=0.5), 1)
    reds = clean.spots[(clean.spots["channel"] == "red") & ~clean.spots["is_double"]]
    places = tuple(np.rint(reds[["row", "column"]].to_numpy()).astype(int).T)
    assert np.median(clean.image[places][:, 0]) > 100 > 40 > np.median(clean.image[places][:, 1])
    assert np.median(bleeding.image[places][:, 1]) > 60


def test_shares_of_the_states_are_as_asked() -> None:
    scene = FishScene(
        height=900, width=900, cells=600, mean_radius_px=7, monosomic_x=0.2, trisomic_21=0.3, tetraploid=0.1,
        lost_signals=0.0,
    )  # fmt: skip
    nuclei = simulate_fish(scene, 0).nuclei
    assert len(nuclei) > 500
    assert (nuclei["chromosomes_21"] == 3).mean() == pytest.approx(0.3, abs=0.06)
    assert (nuclei["chromosomes_x"] == 1).mean() == pytest.approx(0.2, abs=0.06)
    assert (nuclei["pattern"] == "4:4").mean() == pytest.approx(0.1, abs=0.05)
    assert (nuclei["category"] == "destroyed").mean() == pytest.approx(0.2, abs=0.06)


def test_the_normal_nucleus_has_two_signals_of_each() -> None:
    nothing_rare = dict.fromkeys(
        ("monosomic_21", "trisomic_21", "monosomic_x", "trisomic_x", "tetraploid", "lost_signals"), 0.0
    )
    assert set(simulate_fish(FishScene(**nothing_rare), 0).nuclei["pattern"]) == {"2:2"}  # type: ignore[arg-type]


def test_wrong_settings_are_told() -> None:
    with pytest.raises(ValueError, match=r"`spot_light` must be a number .* `destroyed_fraction`|`destroyed_fraction`"):
        FishScene(spot_light=-1.0, destroyed_fraction=2.0)
    with pytest.raises(ValueError, match="`monosomic_x`, `trisomic_x` and `tetraploid` must sum to 1 or less"):
        FishScene(monosomic_x=0.6, trisomic_x=0.6)
