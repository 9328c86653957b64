"""Conclude a comparison of models in one plain sentence per metric; without a winner where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cell_pipelines.metrics.evaluated import COMPARED
from cell_pipelines.metrics.interval_and_p import IMAGES_AND_SUMS, written_p
from cell_pipelines.metrics.metric import Metric
from cell_pipelines.model_titles import model_title

if TYPE_CHECKING:
    import pandas as pd

#: With fewer images or groups, 95 % intervals of errors are too narrow; see docs/compare_models.md.
FEWEST_UNITS: Final = 30
_NAMED: Final = 5


def conclude(
    estimates: pd.DataFrame, tests: pd.DataFrame, *, level: float = 0.95, unit: str = "image", cautious: bool = True
) -> dict[str, str]:
    """Say of each metric which model is best and by how much, or that there is no clear winner.

    Args:
        estimates: As in `ComparedModels`.
        tests: As `ComparedModels` holds them.
        level: At which the tests were made.
        unit: What was drawn and tested, ``image`` or ``group``.
        cautious: Whether `caution` is added, where there is reason for it.

    Returns:
        A sentence or a few for each metric that some model has, in the order of the table. A model is a clear winner
        where it differs significantly from every other one that has the metric.
    """
    found = {}
    for name, rows in estimates[estimates["value"].notna()].groupby("metric", sort=False):
        metric = COMPARED[str(name)]
        ordered = rows.sort_values("value", ascending=not metric.higher_is_better, kind="stable")
        pairs = _against_best(tests[tests["metric"] == name], ordered["model"].tolist(), metric)
        sentences = [_verdict(metric, ordered, pairs, unit, level)]
        sentences += [caution(ordered, level=level, unit=unit)] if cautious else []
        found[str(name)] = " ".join(sentence for sentence in sentences if sentence)
    return found


def least_units(models: int, *, level: float = 0.95) -> int:
    """Return how many images the test needs at least to tell any two of so many models apart.

    The smallest p of the signed-rank test over n images is 2^(1 - n), and Holm multiplies it by the number of pairs.

    Args:
        models: How many models are compared; 0 below two.
        level: In (0, 1).

    Example:
        >>> least_units(2), least_units(4), least_units(40)
        (6, 8, 15)
    """
    pairs = models * (models - 1) // 2
    return math.floor(1 + math.log2(pairs / (1 - level))) + 1 if pairs else 0


def _against_best(tests: pd.DataFrame, models: Sequence[str], metric: Metric) -> list[dict[str, Any]]:
    """Return the pairs of the best model with each other one, from next best to worst, as how much it leads."""
    best = models[0]
    places = {model: place for place, model in enumerate(models)}
    found: list[dict[str, Any]] = []
    for row in tests[(tests["first"] == best) | (tests["second"] == best)].to_dict("records"):
        other = row["second"] if row["first"] == best else row["first"]
        if other in places:
            turned = (row["first"] == best) != metric.higher_is_better
            ends = (-row["high"], -row["low"]) if turned else (row["low"], row["high"])
            lead = -row["difference"] if turned else row["difference"]
            found.append(
                {
                    **{str(name): value for name, value in row.items()},
                    "model": other,
                    "lead": lead,
                    "ends": ends,
                    "place": places[other],
                }
            )
    return sorted(found, key=lambda pair: pair["place"])


def _verdict(metric: Metric, ordered: pd.DataFrame, pairs: Sequence[dict[str, Any]], unit: str, level: float) -> str:
    best = ordered.iloc[0]
    leader = model_title(str(best["model"]))
    units = _count(int(best["units"]), unit)
    value = f"{_number(best['value'], metric)}{_interval((best['low'], best['high']), metric)}"
    title = f"{metric.title[0].upper()}{metric.title[1:]}"
    if not pairs:
        return f"{title}: only {leader} was evaluated, {value} over {units}; there is nothing to compare it with."
    if alike := [pair for pair in pairs if not pair["significant"]]:
        return f"{title}: no clear winner. {_undecided(metric, ordered, alike, unit, level)}"
    nearest = pairs[0]
    follower = model_title(str(nearest["model"]))
    lead = f"{_number(nearest['lead'], metric)}{_interval(nearest['ends'], metric)}"
    word = "ahead of" if metric.higher_is_better else "below"
    worst = max(pair["p_holm"] for pair in pairs)
    return (
        f"{title}: {leader} is best, {value}; over {units} it lies {lead} {word} {follower}, the next, "
        f"and differs significantly from {_others(len(pairs))} (p {written_p(worst)} after Holm; "
        f"intervals of {100 * level:g} %)."
    )


def _undecided(metric: Metric, ordered: pd.DataFrame, alike: Sequence[dict[str, Any]], unit: str, level: float) -> str:
    """Say which models have the best number, as it is written, and from which others the first does not differ."""
    numbers = [_number(value, metric) for value in ordered["value"]]
    names = [str(name) for name, number in zip(ordered["model"], numbers, strict=True) if number == numbers[0]]
    titles, units = [model_title(name) for name in names[:_NAMED]], _count(int(ordered["units"].iloc[0]), unit)
    if len(names) > _NAMED:
        titles.append(_count(len(names) - _NAMED, "other"))
    ends = "the highest" if metric.higher_is_better else "the lowest"
    if len(names) == len(ordered):
        detail = f" ({_difference(alike[0], metric, unit, level)})" if len(names) == 2 else ""
        return f"{_joined(titles)} have the same, {numbers[0]}, over {units}{detail}."
    others = [pair for pair in alike if pair["model"] not in names]
    alone = f"does not differ significantly from {_listed(others, metric, unit, level)}." if others else ""
    if len(names) > 1:
        return f"{_joined(titles)} have {ends}, {numbers[0]}, over {units}." + (
            f" {titles[0]} {alone}" if alone else ""
        )
    value = f"{numbers[0]}{_interval((ordered['low'].iloc[0], ordered['high'].iloc[0]), metric)}"
    return f"{titles[0]} has {ends}, {value}, but over {units} it {alone}"


def _others(count: int) -> str:
    return {1: "it", 2: "both others"}.get(count, f"all {count} others")


def _listed(alike: Sequence[dict[str, Any]], metric: Metric, unit: str, level: float) -> str:
    named = [f"{model_title(str(pair['model']))} ({_difference(pair, metric, unit, level)})" for pair in alike[:_NAMED]]
    if len(alike) > _NAMED:
        named.append(_count(len(alike) - _NAMED, "other"))
    return _joined(named)


def _difference(pair: dict[str, Any], metric: Metric, unit: str, level: float) -> str:
    lead = f"difference {_number(pair['lead'], metric)}{_interval(pair['ends'], metric, joint=',')}"
    return f"{lead}, p {written_p(pair['p_holm'])}{_reason(pair, unit, level)}"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reason(pair: dict[str, Any], unit: str, level: float) -> str:
    """Return what decided, where the interval or the p of images alone would have decided otherwise."""
    alpha, series = 1 - level, pair.get("p_series", math.nan)
    has_interval = all(math.isfinite(end) for end in pair["ends"])
    holds_zero = has_interval and pair["ends"][0] <= 0 <= pair["ends"][1]
    if pair["p_holm"] < alpha:
        against = ["the interval contains 0"] if holds_zero else []
        if not holds_zero or series >= alpha:
            against.append(f"{written_p(series)} over the series they may come in")
        return f", but {' and '.join(against)}"
    if holds_zero or not has_interval or math.isnan(pair["p_holm"]):
        return ""
    if pair["p"] < alpha:
        before = f"{written_p(pair['p'])} before it"
        return f" after Holm's correction for several comparisons, which the interval lacks, {before}"
    return f"; {IMAGES_AND_SUMS.format(unit=unit)}"


def caution(estimates: pd.DataFrame, *, level: float = 0.95, unit: str = "image") -> str:
    """Say what so few images, or groups, cannot tell; empty where there are enough.

    Args:
        estimates: As in `ComparedModels`, of one metric.
        level: At which models were tested.
        unit: What was drawn and tested, ``image`` or ``group``.
    """
    known = estimates[estimates["value"].notna()]
    if known.empty:
        return ""
    units, models = int(known["units"].iloc[0]), len(known)
    if models > 1 and units < least_units(models, level=level):
        needed = least_units(models, level=level)
        told = f"{_count(units, unit)} {'is' if units == 1 else 'are'} too few to tell {models} models apart"
        return f"{told}: at least {needed} are needed."
    if units < FEWEST_UNITS and not COMPARED[str(known["metric"].iloc[0])].higher_is_better:
        return f"With fewer than {FEWEST_UNITS} {unit}s intervals of errors tend to be too narrow."
    return ""


def _interval(ends: tuple[float, float], metric: Metric, *, joint: str = "") -> str:
    if not all(math.isfinite(end) for end in ends):
        return ""
    text = f"{_number(ends[0], metric)} to {_number(ends[1], metric)}"
    return f"{joint} {text}" if joint else f" ({text})"


def _number(value: float, metric: Metric) -> str:
    text = f"{value:.{3 if metric.higher_is_better else 2}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
