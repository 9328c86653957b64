"""An interval without an end is ∞ wherever a person reads it: in a notebook, in a terminal and in a workbook."""

import zipfile
from dataclasses import replace

import pytest

from cell_pipelines import count
from cell_pipelines.commands.output import print_table
from cell_pipelines.workflows.outputs import notebook_table, three_decimals


@pytest.fixture
def unbounded(squares_image, squares_model):
    result = count(squares_image(2), squares_model)
    return replace(result, table=result.table.assign(total_low=0.0, total_high=float("inf")))


def test_a_notebook_and_a_terminal_show_it_alike(unbounded, capsys):
    print_table(unbounded.shown_table())
    for shown in (unbounded._repr_html_(), repr(unbounded), capsys.readouterr().out):
        assert "∞" in shown and "inf" not in shown


def test_a_workbook_shows_it_and_the_file_for_programs_keeps_the_number(unbounded, tmp_path):
    folder = unbounded.save(tmp_path / "counts", overlays=False)
    with zipfile.ZipFile(folder / "counts.xlsx") as workbook:
        assert "∞" in workbook.read("xl/sharedStrings.xml").decode()
    assert ",inf," in (folder / "counts.csv").read_text(encoding="utf-8")


def test_tables_of_an_evaluation_show_it(unbounded):
    table = unbounded.table[["total_low", "total_high"]]
    for text in (notebook_table(table, float_format=three_decimals), table.to_string(float_format=three_decimals)):
        assert "∞" in text and "inf" not in text
