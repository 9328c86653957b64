"""The page of viability: conditions and how they differ, doses, every series and field, and the cells in the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from cell_pipelines.imaging.reading import Image
from cell_pipelines.metrics.interval_and_p import explain_disagreement
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined, readable, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DEFINITIONS: Final = {
    "viability_percent": "living cells over living and dead ones",
    "viability_low_percent, viability_high_percent": "95 % interval of one field's cells, taken as "
    "independent (Wilson 1927)",
    "…_by_field_percent, …_by_series_percent": "95 % interval with fields, or series, as what is independent: "
    "quantiles of the beta-binomial posterior that the differences between them leave",
    "series_count": "series that the cells come from",
    "sd_between_…": "standard deviation of the viabilities of fields, or of series, in percentage points",
    "design_effect_…": "variance with fields, or series, as what is independent, over that of independent cells",
    "dead_seen": "cells of the class `viability.dead`, with and without a nucleus beside them",
    "matched": "of those, with a nucleus beside them",
    "unmatched_dead": "dead cells without a nucleus beside them; they count as dead cells",
    "ratio_viability_percent": "1 - dead cells / nuclei, without matching; negative where nuclei were missed",
}
_REGIONS: Final = {
    "region": "its number among the regions of its image",
    "viability_low_percent, viability_high_percent": "95 % interval of this region's cells alone, taken as "
    "independent (Wilson 1927)",
    "area_px2, area_um2": "area of the region within the image",
    "live_per_mm2, dead_per_mm2": "living and dead cells per square millimetre of it",
}
_COMPARED: Final = {
    "unit": "what counts as independent",
    "n1, n2": "how many of them each condition has",
    "shared": "how many both have and are compared as pairs",
    "difference_points": "condition 2 less condition 1, in percentage points, with its 95 % interval",
    "cohens_h": "difference of the arcsine square roots; 0.2 is small, 0.5 medium, 0.8 large",
    "p_adjusted": "corrected for the number of pairs by Holm's method; the interval is not corrected",
}


_CURVE: Final = {
    "top_percent, bottom_percent": "viability without a dose, and with ever more of it",
    "ec50": "dose half-way between both, in the unit of the doses; log10_ec50 is its logarithm",
    "hill": "steepness at this dose",
}
_CURVE_COLUMNS: Final = ["parameter", "estimate", "low", "high"]
_STATES: Final = {
    "live": "a living cell",
    "dead": "a dead cell",
    "dead_without_nucleus": "a dead cell without a nucleus beside it, counted as dead",
    "dead_stain": "the stain of a dead cell that is counted by its nucleus, no further cell",
    "other_category": "of a class that is not counted",
    "other_channel": "a nucleus in the image of dead cells, or the reverse, not counted",
    "crowd": "a region of many cells, not counted",
}


def viability_cards(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    fields = tables["fields"]
    live, dead = int(fields["live"].sum()), int(fields["dead"].sum())
    share = f"{100 * live / (live + dead):.1f} %" if live + dead else "no cells"
    unmatched = fields["unmatched_dead"].sum() if fields["unmatched_dead"].notna().any() else None
    return {
        "Viability, all cells": share,
        "Living": f"{live}",
        "Dead": f"{dead}",
        "Fields": f"{len(fields)}",
        **({} if unmatched is None else {"Dead cells without a nucleus": f"{int(unmatched)}"}),
    }


def viability_sections(
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[tuple[str, Image]],
    conditions: Figure | Embedded,
    doses: Mapping[str, Figure | Embedded],
) -> list[Section]:
    """Return the sections of the page.

    Args:
        tables: `fields`, `series`, `conditions`, `groups`, `comparisons`, `cells`, `regions`, `dose_response`.
        pictures: Some images with the state of each cell, and their names.
        conditions: The figure of conditions.
        doses: The figure of each dose-response curve by its name, as the table `dose_response` has it.
    """
    shown = {name: readable(table) for name, table in tables.items()}
    sections = [Section("Conditions", list(_conditions(tables, shown, conditions)))]
    if doses:
        sections.append(Section("Dose and response", list(_doses(tables["dose_response"], doses))))
    if pictures:
        note = "; ".join(f"{name}: {meaning}" for name, meaning in _STATES.items() if name in _drawn(tables["cells"]))
        sections.append(Section("Cells", [Picture(image, name) for name, image in pictures], note=f"{note}."))
    series, fields = (_table(shown[name], f"Every {one}") for name, one in (("series", "series"), ("fields", "field")))
    regions = (
        [] if tables["regions"].empty else [Section("Regions", list(_regions(tables["regions"], shown["regions"])))]
    )
    return [*sections, *regions, Section("Series", [series]), Section("Fields", [fields])]


def _regions(table: pd.DataFrame, shown: pd.DataFrame) -> Iterator[Item]:
    frame = shown.drop(columns="area_px2") if table["area_um2"].notna().all() else shown
    yield Table(frame, "Every annotated region", defined(frame, _REGIONS))
    yield Text(
        "A cell counts where its centroid lies, and in each region that it lies in. Intervals are Wilson's, for the "
        "cells of this region alone: how regions, fields or series differ is not in them."
    )
    if table["area_um2"].isna().any():
        yield Text("Cells per mm² are given where the size of a pixel is known.")


def _drawn(cells: pd.DataFrame) -> set[str]:
    """Return the states that legends of pictures name: those that occur and all before them."""
    last = max((place for place, name in enumerate(_STATES) if name in set(cells["status"])), default=0)
    return set(list(_STATES)[: last + 1])


def _table(frame: pd.DataFrame, caption: str) -> Table:
    return Table(frame, caption, defined(frame, _DEFINITIONS))


def _conditions(
    tables: Mapping[str, pd.DataFrame], shown: Mapping[str, pd.DataFrame], figure: Figure | Embedded
) -> Iterator[Item]:
    fields = tables["fields"]
    alone = fields["nuclei"].notna().any() and not fields["images"].str.contains(";").any()
    if alone and not fields["dead"].any():
        yield Text("No image shows a dead cell and no field has a second image: are the images of dead cells missing?")
    caption = "One point per field; beside them the estimate of each condition with its interval"
    yield Picture(figure, caption)
    yield _table(_briefly(shown["conditions"]), "Viability of each condition")
    if len(shown["groups"]) > len(shown["conditions"]):
        yield _table(_briefly(shown["groups"]), "By condition, dose and time")
    compared = shown["comparisons"]
    if compared.empty:
        yield Text("There is one condition, so none are compared.")
        return
    table = compared.drop(columns=["method", "caution"], errors="ignore")
    yield Table(table, "Conditions compared", defined(table, _COMPARED))
    yield Text(f"Intervals and p by {'; '.join(dict.fromkeys(tables['comparisons']['method']))}.")
    for sentence in dict.fromkeys(tables["comparisons"]["caution"]):
        if sentence:
            yield Text(f"Mind that {sentence}.")
    yield from map(Text, _disagreements(tables["comparisons"]))


def _disagreements(comparisons: pd.DataFrame) -> Iterator[str]:
    """Yield why the interval and the p of two conditions say different things, where they do."""
    for row in comparisons.to_dict("records"):
        ends = (row["difference_low_points"], row["difference_high_points"])
        reason = "the interval and the test rest on different approximations"
        text = explain_disagreement(ends, row["p"], row["p_adjusted"], reason=reason)
        if text:
            yield f"{row['condition_1']} and {row['condition_2']}: {text}"


def _briefly(table: pd.DataFrame) -> pd.DataFrame:
    """Return a summary without how series and fields are spread, which its file tells."""
    return table.drop(columns=[name for name in table if str(name).startswith(("sd_", "design_effect"))])


def _doses(parameters: pd.DataFrame, figures: Mapping[str, Figure | Embedded]) -> Iterator[Item]:
    caption = "Four-parameter log-logistic curve with 95 % intervals"
    for name, figure in figures.items():
        yield Picture(figure, "Viability over dose, one point per field")
        rows = parameters.loc[parameters["response"] == name, _CURVE_COLUMNS].reset_index(drop=True)
        yield Table(significant(rows), caption, _CURVE)
