"""The page of FISH: who has more aneuploid nuclei than the controls, the patterns of signals, and the nuclei."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from cell_pipelines.imaging.reading import Image
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DEFINITIONS: Final = {
    "fraction_percent": "of the whole nuclei whose signals are known",
    "low_percent, high_percent": "{level} interval of nuclei taken as independent (Wilson 1927)",
    "clustered_…": "{level} interval that allows for nuclei of one image or sample being alike",
    "threshold_percent": "a sample with this share of its nuclei or more is above the threshold: the beta-binomial "
    "prediction limit for a further normal sample, all tests of a sample together",
    "p_normal, p_adjusted": "probability that a normal sample shows so many such nuclei or more; times the number of "
    "tests of a sample",
    "controls, control_nuclei": "how many samples the thresholds are learned from, and their whole nuclei",
    "n_nuclei": "whole nuclei of a sample that these thresholds are for",
    "mean_percent, sd_percent": "mean and standard deviation over the controls",
    "most_false_positives": "most such nuclei of a control, scaled to `n_nuclei` and rounded up",
    "clopper_pearson_percent": "upper limit of their share of `n_nuclei` (Clopper and Pearson 1934)",
    "destroyed, unknown": "nuclei that are not counted: destroyed, and those whose signals are not known",
    "mean_3sd_percent": "a convention of laboratories: mean of the controls and three standard deviations; with few "
    "controls it is often below what normal samples show",
    "beta_inverse_percent": "another: BETAINV({share}, most false positives of a control + 1, nuclei scored)",
}
_SCORES: Final = {
    "precision": "found signals that are true ones",
    "recall": "true signals that were found; matched one to one",
}
_COLOURS: Final = (
    "Whole nuclei are outlined in green, destroyed ones dashed in red. Signals lie in dotted circles of their colour, "
    "those of the red probe with a tick; grey crosses were left out. Beside a nucleus stands its pattern, red:green."
)


def fish_cards(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    nuclei = tables["nuclei"]
    whole = nuclei["category"] == "whole"
    spots = tables["spots"]
    return {
        "Whole nuclei": f"{int(whole.sum())}",
        "Destroyed nuclei": f"{int((~whole).sum())}",
        "Spots kept": f"{int(spots['kept'].sum())} of {len(spots)}",
        "Images with nuclei": f"{nuclei['image'].nunique()}",
    }


def fish_sections(
    tables: Mapping[str, pd.DataFrame],
    pictures: Sequence[tuple[str, Image]],
    figures: Sequence[Figure | Embedded],
    unit: str,
    *,
    level: float = 0.95,
) -> list[Section]:
    """Return the sections of the page.

    Args:
        tables: `spots`, `nuclei`, `patterns`, `aneuploidy`, `thresholds`, `scores`.
        pictures: Some images with nuclei and signals, and their names.
        figures: Of the patterns of signals, and of the shares of nuclei with each number of them.
        unit: Column of those about whom statements are made, such as subject.
        level: Level of the intervals.
    """
    patterns, aneuploidy = figures
    drawn = Picture(patterns, "Signals of whole nuclei, red:green")
    sections = [
        Section("Aneuploid nuclei", list(_states(tables, aneuploidy, unit, level))),
        Section("Patterns of signals", [drawn, Table(readable(tables["patterns"]), "Every pattern")]),
    ]
    if not tables["scores"].empty:
        caption = "Signals found beside the true ones, all images together"
        sections.append(Section("How well signals are found", [Table(readable(tables["scores"]), caption, _SCORES)]))
    if pictures:
        sections.append(Section("Nuclei", [Picture(image, name) for name, image in pictures], note=_COLOURS))
    return [*sections, Section("Spots left out", [_left_out(tables["spots"])])]


def _states(tables: Mapping[str, pd.DataFrame], figure: Figure | Embedded, unit: str, level: float) -> Iterator[Item]:
    caption = (
        "Share of whole nuclei with each number of signals, with intervals; marks are the thresholds of each sample, "
        "lines the thresholds of laboratories, all from the controls"
    )
    told = {"level": f"{100 * level:g} %", "share": f"{level:g}"}
    definitions = {name: text.format(**told) for name, text in _DEFINITIONS.items()}
    yield Picture(figure, caption)
    flagged = tables["aneuploidy"]
    shown = readable(flagged.drop(columns="note"))
    yield Table(shown, "Every state of every chromosome", defined(shown, definitions))
    yield from _notes(flagged[flagged["state"] != "disomic"], unit)
    if tables["thresholds"].empty:
        yield Text("No controls are named, so there is no threshold: `fish.controls` names them.")
    else:
        limits = readable(tables["thresholds"])
        yield Table(limits, "Thresholds by the controls", defined(limits, definitions))


def _notes(flagged: pd.DataFrame, unit: str) -> Iterator[Item]:
    """Yield what is said of the thresholds: once where it is said of all samples, else beside each sample's name."""
    told = flagged.loc[flagged["note"].fillna("") != "", [unit, "note"]].drop_duplicates()
    if told.empty:
        return
    if told["note"].nunique() == 1 and len(told) == flagged[unit].nunique():
        yield Text(str(told["note"].iloc[0]))
        return
    yield Table(told.reset_index(drop=True), "What is to be known of the thresholds")


def _left_out(spots: pd.DataFrame) -> Item:
    if spots.empty or spots["kept"].all():
        return Text("No candidate was left out.")
    counts = spots[~spots["kept"]].groupby(["channel", "reason"]).size().rename("candidates").reset_index()
    return Table(counts, "Candidates that are no signals, and why; the table of spots keeps each")
