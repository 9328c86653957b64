"""CSV as people really save it."""

from pathlib import Path

import pytest

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.tables import fitting_rows, peek_header, read_table, to_numbers
from cell_pipelines.annotations.images import ImageIndex


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_comma_semicolon_and_tab_are_distinguished_with_and_without_a_byte_order_mark(
    tmp_path: Path, delimiter: str, mark: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{mark}Name{delimiter} x \r\n"one{delimiter}two"{delimiter}3\r\n\r\n', encoding="utf-8")
    table = read_table(path)
    assert table.header == ("Name", "x")
    assert list(table.rows()) == [(2, [f"one{delimiter}two", "3"])]
    assert peek_header(path) == ("name", "x")


def test_a_decimal_comma_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x;y\n1;2\n3,5;4\n")
    with pytest.raises(ValueError, match="line 3: '3,5' has a decimal comma"):
        read_table(path)
    with pytest.raises(ValueError, match="decimal point, got '3,5'"):
        to_numbers(["1", "3,5"])


def test_a_row_with_too_many_cells_is_dropped_and_one_with_too_few_is_filled_up(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2,3\n4\n5,6,\n")
    collector = AnnotationCollector(ImageIndex([]))
    assert list(fitting_rows(collector, "a.csv", read_table(path))) == [(3, ["4", ""]), (4, ["5", "6"])]
    assert [f.entry for f in collector.findings] == ["line 2"]


def test_a_cell_may_be_as_long_as_the_mask_of_a_whole_tissue(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "1 " * 200_000 + ",2\n")
    assert len(next(read_table(path).rows())[1][0]) == 400_000


def test_what_is_no_text_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(bytes(range(256)) * 10)
    peek_header(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="UTF-8"):
        read_table(tmp_path / "a.csv")
    assert peek_header(tmp_path / "missing.csv") == ()
