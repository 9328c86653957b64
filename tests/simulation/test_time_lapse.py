"""Time-lapse with true tracks: the same bytes again, rules of lineages, motion as asked for."""

from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.simulation.time_lapse import TimeLapseScene, simulate_time_lapse

SMALL = TimeLapseScene(frames=8, height=160, width=200, cells=12, division_rate=0.05, speed_px=4.0)


@pytest.mark.parametrize("look", ["brightfield", "nuclei"])
def test_the_same_seed_gives_the_same_bytes_in_any_order(look: str) -> None:
    one, two = (simulate_time_lapse(replace(SMALL, look=look), 5) for _ in range(2))
    frames = list(one.frames())
    for index in (7, 0, 3):
        image, labels = two.frame(index)
        assert (image == frames[index][0]).all() and (labels == frames[index][1]).all()
    assert not (frames[0][0] == frames[1][0]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_lineage_is_what_the_labels_show(seed: int) -> None:
    lapse = simulate_time_lapse(SMALL, seed)
    seen: dict[int, list[int]] = {}
    for frame, (_, labels) in enumerate(lapse.frames()):
        for track in np.unique(labels[labels > 0]).tolist():
            seen.setdefault(track, []).append(frame)
    told = {row.track: list(range(row.begin, row.end + 1)) for row in lapse.lineage.itertuples()}
    assert seen == told
    ends = lapse.lineage.set_index("track")["end"]
    daughters = lapse.lineage[lapse.lineage["parent"] > 0]
    assert (ends.loc[daughters["parent"]].to_numpy() < daughters["begin"].to_numpy()).all()
    assert (daughters.groupby("parent").size() <= 2).all() and len(daughters) > 0


def test_cells_move_and_persist_as_asked() -> None:
    scene = TimeLapseScene(frames=40, height=1200, width=1200, cells=120, speed_px=3.0, persistence=0.7, clumping=0.0)
    motion = simulate_time_lapse(scene, 2).motion.sort_values(["track", "frame"])
    steps = motion.groupby("track")[["row_px", "column_px"]].diff().dropna()
    assert np.sqrt((steps**2).sum(axis=1).mean()) == pytest.approx(3.0, rel=0.04)
    before = steps.groupby(motion.loc[steps.index, "track"]).shift(1)
    both = before.notna().all(axis=1)
    correlation = (steps[both] * before[both]).sum().sum() / (before[both] ** 2).sum().sum()
    assert correlation == pytest.approx(0.7, abs=0.04)


def test_the_truth_of_motion_lies_in_the_labels() -> None:
    lapse = simulate_time_lapse(SMALL, 0)
    _, labels = lapse.frame(4)
    now = lapse.motion[lapse.motion["frame"] == 4]
    inside = now[now["row_px"].between(20, 139) & now["column_px"].between(20, 179)]
    hit = labels[inside["row_px"].round().astype(int), inside["column_px"].round().astype(int)]
    assert np.mean(hit == inside["track"].to_numpy()) > 0.9


def test_a_daughter_has_half_the_area_of_her_mother() -> None:
    lapse = simulate_time_lapse(replace(SMALL, radius_spread=0.0, clumping=0.0), 1)
    daughters = lapse.lineage[(lapse.lineage["parent"] > 0) & lapse.lineage.duplicated("parent", keep=False)]
    motion = lapse.motion.set_index(["track", "frame"])["radius_px"]
    for row in daughters.itertuples():
        mother = motion.loc[(row.parent, row.begin - 1)]
        assert 0.6 < motion.loc[(row.track, row.begin)] / mother < 0.8


def test_no_cells_and_one_frame_are_fine() -> None:
    lapse = simulate_time_lapse(replace(SMALL, cells=0, frames=1), 0)
    image, labels = lapse.frame(0)
    assert len(lapse) == 1 and not labels.any() and image.shape == (160, 200)
    assert lapse.lineage.empty and lapse.motion.empty


def test_wrong_settings_are_told_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"`speed_px`.*`persistence`"):
        TimeLapseScene(speed_px=-1, persistence=1.0)
    with pytest.raises(ValueError, match="`look` must be one of nuclei, brightfield, got 'x'"):
        TimeLapseScene(look="x")  # type: ignore[arg-type]
