import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.analysis.active_learning.density import density, density_range
from cell_pipelines.analysis.active_learning.features import FEATURES, image_features, similarities
from cell_pipelines.analysis.active_learning.next_images import rank_images
from cell_pipelines.analysis.active_learning.ranking import PARTS, diverse_order, expected_gain, relative_ranks

EQUAL = dict.fromkeys(PARTS, 1.0)
TRAINING = density_range([100.0, 200.0, 300.0])


def measured(count, **columns):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(count)], "height": 1000, "width": 1000, "error": ""})
    for name in ("disagreement", "count_spread", "uncertainty_unet", "uncertainty_yolo", *FEATURES):
        table[name] = rng.uniform(size=count)
    table["cells"], table["cells_unet"], table["cells_yolo"], table["series"] = 150.0, 149, 151, None
    return table.assign(**columns)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_ranks_are_those_of_any_rising_scale(values):
    values = np.round(values, 3)
    assert np.allclose(relative_ranks(values), relative_ranks(np.exp(values)))
    assert relative_ranks(values).mean() == pytest.approx(0.5)


def test_gain_is_the_mean_rank_and_unknown_parts_do_not_count():
    parts = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in PARTS})
    assert np.allclose(expected_gain(parts, EQUAL), [1 / 6, 3 / 6, 5 / 6])
    assert np.allclose(expected_gain(parts.assign(disagreement=np.nan), EQUAL), [1 / 6, 3 / 6, 5 / 6])
    assert np.isnan(expected_gain(parts.assign(**dict.fromkeys(PARTS, np.nan)), EQUAL)).all()


def test_a_part_of_no_weight_changes_nothing():
    parts = pd.DataFrame({name: [1.0, 2.0] for name in PARTS}).assign(novelty=[9.0, 0.0])
    assert np.allclose(expected_gain(parts, {**EQUAL, "novelty": 0.0}), [0.25, 0.75])


@pytest.mark.parametrize("weights", [{"novelty": -1.0}, {"beauty": 1.0}, dict.fromkeys(PARTS, 0.0)])
def test_weights_that_make_no_mean_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        expected_gain(pd.DataFrame({name: [1.0] for name in PARTS}), weights)


def test_without_diversity_images_are_ordered_by_gain_and_nan_comes_last():
    gain = np.array([0.2, np.nan, 0.9, 0.5])
    assert diverse_order(gain, np.ones((4, 4)), diversity=0).tolist() == [2, 3, 0, 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.floats(0, 1), st.integers(0, 99))
def test_every_image_is_ranked_once(count, diversity, seed):
    rng = np.random.default_rng(seed)
    alike = similarities(rng.uniform(size=(count, 3)), [None] * count)
    order = diverse_order(rng.uniform(size=count), alike, diversity=diversity)
    assert sorted(order.tolist()) == list(range(count))


def test_copies_of_one_field_wait_until_other_fields_are_chosen():
    looks = np.repeat(np.arange(4.0), 5)[:, np.newaxis] + np.random.default_rng(0).normal(0, 0.01, (20, 1))
    gain = np.repeat([0.9, 0.8, 0.7, 0.6], 5)
    order = diverse_order(gain, similarities(looks, [None] * 20), diversity=0.5)
    assert sorted(np.array(order[:4]) // 5) == [0, 1, 2, 3]
    assert sorted(np.argsort(-gain, kind="stable")[:4] // 5) == [0, 0, 0, 0]


def test_with_equal_gains_the_choice_is_the_greedy_k_centre():
    rng = np.random.default_rng(1)
    looks = rng.normal(size=(15, 2))
    order = diverse_order(np.ones(15), similarities(looks, [None] * 15), diversity=1.0)
    scaled = (looks - np.median(looks, axis=0)) / looks.std(axis=0)
    distances = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    chosen = [0]
    while len(chosen) < 15:
        chosen.append(int(np.argmax(distances[:, chosen].min(axis=1))))
    assert order.tolist() == chosen


def test_images_of_one_series_count_as_alike():
    looks = np.arange(3.0)[:, np.newaxis] * 10
    alike = similarities(looks, ["s1", "s1", None], same_series=0.9)
    assert alike[0, 1] == 0.9
    assert alike[1, 2] < 0.5
    assert similarities(np.zeros((0, 3)), []).shape == (0, 0)


def test_features_do_not_depend_on_depth_or_on_grey_being_stored_as_colour():
    image = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)
    expected = image_features(image)
    assert expected.shape == (len(FEATURES),)
    assert np.allclose(image_features(np.repeat(image[..., None], 3, axis=2)), expected)
    assert np.allclose(image_features(image.astype(np.uint16) * 257), expected)


def test_density_inside_the_training_range_is_not_new_and_far_outside_is():
    assert TRAINING.novelty([110.0, 290.0]).tolist() == [0, 0]
    few, more, many = TRAINING.novelty([0.0, 400.0, 4000.0])
    assert 0 < more < many
    assert few > 0
    assert np.isnan(density_range([]).novelty([3.0])).all()
    assert density([5], [1000], [500]).tolist() == [10.0]


def test_images_are_ranked_with_reasons_and_broken_ones_come_last():
    table = measured(6)
    table.loc[2, ["disagreement", "count_spread", "cells_yolo"]] = [5.0, 5.0, 300]
    table.loc[4, "error"] = "4.png: no image."
    ranked = rank_images(table, TRAINING, weights=EQUAL, diversity=0.0)
    assert ranked["rank"].tolist()[:5] == [1, 2, 3, 4, 5]
    assert ranked["image"].iloc[-1] == "4.png"
    assert pd.isna(ranked["rank"].iloc[-1])
    reason = ranked.set_index("image").loc["2.png", "reason"]
    assert "not agreed upon" in reason
    assert "unet 149, yolo 300" in reason
    assert (ranked["gain"].dropna().diff().dropna() <= 0).all()


def test_a_model_that_is_never_sure_does_not_outweigh_the_others():
    table = measured(2, uncertainty_unet=[0.01, 0.03], uncertainty_yolo=[0.6, 0.6])
    assert rank_images(table, TRAINING, weights=EQUAL)["uncertainty"].sort_values().tolist() == pytest.approx(
        [0.75, 1.25]
    )


@pytest.mark.parametrize("nothing", [0.0, float("nan")])
def test_a_model_that_finds_nothing_leaves_the_uncertainty_of_the_mean_image_at_one(nothing):
    table = measured(4, uncertainty_unet=[0.1, 0.2, 0.3, 0.6], uncertainty_yolo=nothing)
    ranked = rank_images(table, TRAINING, weights=EQUAL)
    assert ranked["uncertainty"].mean() == pytest.approx(1)
    assert rank_images(measured(4, uncertainty_unet=nothing, uncertainty_yolo=nothing), TRAINING, weights=EQUAL)[
        "uncertainty"
    ].isna().all()  # fmt: skip


def test_a_crowded_image_is_named_as_such():
    ranked = rank_images(measured(4, cells=[150.0, 150.0, 150.0, 9000.0]), TRAINING, weights=EQUAL)
    assert (
        "9000 cells per megapixel, more than in training (110 to 290)"
        in ranked.set_index("image").loc["3.png", "reason"]
    )


def test_no_images_give_an_empty_ranking():
    ranked = rank_images(measured(3).iloc[:0], TRAINING, weights=EQUAL)
    assert len(ranked) == 0
    assert {"rank", "image", "gain", "reason", *PARTS} <= set(ranked.columns)
