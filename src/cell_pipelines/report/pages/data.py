"""The sections about the data: what came in, what was lost and looks wrong, who learns from what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cell_pipelines.annotations.quality.table import KINDS
from cell_pipelines.report.page.parts import Item, Section, Table, Text
from cell_pipelines.report.pages.findings import group_findings, group_problems

if TYPE_CHECKING:
    import pandas as pd

_BY_TRAIN = (
    "Chosen by cell-pipelines train before the training. The study's files in conf hold the settings, and may have "
    "been changed since."
)


def data_sections(
    summary: pd.DataFrame, findings: pd.DataFrame, quality: pd.DataFrame, splits: pd.DataFrame
) -> list[Section]:
    """Return the sections about the data.

    Args:
        summary: One row: `source_format`, `images_in`, `images_out`, `objects_in`, `objects_out`, `objects_dropped`.
        findings: Findings of the conversion; columns file, entry, action, reason, objects.
        quality: Quality findings; columns kind, image, objects, category, value, sentence.
        splits: One row per split: `split`, `images`, `groups`, one column per class and, but for tables of earlier
            versions, `decided_by`, `pairs_alike` and `pairs_apart`, the same in each row.
    """
    row = summary.iloc[0]
    account = (
        f"{row['objects_in']} objects came in; {row['objects_out']} went on and {row['objects_dropped']} were dropped. "
        f"Annotated and readable images: {row['images_out']} of {row['images_in']}. "
        f"Source format: {row['source_format']}."
    )
    return [
        Section("Data", [Text(account), *_changes(findings)]),
        Section("Quality of the annotations", list(_quality(quality))),
        Section("Splits", list(_splits(splits))),
    ]


def plan_sections(plan: pd.DataFrame, about: str = _BY_TRAIN) -> list[Section]:
    """Return the section about what was chosen for a study, and why; none where nothing was.

    Args:
        plan: One row per decision: `what`, `value`, `why`, `numbers`; empty for a study that nobody planned.
        about: Who chose it and when.
    """
    if plan.empty:
        return []
    given = plan.fillna("").astype(str)
    numbers = given["numbers"].where(given["numbers"] == "", " (" + given["numbers"] + ")")
    table = given.assign(chosen=given["what"] + ": " + given["value"], why=given["why"] + numbers)[["chosen", "why"]]
    return [Section("What was chosen and why", [Text(about), Table(table, "One row per decision")])]


def _splits(splits: pd.DataFrame) -> Iterator[Item]:
    about_all = [name for name in ("decided_by", "pairs_alike", "pairs_apart") if name in splits]
    yield Table(splits.drop(columns=about_all), "Images, groups and objects of each split")
    groups, images = int(splits["groups"].sum()), int(splits["images"].sum())
    if groups < images:
        yield Text(f"{images} images form {groups} groups of images that belong together; none stands on two sides.")
    else:
        yield Text("Each image is a group of its own: no series, wells or recordings are known.")
    if about_all and len(splits):
        row = splits.iloc[0]
        yield Text(f"The split was decided by {row['decided_by']}.")
        yield Text(_alike(int(row["pairs_alike"]), int(row["pairs_apart"])))


def _alike(pairs: int, apart: int) -> str:
    if apart:
        return (
            f"Caution: {apart} pairs of images show the same field on two sides of the split that was given "
            "(near_duplicates.csv); results on them are better than on new images."
        )
    if pairs:
        return f"{pairs} pairs of images show the same field (near_duplicates.csv); each pair stands on one side."
    return "No two images were found to show the same field."


def _changes(findings: pd.DataFrame) -> Iterator[Item]:
    if findings.empty:
        yield Text("Nothing was dropped, changed or skipped.")
        return
    table, more = group_findings(findings.fillna(""))
    rest = f"; {more} more kinds are in conversion_findings.csv" if more else ""
    yield Table(table, f"What the conversion dropped, changed, skipped and noted: {len(findings)} findings{rest}")


def _quality(quality: pd.DataFrame) -> Iterator[Item]:
    if quality.empty:
        yield Text("No annotation looks wrong by the rules that were checked.")
        return
    named = quality.assign(image=quality["image"].fillna(""), sentence=quality["sentence"].fillna(""))
    counts, examples = group_problems(named, KINDS)
    yield Table(counts, f"What looks wrong: {len(quality)} findings; they are told, not mended")
    yield Table(examples, "The first of each kind")
