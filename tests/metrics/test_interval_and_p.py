"""A sentence explains an interval and a p that disagree; where they agree there is none."""

import math

import numpy as np
import pytest

from cell_pipelines.metrics.interval_and_p import explain_disagreement, written_p

NAN = math.nan


@pytest.mark.parametrize(
    ("interval", "p", "adjusted", "words"),
    [
        ((0.1, 0.3), 0.02, 0.06, "Holm's correction for several comparisons, which only p has, raises p from 0.020 to"),
        ((-0.3, -0.1), 0.02, 0.06, "from 0.020 to 0.060"),
        ((0.1, 0.3), 0.2, 0.4, "p is 0.200: it ranks"),
        ((0.1, 0.3), NAN, NAN, "p could not be computed"),
        ((-0.1, 0.3), 0.01, 0.02, "contains 0 although p is 0.020: it ranks"),
        ((0.0, 0.3), 0.0001, 0.0002, "contains 0 although p is below 0.001"),
        ((NAN, NAN), 0.01, 0.02, "No interval could be computed"),
    ],
)
def test_each_disagreement_has_its_sentence(
    interval: tuple[float, float], p: float, adjusted: float, words: str
) -> None:
    assert words in explain_disagreement(interval, p, adjusted, reason="it ranks")


def test_a_sentence_stands_exactly_where_interval_and_p_disagree() -> None:
    rng = np.random.default_rng(0)
    for centre, p, count in zip(rng.normal(0, 1, 500), rng.uniform(0, 0.1, 500), rng.integers(1, 4, 500), strict=True):
        low, high, adjusted = centre - 1, centre + 1, p * count
        agree = (not low <= 0 <= high) == (adjusted < 0.05)
        assert bool(explain_disagreement((low, high), p, adjusted, reason="it ranks")) is not agree


def test_p_is_written_with_three_decimals_or_as_a_bound() -> None:
    assert [written_p(p) for p in (NAN, 0.0004, 0.05)] == ["not defined", "below 0.001", "0.050"]
