"""The page of plates: quality, maps, effects of position, dose-response, hits, and every well."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined, readable, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS: Final = 400
_MOST_HITS: Final = 100
_QUALITY: Final = {
    "z_prime": "1 - 3 (sd of positive + sd of negative controls) / difference of their means (Zhang et al. 1999); from "
    "0.5 on it is called excellent, below 0 the controls overlap",
    "z_prime_low, z_prime_high": "95 % interval of Z′, for normally distributed values of the controls",
    "z_prime_robust": "the same with medians and 1.4826 times the median absolute deviation",
    "ssmd": "difference of the means over the root of the sum of the variances",
    "signal_to_background": "mean of the negative over mean of the positive controls",
}
_EFFECTS: Final = {
    "region": "the edge, or one of its sides, against all wells that are not at the edge",
    "difference_percent": "difference of means of what is left of wells beyond their treatment, in percentage points "
    "of the response, with its 95 % interval",
    "p_adjusted": "Welch's t test, corrected for all rows by Holm's method",
}
_DOSES: Final = {
    "ec50": "dose half-way between top and bottom, in the unit of the layout, with its 95 % interval",
    "hill": "steepness at this dose",
    "top_percent, bottom_percent": "response without the compound, and with ever more of it",
    "p_change": "F test of the curve against one response for all doses; from 0.05 on there is no EC50",
}
_HITS: Final = {
    "response_percent": "100 is the median of the negative controls, 0 that of the positive ones; without positive "
    "controls 0 is a value of 0",
    "difference_percent": "response less that of the reference",
    "z": "mean distance of the wells from the reference of their plates, in its standard deviations",
    "p_adjusted": "after Benjamini and Hochberg, over all treatments",
}
_WELLS: Final = {
    "low, high": "95 % interval of the value: over sites; of one site by its count's own interval (count) or by its "
    "cells (cells)",
    "residual_percent": "response less what the treatment explains",
    "position_percent": "effects of its row and its column by median polish that are still in the value; 0 below three "
    "standard errors",
    "measured_value": "the value before position was corrected",
}


def plate_cards(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the numbers at the top of the page, of `wells`, `quality`, `doses` and `hits`."""
    quality, wells = tables["quality"], tables["wells"]
    last = quality[quality["values"] == quality["values"].iloc[-1]]
    cards = {"Plates": f"{wells['plate'].nunique()}", "Wells with a value": f"{int(wells['value'].notna().sum())}"}
    known = last["z_prime"].dropna()
    if len(known):
        text = f"{known.iloc[0]:.2f}" if len(known) == 1 else f"{known.min():.2f} to {known.max():.2f}"
        cards["Z′"] = text.replace("-", "−")
    if len(tables["doses"]):
        cards["EC50s"] = f"{int(tables['doses']['ec50'].notna().sum())} of {len(tables['doses'])} compounds"
    return cards | {"Hits": f"{int(tables['hits']['hit'].sum())} of {len(tables['hits'])} treatments"}


def plate_sections(
    tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Figure | Embedded], *, account: str, dose_label: str
) -> list[Section]:
    """Return the sections of the page.

    Args:
        tables: `wells`, `quality`, `effects`, `doses`, `hits`, as `analysis.plates.analysing.PlateResult` has them.
        figures: `maps`, `roles`, `curves`, `hits`.
        account: What was measured and compared, in sentences.
        dose_label: What the curves are of.
    """
    sections = [
        Section("Quality", list(_quality(tables["quality"], figures)), note=account),
        Section("Plates", list(_maps(tables, figures))),
    ]
    if len(tables["doses"]):
        sections.append(Section("Dose and response", list(_doses(tables["doses"], figures, dose_label))))
    return [*sections, Section("Hits", list(_hits(tables["hits"], figures))), _wells(tables["wells"])]


def _quality(quality: pd.DataFrame, figures: Mapping[str, Figure | Embedded]) -> Iterator[Item]:
    shown = readable(quality.drop(columns="note"))
    yield Table(significant(shown), "Controls of each plate", defined(shown, _QUALITY))
    for note in dict.fromkeys(quality["note"]):
        if note:
            yield Text(note)
    yield Picture(figures["roles"], "Controls and samples of each plate, one point per well")


def _maps(tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Figure | Embedded]) -> Iterator[Item]:
    yield Picture(figures["maps"], "Values of the wells, and what is left of them beyond their treatment; − and + are "
                  "negative and positive controls, grey wells have no value")  # fmt: skip
    for row in tables["quality"].to_dict("records"):
        if np.isfinite(row["z_prime_low"]):
            yield Text(f"{row['plate']}, {row['values']}: {_z_prime(row)}.")
    effects = readable(tables["effects"])
    yield Table(effects, "Effects of the edge and of its sides", defined(effects, _EFFECTS))
    clear = tables["effects"][tables["effects"]["p_adjusted"] < 0.05]
    for row in clear.to_dict("records"):
        more = "more" if row["difference_percent"] > 0 else "less"
        size = abs(row["difference_percent"])
        yield Text(
            f"{row['plate']}: wells at the {row['region']} have {size:.1f} percentage points {more} than those inside."
        )


def _z_prime(row: Mapping[Hashable, float]) -> str:
    low, high, known = (f"{row[name]:.2f}".replace("-", "−") for name in ("z_prime_low", "z_prime_high", "z_prime"))
    return f"Z′ is {known}, with a 95 % interval from {low} to {high}"


def _doses(doses: pd.DataFrame, figures: Mapping[str, Figure | Embedded], label: str) -> Iterator[Item]:
    yield Picture(figures["curves"], f"{label} over the dose, one point per well")
    shown = readable(doses)
    yield Table(significant(shown), "Four-parameter log-logistic curve of each compound", defined(shown, _DOSES))


def _hits(hits: pd.DataFrame, figures: Mapping[str, Figure | Embedded]) -> Iterator[Item]:
    yield Picture(figures["hits"], "Treatments against the reference")
    chosen = hits[hits["hit"]].drop(columns="hit")
    if chosen.empty:
        reasons = [note for note in dict.fromkeys(hits["note"]) if note]
        yield Text(f"There is no hit{f': {reasons[0]}' if reasons else ''}.")
        return
    if len(chosen) > _MOST_HITS:
        yield Text(f"The first {_MOST_HITS} of {len(chosen)} hits are shown; the table and the workbook have all.")
    shown = readable(chosen.head(_MOST_HITS).reset_index(drop=True))
    yield Table(shown, "Hits, the most certain first", defined(shown, _HITS))


def _wells(wells: pd.DataFrame) -> Section:
    shown = readable(wells.head(_MOST_ROWS).drop(columns=["row", "column", "response_of"]))
    if np.allclose(shown["value"], shown.get("measured_value", np.nan), equal_nan=True):
        shown = shown.drop(columns="measured_value")
    more = (
        f"The first {_MOST_ROWS} of {len(wells)}; the table and the workbook have all."
        if len(wells) > _MOST_ROWS
        else ""
    )
    return Section("Wells", [Table(shown, "Every well", defined(shown, _WELLS))], note=more)
