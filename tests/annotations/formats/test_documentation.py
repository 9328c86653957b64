from inspect import signature
from pathlib import Path

import pytest

from cell_pipelines.annotations.formats.documentation import format_table
from cell_pipelines.annotations.formats.registry import FORMATS, create_format

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def test_the_page_on_formats_holds_the_table_that_the_formats_give():
    command = "python -m cell_pipelines.annotations.formats.documentation"
    table = f"<!-- formats:start -->\n{format_table()}<!-- formats:end -->"
    assert table in PAGE.read_text(encoding="utf-8"), f"put the output of `{command}` into {PAGE}"


def test_the_table_has_a_row_of_six_cells_for_every_format():
    header, rule, *rows = format_table().splitlines()
    assert [row.split("`")[1] for row in rows] == list(FORMATS)
    assert {line.replace("\\|", "").count("|") for line in (header, rule, *rows)} == {7}


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_has_a_row_for_every_option_that_a_format_alone_takes(name):
    text = PAGE.read_text(encoding="utf-8")
    for option in signature(create_format(name).read).parameters.values():
        assert option.kind is not option.KEYWORD_ONLY or f"\n| `{name}` | `{option.name}` |" in text, option.name
