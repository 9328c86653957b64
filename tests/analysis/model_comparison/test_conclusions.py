"""A winner is only named where the images tell it apart from every other model."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.model_comparison import ComparisonSettings, compare_models, least_units
from cell_pipelines.analysis.model_comparison.signed_ranks import signed_rank_tests

Make = Callable[..., pd.DataFrame]
Draw = Callable[..., dict[str, pd.DataFrame]]
ONE = ComparisonSettings(metrics=("f1",))


def said(tables: dict[str, pd.DataFrame], settings: ComparisonSettings = ONE) -> str:
    return next(iter(compare_models(tables, settings).conclusions.values()))


def test_a_clear_winner_is_named_with_its_lead(drawn: Draw) -> None:
    sentence = said(drawn(60, models=3, better=1.5))
    assert sentence.startswith("F1 of boxes: m2 is best, 0.")
    assert "over 60 images it lies 0.1" in sentence
    assert "ahead of m" in sentence
    assert "differs significantly from both others (p below 0.001 after Holm; intervals of 95 %)" in sentence
    assert "too" not in sentence


def test_no_clear_winner_is_said_with_those_that_do_not_differ(drawn: Draw) -> None:
    sentence = said(drawn(60, models=3, seed=1))
    assert "no clear winner. m" in sentence
    assert sentence.count("(difference ") == 2


def test_a_winner_over_all_but_one_is_no_winner(boxes: Make) -> None:
    rng = np.random.default_rng(0)
    true = np.full(40, 20)
    good = rng.integers(16, 19, (2, 40))
    tables = {"a": boxes(good[0], true), "b": boxes(good[1], true), "c": boxes(good[0] - 8, true)}
    sentence = said(tables)
    assert "no clear winner" in sentence
    assert "does not differ significantly from " in sentence
    assert " c " not in sentence


def test_of_errors_the_lowest_is_best(boxes: Make) -> None:
    true = np.full(40, 20)
    off = np.random.default_rng(0).integers(0, 3, 40)
    tables = {"near": boxes(true - off, true), "far": boxes(true - off - 5, true)}
    sentence = said(tables, ComparisonSettings(metrics=("count_mae",)))
    assert sentence.startswith("Count MAE, cells per image: near is best, ")
    assert "it lies −5.00 below far" not in sentence
    assert "it lies 5.00 below far, the next, and differs significantly from it" in sentence


def test_one_model_has_nothing_to_be_compared_with(drawn: Draw) -> None:
    sentence = said(drawn(40, models=1))
    assert "only m0 was evaluated" in sentence
    assert "over 40 images; there is nothing to compare it with." in sentence


def test_too_few_images_are_said_to_be_too_few(drawn: Draw, boxes: Make) -> None:
    assert said(drawn(5, models=2)).endswith("5 images are too few to tell 2 models apart: at least 6 are needed.")
    assert "too" not in said(drawn(20, models=2))
    errors = ComparisonSettings(metrics=("count_mae",))
    sentence = said(drawn(20, models=2), errors)
    assert sentence.endswith("With fewer than 30 images intervals of errors tend to be too narrow.")
    one = {"a": boxes([3], [4]), "b": boxes([1], [4])}
    assert said(one).endswith("1 image is too few to tell 2 models apart: at least 6 are needed.")


def test_groups_are_called_groups(drawn: Draw) -> None:
    groups = {f"a{i}": f"s{i // 4}" for i in range(32)}
    sentence = compare_models(drawn(32, models=2), ONE, groups=groups).conclusions["f1"]
    assert "over 8 groups" in sentence


def test_of_many_equal_models_five_are_named(drawn: Draw) -> None:
    sentence = said(drawn(30, models=12))
    assert "and 6 others." in sentence


@pytest.mark.parametrize("models", [2, 3, 4, 10, 40])
def test_one_image_less_than_needed_can_never_tell_models_apart(models: int) -> None:
    pairs = models * (models - 1) // 2
    needed = least_units(models)

    def least_p(units: int) -> float:
        return float(signed_rank_tests(np.arange(1.0, units + 1)[:, None])[0][0]) * pairs

    assert least_p(needed) < 0.05 <= least_p(needed - 1)
    assert least_units(1) == 0


def test_of_models_with_the_same_number_none_has_the_highest(boxes: Make) -> None:
    true = np.full(40, 20)
    found = np.random.default_rng(0).integers(12, 19, 40)
    two = {"before": boxes(found, true), "after": boxes(found, true)}
    assert said(two).startswith("F1 of boxes: no clear winner. before and after have the same, 0.8")
    assert said(two).endswith(", over 40 images (difference 0.000, p 1.000).")
    other_order = {**two, "after": boxes(found[::-1], true)}
    assert "before and after have the same, 0.8" in said(other_order)
    assert "has the" not in said(two) + said(other_order)
    many = {f"m{i}": boxes(found, true) for i in range(8)}
    assert "m0, m1, m2, m3, m4 and 3 others have the same, " in said(many)


def test_models_that_share_the_highest_number_are_all_named(boxes: Make) -> None:
    true = np.full(40, 20)
    found = np.random.default_rng(0).integers(12, 19, 40)
    near = found - (np.arange(40) < 2)
    shared = {"a": boxes(found, true), "b": boxes(found, true)}
    sentence = said({**shared, "near": boxes(near, true)})
    assert "a and b have the highest, 0.8" in sentence
    assert "over 40 images. a does not differ significantly from near (difference 0.00" in sentence
    assert said({**shared, "far": boxes(found - 6, true)}).endswith(", over 40 images.")
