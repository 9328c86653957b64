"""Candidates count as equally good where images cannot tell them from the best; counted by hand and by simulation."""

import numpy as np
import pytest

from cell_pipelines.analysis.evaluation.standard_error import within_one_standard_error


def counts_of(tp: list[list[int]], *, n_true: int = 10) -> np.ndarray:
    """Return counts of images (rows) and candidates (columns) that find so many of 10 cells and nothing else."""
    found = np.array(tp)
    error = found - n_true
    return np.stack([found, 0 * found, -error, error, -error], axis=-1).astype(float)


@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid", "count_mae", "count_bias"])
def test_one_image_decides_nothing_and_images_that_agree_do(objective: str) -> None:
    assert within_one_standard_error(counts_of([[9, 1]]), objective).tolist() == [True, True]
    assert within_one_standard_error(counts_of([[9, 1], [9, 1]]), objective).tolist() == [True, False]
    assert within_one_standard_error(counts_of([[9, 1], [5, 5]]), objective).tolist() == [True, True], (
        "only one differs"
    )


def test_the_standard_error_is_that_of_the_mean_difference() -> None:
    # Differences in absolute errors of 3, 1 and -1: mean 1, root of the sum of squares over 3: 1.106.
    close = counts_of([[9, 6], [9, 8], [8, 9]])
    assert within_one_standard_error(close, "count_mae").tolist() == [True, True]
    # Of 3, 1, 0: mean 1.333, 1.054.
    assert within_one_standard_error(counts_of([[9, 6], [9, 8], [9, 9]]), "count_mae").tolist() == [True, False]


def test_the_contributions_to_f1_are_its_change_without_an_image() -> None:
    rng = np.random.default_rng(0)
    truth, better = rng.integers(20, 60, 200), rng.binomial(30, 0.5, 200)
    found = np.stack([better + 12, better], axis=1)
    found = np.minimum(found, truth[:, None])
    fn = truth[:, None] - found
    counts = np.stack([found, 0 * found, fn, -fn, fn], axis=-1).astype(float)
    assert within_one_standard_error(counts, "f1_iou").tolist() == [True, False]
    noisy = counts.copy()
    noisy[1::2, 1] = counts[1::2, 0]
    noisy[1::2, 0] = counts[1::2, 1]
    assert within_one_standard_error(noisy, "f1_iou").tolist() == [True, True], "half of the images say the contrary"


def test_a_candidate_that_is_no_better_is_rarely_preferred_for_certain() -> None:
    rng = np.random.default_rng(1)
    draws = [counts_of(rng.binomial(10, 0.7, (8, 2)).tolist()) for _ in range(400)]
    both = np.mean([within_one_standard_error(one, "f1_iou").all() for one in draws])
    assert both == pytest.approx(0.68, abs=0.08), "a standard error covers 68 % of normal differences"


def test_what_has_no_value_is_not_good_and_nothing_is_of_nothing() -> None:
    counts = counts_of([[5, 0], [5, 0]])
    counts[:, 1] = 0
    assert within_one_standard_error(counts, "f1_iou").tolist() == [True, False]
    assert within_one_standard_error(np.zeros((0, 3, 5)), "count_mae").tolist() == [False] * 3
    assert within_one_standard_error(np.zeros((2, 3, 5)), "f1_iou").tolist() == [False] * 3
