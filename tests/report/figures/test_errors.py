"""The figure of kinds of errors is readable, also where there is none; the sections about data say all findings."""

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.metrics.detection_errors import ERROR_KINDS
from cell_pipelines.report.figures.errors import plot_error_kinds
from cell_pipelines.report.page.html import Table, Text, render_report
from cell_pipelines.report.pages.data import data_sections


def _table(*errors: int) -> pd.DataFrame:
    return pd.DataFrame({"error": ERROR_KINDS, "errors": errors, "f1_lost": [number / 2e4 for number in errors]})


@pytest.mark.parametrize("errors", [(1, 0, 0, 0, 0, 0), (3, 58, 0, 12, 7, 12345)])
def test_bars_and_their_numbers_are_readable(
    errors: tuple[int, ...], assert_readable: Callable[[Figure], None]
) -> None:
    figure = plot_error_kinds(_table(*errors))
    assert_readable(figure)
    assert [bar.get_width() for bar in figure.axes[0].patches] == list(errors)


def test_without_an_error_the_figure_says_so() -> None:
    for table in (_table(0, 0, 0, 0, 0, 0), _table(0, 0, 0, 0, 0, 0).iloc[:0]):
        assert "no error" in plot_error_kinds(table).texts[0].get_text()


SUMMARY = pd.DataFrame(
    [
        {
            "source_format": "coco",
            "images_in": 3,
            "images_out": 2,
            "objects_in": 9,
            "objects_out": 7,
            "objects_dropped": 2,
        }
    ]
)
FINDINGS = pd.DataFrame(columns=["file", "entry", "action", "reason", "objects", "category"])
QUALITY = pd.DataFrame(columns=["kind", "image", "objects", "category", "value", "sentence"])
SPLITS = pd.DataFrame({"split": ["train"], "images": [2], "groups": [2]})


@pytest.mark.parametrize(
    ("groups", "apart", "sentence", "other"),
    [
        (2, 0, "no series, wells or recordings are known", "none stands on two sides"),
        (1, 0, "2 images form 1 groups of images that belong together; none stands on two sides.", "are known"),
        (1, 3, "Caution: 3 pairs of images show the same field on two sides", "each pair stands on one side"),
    ],
)
def test_what_is_said_of_the_split_is_what_its_table_holds(groups: int, apart: int, sentence: str, other: str) -> None:
    splits = SPLITS.assign(groups=groups, decided_by="the split of the source", pairs_alike=4, pairs_apart=apart)
    texts = [item.text for item in data_sections(SUMMARY, FINDINGS, QUALITY, splits)[2].items if isinstance(item, Text)]
    assert any(sentence in text for text in texts)
    assert not any(other in text for text in texts)
    assert "The split was decided by the split of the source." in texts


def test_data_without_findings_says_so() -> None:
    sections = data_sections(SUMMARY, FINDINGS, QUALITY, SPLITS)
    texts = [item.text for section in sections for item in section.items if isinstance(item, Text)]
    assert "9 objects came in; 7 went on and 2 were dropped." in texts[0]
    assert "Nothing was dropped, changed or skipped." in texts
    assert "No annotation looks wrong by the rules that were checked." in texts


def test_findings_of_both_kinds_are_tables() -> None:
    findings = pd.DataFrame({"file": ["a.json"], "entry": [None], "action": ["dropped"], "reason": ["no area"],
                             "objects": [2], "category": [None]})  # fmt: skip
    quality = pd.DataFrame({"kind": ["empty_image"], "image": ["a.png"], "objects": [None], "category": [None],
                            "value": [None], "sentence": ["a.png has no object."]})  # fmt: skip
    sections = data_sections(SUMMARY, findings, quality, SPLITS)
    tables = [item for section in sections for item in section.items if isinstance(item, Table)]
    assert len(tables) == 4
    page = render_report("t", {}, sections)
    assert "no area" in page
    assert "a.png has no object." in page
