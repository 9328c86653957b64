"""The page of morphology: what cells of each group measure, how groups differ, and the cells in the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from cell_pipelines.imaging.reading import Image
from cell_pipelines.metrics.interval_and_p import explain_disagreement
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined, plural, readable, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MEASURES: Final = {
    "perimeter": "Crofton's estimate in four directions, as scikit-image's perimeter_crofton",
    "circularity": "4 pi area / perimeter², near 1 for a disc",
    "solidity": "area / area of the convex hull",
    "shape_index": "perimeter / square root of the area, 3.54 for a disc",
    "equivalent_radius": "radius of the disc of the same area",
}
_COMPARED: Final = (
    "feature", "group_1", "group_2", "n_cells_1", "n_cells_2", "rank_biserial", "hodges_lehmann_shift",
    "hodges_lehmann_low", "hodges_lehmann_high", "p", "p_adjusted", "image_test", "n_images_compared",
    "hodges_lehmann_images", "hodges_lehmann_images_low", "hodges_lehmann_images_high", "p_images",
    "p_images_adjusted", "p_series_adjusted",
)  # fmt: skip
_LEVELS: Final = {"cells": "", "images": "_images"}
_TESTS: Final = {
    "p": "Mann-Whitney U test that takes cells for independent, which those of one image are not: it is too small",
    "p_adjusted": "corrected for all rows of the table by Holm's method; intervals are not corrected",
    "rank_biserial": "share of pairs of cells in which that of group 1 is larger less that in which it is smaller",
    "hodges_lehmann_shift": "median of all differences between cells of both groups, with its 95 % interval",
    "…_images": "the same of one median per image, to be reported where images are independent of each other",
    "p_series_adjusted": "the same of one median per series, to be reported where images come in series; the figure's "
    "stars are those of the larger p",
}


def morphology_cards(cells: pd.DataFrame, compared: pd.DataFrame) -> dict[str, str]:
    """Return the numbers at the top of the page.

    Args:
        cells: One row per cell.
        compared: Those of them that the page's figures and tables are made of.
    """
    cards = {"Cells": f"{len(cells)}", "Images with cells": f"{cells['image'].nunique()}"}
    if "touches_border" in cells and len(cells):
        cards["Touch the border"] = f"{int(cells['touches_border'].astype(bool).sum())}"
    if len(compared) < len(cells):
        cards["Cells compared"] = f"{len(compared)}"
    area = next((name for name in ("area_um2", "area_px2") if name in cells), None)
    if area and len(compared):
        cards[f"Median area, {'µm²' if area.endswith('um2') else 'px²'}"] = f"{compared[area].median():.1f}"
    return cards


def morphology_sections(
    groups: pd.DataFrame,
    comparisons: pd.DataFrame,
    figure: Figure | Embedded,
    pictures: Sequence[tuple[str, Image]],
    *,
    unit: str = "image",
) -> list[Section]:
    """Return the sections of the page.

    Args:
        groups: What each group measures.
        comparisons: How groups differ.
        figure: Of both.
        pictures: Some images with the outlines of the cells, and their names.
        unit: Column that names what is independent.
    """
    sections = [Section("Groups", _items(groups, comparisons, figure, unit))]
    if pictures:
        sections.append(Section("Cells", [Picture(image, name) for name, image in pictures]))
    return sections


def method_sections(
    groups: pd.DataFrame,
    comparisons: pd.DataFrame,
    figure: Figure | Embedded,
    runs: pd.DataFrame,
    *,
    unit: str = "image",
) -> list[Section]:
    """Return the sections of the page that compares sources of cells, such as methods and the truth.

    Args:
        groups: What the cells of each source measure.
        comparisons: How sources differ.
        figure: Of both.
        runs: One row per source with its run and thresholds.
        unit: Column that names what is independent.
    """
    origin = Section("Runs and thresholds", [Table(runs, "The run and the thresholds behind each source")])
    return [Section("Methods", _items(groups, comparisons, figure, unit)), origin]


def _items(groups: pd.DataFrame, comparisons: pd.DataFrame, figure: Figure | Embedded, unit: str) -> list[Item]:
    caption = "Cells of each group: median, quartiles, whiskers; cells at the border are left out unless asked for"
    measured = Table(_of(unit, significant(readable(groups))), "What cells of each group measure", _MEASURES)
    items: list[Item] = [Picture(figure, caption), measured]
    if comparisons.empty:
        return [*items, Text("There is one group, so none are compared.")]
    compared = _of(unit, significant(readable(comparisons[[name for name in _COMPARED if name in comparisons]])))
    tests = {_named(key, unit): _named(text, unit) for key, text in _TESTS.items()}
    cautions = [text for text in dict.fromkeys(comparisons["caution"]) if text]
    return [
        *items,
        Table(compared, "Groups compared in pairs", defined(compared, tests)),
        *(Text(_named(text, unit)) for text in (*cautions, *_disagreements(comparisons))),
    ]


def _of(unit: str, table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns=lambda name: _named(str(name), unit))


def _named(text: str, unit: str) -> str:
    """Return a text or name about images, for whatever was taken as independent in their place."""
    return text if unit == "image" else text.replace("images", plural(unit)).replace("image", unit)


def _disagreements(comparisons: pd.DataFrame) -> Iterator[str]:
    """Yield why the interval and the p of two groups say different things, at the level of cells or of images."""
    reason = "the interval is made of all differences between both groups, p of their ranks or signs"
    for row in comparisons.to_dict("records"):
        for level, ending in _LEVELS.items():
            ends = (row[f"hodges_lehmann{ending}_low"], row[f"hodges_lehmann{ending}_high"])
            text = explain_disagreement(ends, row[f"p{ending}"], row[f"p{ending}_adjusted"], reason=reason)
            if text:
                yield f"{row['feature']} of {row['group_1']} and {row['group_2']}, {level}: {text}"
