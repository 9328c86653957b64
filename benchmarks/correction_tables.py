"""Tables and figure of `correction_gain.py`: F1, what it gained, and the minutes of work for each point of it."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from correcting_user import KINDS

from cell_pipelines.metrics.intervals import bootstrap_interval, ratio_interval
from cell_pipelines.metrics.ratios import f1

#: What names a run.
RUN = ["set", "unit", "amount", "order", "draw"]
ORDERS = ("random", "next_images")
_CONDITION = ["set", "unit", "amount", "order"]
_COUNTS = ["tp", "fp", "fn"]
_WORK = [
    "corrected",
    "images_opened",
    "images_seen",
    *KINDS,
    "edits",
    "minutes",
    "cells_taught",
    "epochs",
    "core_seconds",
]
#: How many of each unit are corrected.
AMOUNTS = {"images": (1, 3, 5), "cells": (10, 20, 50)}


def planned_runs(
    images: Sequence[int] = AMOUNTS["images"], cells: Sequence[int] = AMOUNTS["cells"], draws: Sequence[int] = (0, 1)
) -> list[tuple[str, int, str, int]]:
    """Return unit, amount, order and draw of each run, in the order in which they are done."""
    amounts = [("images", amount) for amount in images] + [("cells", amount) for amount in cells]
    return [(*one, order, draw) for draw, one, order in product(draws, amounts, ORDERS)]


def tabulate_runs(images: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: F1 with its interval over test images, its gain, and the work."""
    rows = []
    for key, run in images.groupby(RUN, sort=False):
        named: dict[str, Any] = dict(zip(RUN, key, strict=True))
        rows.append(named | _scores(run, images) | {name: run[name].iloc[0] for name in _WORK if name in run})
    return pd.DataFrame(rows)


def tabulate_conditions(images: pd.DataFrame) -> pd.DataFrame:
    """Return one row per set, amount and order, of all draws together; counts of one image are drawn together."""
    rows = []
    for key, group in images.groupby(_CONDITION, sort=False):
        named: dict[str, Any] = dict(zip(_CONDITION, key, strict=True)) | {"draws": group["draw"].nunique()}
        minutes = group.groupby("draw")["minutes"].first().mean() if "minutes" in group else np.nan
        scores = _scores(group, images)
        points = 100 * scores.get("gain", 0.0)
        # Without a gain there is no price of one.
        named |= scores | {"minutes": minutes, "minutes_per_point": minutes / points if points > 0 else np.nan}
        rows.append(named)
    return pd.DataFrame(rows)


def with_missing(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs, with an empty row for each of the planned ones that was not done."""
    planned = [(name, *one) for name in ("dsb2018", "t98g") for one in [("images", 0, "start", 0), *planned_runs()]]
    return pd.DataFrame(planned, columns=RUN).merge(runs, on=RUN, how="outer", sort=False)


def _scores(run: pd.DataFrame, images: pd.DataFrame) -> dict[str, float]:
    counts, units = run[_COUNTS].to_numpy(float), run["image"].to_numpy()
    found = ratio_interval(counts, f1, units=units)
    error = float((run["found"] - run["true"]).abs().mean())
    scores = {"f1": found.estimate, "f1_low": found.low, "f1_high": found.high, "count_mae": error}
    start = images[(images["set"] == run["set"].iloc[0]) & (images["order"] == "start")].set_index("image")
    if run["order"].iloc[0] == "start" or not len(start):
        return scores
    gain = bootstrap_interval(np.hstack([counts, start.loc[units, _COUNTS].to_numpy(float)]), _difference, units=units)
    return scores | {"gain": gain.estimate, "gain_low": gain.low, "gain_high": gain.high}


def _difference(totals: np.ndarray) -> Any:
    return f1(*np.moveaxis(totals[..., :3], -1, 0)) - f1(*np.moveaxis(totals[..., 3:], -1, 0))


def plot(images: pd.DataFrame, file: Path) -> None:
    """Draw F1 over the assumed minutes of work, one panel per set and unit, each run as a dot."""
    from matplotlib.figure import Figure

    panels = [key for key, _ in images[images["order"] != "start"].groupby(["set", "unit"], sort=True)]
    conditions, runs = tabulate_conditions(images), tabulate_runs(images)
    figure = Figure(figsize=(4.2 * len(panels), 3.8), layout="constrained")
    for axes, (name, unit) in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
        _panel(axes, *(table[table["set"] == name] for table in (conditions, runs)), unit)
        axes.set_title(f"{name}, {'whole images' if unit == 'images' else 'corrected cells'}")
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(file, dpi=150)


def _panel(axes: Any, conditions: pd.DataFrame, runs: pd.DataFrame, unit: str) -> None:
    start = conditions[conditions["order"] == "start"].iloc[0]
    axes.axhspan(start["f1_low"], start["f1_high"], color="0.9")
    axes.axhline(start["f1"], color="0.4", linestyle="--", label="before corrections")
    for order, colour in zip(ORDERS, ("#D55E00", "#0072B2"), strict=True):
        rows, dots = (one[(one["order"] == order) & (one["unit"] == unit)] for one in (conditions, runs))
        ends = np.abs(rows[["f1_low", "f1_high"]].to_numpy().T - rows["f1"].to_numpy())
        label = "by next_images" if order == "next_images" else "at random"
        axes.errorbar(rows["minutes"], rows["f1"], yerr=ends, color=colour, marker="o", capsize=4, label=label)
        axes.plot(dots["minutes"], dots["f1"], ".", color=colour, alpha=0.5)
        for row in rows.itertuples():
            axes.annotate(str(row.amount), (row.minutes, row.f1), (4, 4), textcoords="offset points", fontsize=8)
    axes.set(xlabel="minutes of work (assumed seconds per edit)", ylabel="F1 at IoU 0.5")
    axes.grid(alpha=0.3)


def with_minutes(images: pd.DataFrame, each: Mapping[str, float]) -> pd.DataFrame:
    """Return the rows with the minutes of work by other seconds per change and image."""
    if "images_seen" not in images:
        return images
    seconds = sum(images[kind] * each[kind] for kind in KINDS) + images["images_seen"] * each["image"]
    return images.assign(minutes=seconds / 60)
