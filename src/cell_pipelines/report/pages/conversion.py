"""The page of one conversion: what came in, what was lost and why, what looks wrong, what the objects are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.annotations.quality.table import KINDS
from cell_pipelines.report.figures.distributions import plot_class_balance
from cell_pipelines.report.figures.objects import plot_object_sizes, plot_objects_per_image
from cell_pipelines.report.page.html import Item, Page, Picture, Section, Table, Text, embedded_page
from cell_pipelines.report.pages.findings import group_findings, group_problems

_SPLITS: Final = ("train", "val", "test")
_ALL: Final = "all images"
_MOST_BARS: Final = 40
_MOST_NAMES: Final = 10
_MOST_CLASSES: Final = 25
_MOST_ROWS: Final = 200


@dataclass(frozen=True)
class ConversionOverview:
    """The account of one conversion.

    Attributes:
        source_format: Name of the format that was read.
        evidence: What spoke for it, such as the file that was recognised; or that it was named by the user.
        images_in: Images in the folder.
        images_out: Images that are annotated and readable.
        objects_in: Objects that the source holds.
        objects_out: Objects that were kept.
        objects_dropped: Objects listed as dropped.
        unlabelled: Images of which no label is known.
        findings_file: Name of the file that lists every finding of the conversion.
        quality_file: Name of the file that lists every quality finding.

    Raises:
        ValueError: Objects in are not objects out and dropped together.
    """

    source_format: str
    evidence: str
    images_in: int
    images_out: int
    objects_in: int
    objects_out: int
    objects_dropped: int
    unlabelled: Sequence[str] = ()
    findings_file: str = "findings.csv"
    quality_file: str = "quality.csv"

    def __post_init__(self) -> None:
        if self.objects_in != self.objects_out + self.objects_dropped:
            raise ValueError(
                f"`objects_in` must be `objects_out` + `objects_dropped`, got {self.objects_in} and "
                f"{self.objects_out} + {self.objects_dropped}."
            )


@dataclass(frozen=True, eq=False)
class ConversionTables:
    """The tables behind the page.

    Attributes:
        categories: Class names, also of classes without an object.
        images: One row per image that was kept; columns image and, if known, split.
        objects: One row per object that was kept; columns image, category (names) and area (px², NaN for points).
        findings: Findings of the conversion; columns file, entry, action, reason, objects.
        quality: Quality findings; columns kind, image, objects, category, value, sentence.
        losses: What other formats would lose of these objects, one row per loss, shown as it stands; may be empty.
    """

    categories: Sequence[str]
    images: pd.DataFrame
    objects: pd.DataFrame
    findings: pd.DataFrame
    quality: pd.DataFrame
    losses: pd.DataFrame = field(default_factory=pd.DataFrame)


def conversion_page(title: str, overview: ConversionOverview, tables: ConversionTables) -> Page:
    """Return the page of one conversion.

    Args:
        title: The page's title.
        overview: The account.
        tables: What it is made of; of long lists the page shows kinds, numbers and first examples.

    Returns:
        The page, whose size does not grow with the number of findings.
    """
    cards = {
        "Source format": overview.source_format.replace("_", " "),
        "Images annotated": f"{overview.images_out} of {overview.images_in}",
        "Objects in": str(overview.objects_in),
        "Objects out": str(overview.objects_out),
        "Objects dropped": str(overview.objects_dropped),
        "Quality findings": str(len(tables.quality)),
    }
    sections = [
        Section("Account", _account(overview, tables)),
        Section("Dropped and changed", _changes(overview, tables.findings)),
        Section("Quality", _quality(overview, tables.quality)),
        Section("Objects", _figures(tables)),
    ]
    if len(tables.losses.columns):
        sections.append(Section("What other formats can hold", _losses(tables.losses)))
    return embedded_page(title, cards, sections)


def _account(overview: ConversionOverview, tables: ConversionTables) -> list[Item]:
    source = f"Read as {overview.source_format}: {overview.evidence.rstrip('.')}."
    out, dropped = overview.objects_out, overview.objects_dropped
    total = (
        f"{_count(overview.objects_in, 'object')} in = {out} out + {dropped} dropped. "
        f"Annotated and readable: {overview.images_out} of {_count(overview.images_in, 'image')}."
    )
    items: list[Item] = [Text(f"{source}\n\n{total}")]
    if overview.unlabelled:
        items.append(Text(_name_unlabelled(overview.unlabelled)))
    items.append(Table(_class_table(tables), "Objects of each class that were kept", _CLASS_COLUMNS))
    return items


_CLASS_COLUMNS: Final = {
    "images": "Images that hold an object of the class.",
    "share": "Part of all objects.",
    "median_area": "Of the objects that have an area, in px².",
}


def _class_table(tables: ConversionTables) -> pd.DataFrame:
    names = list(tables.categories)
    grouped = tables.objects.groupby("category", observed=True)
    table = pd.DataFrame(
        {
            "objects": grouped.size().reindex(names).fillna(0).astype(int),
            "images": grouped["image"].nunique().reindex(names).fillna(0).astype(int),
            "median_area": grouped["area"].median().reindex(names),
        }
    )
    table.insert(1, "share", table["objects"] / max(len(tables.objects), 1))
    return table.rename_axis("class").reset_index()


def _name_unlabelled(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:_MOST_NAMES]), len(names) - _MOST_NAMES
    told = f"Of {_count(len(names), 'image')} no label is known; not labelled is not the same as empty: {shown}"
    return f"{told} and {more} more." if more > 0 else f"{told}."


def _changes(overview: ConversionOverview, findings: pd.DataFrame) -> list[Item]:
    if findings.empty:
        return [Text("Nothing was dropped, changed or skipped.")]
    grouped, left_out = group_findings(findings)
    lists = f"Each of the {_count(len(findings), 'finding')} is listed in {overview.findings_file}."
    if left_out:
        lists += f" {_count(left_out, 'rarer kind')} of finding stand only there."
    return [Table(grouped, "Findings of the conversion by reason; … stands for what differs"), Text(lists)]


def _quality(overview: ConversionOverview, problems: pd.DataFrame) -> list[Item]:
    if problems.empty:
        return [Text("No check has a finding.")]
    counts, examples = group_problems(problems, KINDS)
    note = (
        "What is listed here was kept as it stands, and need not be wrong. "
        f"Each of the {_count(len(problems), 'finding')} is listed in {overview.quality_file}."
    )
    return [Text(note), Table(counts, "Quality findings by kind"), Table(examples, "The first of each kind")]


def _figures(tables: ConversionTables) -> list[Item]:
    objects = tables.objects
    size = objects.groupby("category", observed=True).size().reindex(list(tables.categories)).fillna(0)
    # The most frequent classes, in the order of all.
    shown = set(size.sort_values(ascending=False, kind="stable").head(_MOST_CLASSES).index)
    names = [name for name in tables.categories if name in shown]
    left_out = len(tables.categories) - len(names)
    rarer = f"; {_count(left_out, 'rarer class', 'rarer classes')}" if left_out else ""
    rest, together = (f"{rarer} {what}" if rarer else "" for what in ("left out", "put together"))
    areas = {name: own["area"].to_numpy(dtype=float) for name, own in objects.groupby("category", observed=True)}
    sizes = plot_object_sizes({name: areas.get(name, np.empty(0)) for name in names})
    held = objects.groupby("image", observed=True).size().reindex(tables.images["image"]).fillna(0)
    counts: npt.NDArray[np.int64] = held.to_numpy().astype(np.int64)
    return [
        Picture(plot_class_balance(_balance(tables, names)), f"Objects of each class{together}"),
        Picture(sizes, f"Sizes of the objects of each class{rest}"),
        Picture(plot_objects_per_image(counts), "Objects in each image"),
    ]


def _balance(tables: ConversionTables, names: list[str]) -> pd.DataFrame:
    """Return the objects of each class, one column per split, or one without a split or room for it."""
    if not names:
        return pd.DataFrame()
    split = pd.Series(_ALL, index=tables.images["image"])
    if "split" in tables.images and tables.images["split"].notna().any():
        split = tables.images.set_index("image")["split"].fillna("no split")
    order = sorted(set(split), key=lambda name: (_SPLITS.index(name) if name in _SPLITS else len(_SPLITS), name))
    counts = pd.crosstab(tables.objects["category"], tables.objects["image"].map(split))
    table = counts.reindex(index=list(tables.categories), columns=order or [_ALL]).fillna(0)
    if len(names) * len(order) > _MOST_BARS:
        table = table.sum(axis=1).to_frame(_ALL)
    rest = table.drop(index=names)
    if len(rest):
        table = pd.concat([table, rest.sum().to_frame(_count(len(rest), "rarer class", "rarer classes")).T])
    return table.drop(index=rest.index)


def _losses(losses: pd.DataFrame) -> list[Item]:
    if losses.empty:
        return [Text("Every format can hold all of this.")]
    shown = losses.head(_MOST_ROWS)
    caption = "What would be lost by writing these objects in each format"
    return [
        Table(shown, caption if len(shown) == len(losses) else f"{caption} (the first {len(shown)} of {len(losses)})")
    ]


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
