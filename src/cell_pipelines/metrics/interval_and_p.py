"""Explain why an interval of a difference and the p of its test disagree, in one sentence made of both."""

import math

IMAGES_AND_SUMS = "the interval is of counts summed over all {unit}s, the test compares {unit} by {unit}"


def explain_disagreement(
    interval: tuple[float, float], p: float, p_adjusted: float, *, reason: str, alpha: float = 0.05
) -> str:
    """Explain why an interval without 0 stands beside a p that is not small, or the other way.

    Args:
        interval: Ends of the interval of the difference, at level 1 - `alpha`; nan where there is none.
        p: Of the test, before any correction; nan where it could not be computed.
        p_adjusted: The same after Holm's correction.
        reason: Why both can differ without a correction, as a clause.
        alpha: Below which p counts as small, in (0, 1).

    Returns:
        A sentence; empty where both say the same.

    Example:
        >>> explain_disagreement((0.1, 0.3), 0.02, 0.06, reason="the test ranks images")
        "The interval does not contain 0, but Holm's correction for several comparisons, which only p has, raises p \
from 0.020 to 0.060."
        >>> explain_disagreement((-0.1, 0.3), 0.4, 0.4, reason="the test ranks images")
        ''
    """
    low, high = interval
    if not (math.isfinite(low) and math.isfinite(high)):
        return "No interval could be computed; the test alone decides." if p_adjusted < alpha else ""
    if low <= 0 <= high:
        return f"The interval contains 0 although p is {written_p(p_adjusted)}: {reason}." if p_adjusted < alpha else ""
    if p_adjusted < alpha:
        return ""
    start = "The interval does not contain 0, but"
    if math.isnan(p_adjusted):
        return f"{start} p could not be computed, so no difference is declared."
    if p < alpha:
        raised = f"raises p from {written_p(p)} to {written_p(p_adjusted)}"
        return f"{start} Holm's correction for several comparisons, which only p has, {raised}."
    return f"{start} p is {written_p(p)}: {reason}."


def written_p(p: float) -> str:
    """Return p as pages write it.

    Args:
        p: In [0, 1]; nan where it is not defined.
    """
    if math.isnan(p):
        return "not defined"
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
