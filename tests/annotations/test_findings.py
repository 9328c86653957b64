"""The account of a conversion: its sum is proven, its sentences name file and place."""

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding, to_table
from cell_pipelines.annotations.schema import AnnotationSet


def _three_cells() -> AnnotationSet:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=9, height=9)
    for _ in range(3):
        builder.add_box(row, "cell", (0, 0, 1, 1))
    return builder.build()


DROPPED = Finding("a.xml", "object 4", "dropped", "zero width or height.")
CHANGED = Finding("a.xml", "object 1", "changed", "cut.")
SKIPPED = Finding("b.xml", "", "skipped", "no valid XML.", 0)
NOTED = Finding("c.xml", "", "noted", "said to have 9x9 pixels.", 0)


def test_a_right_sum_passes_whatever_was_changed_skipped_or_noted() -> None:
    Conversion(AnnotationSet.empty(), 0).check()
    Conversion(_three_cells(), 3, (CHANGED, SKIPPED, NOTED)).check()
    Conversion(_three_cells(), 6, (DROPPED, Finding("x", "", "dropped", "many.", 2))).check()


@pytest.mark.parametrize("objects_in", [0, 2, 3, 5])
def test_a_wrong_sum_fails_with_its_three_numbers(objects_in: int) -> None:
    match = f"{objects_in} came in, 3 went out and 1 are listed as dropped"
    with pytest.raises(AnnotationFormatError, match=match):
        Conversion(_three_cells(), objects_in, (DROPPED,)).check()


@pytest.mark.parametrize("finding", [DROPPED, CHANGED, SKIPPED])
def test_strict_refuses_anything_lost_and_lists_all_of_it(finding: Finding) -> None:
    Conversion(_three_cells(), 3, (NOTED,)).check_strict()
    with pytest.raises(AnnotationFormatError) as error:
        Conversion(_three_cells(), 3, (NOTED, finding, SKIPPED)).check_strict()
    assert finding.sentence() in str(error.value)
    assert SKIPPED.sentence() in str(error.value)
    assert NOTED.sentence() not in str(error.value)


def test_a_sentence_names_file_and_place() -> None:
    assert DROPPED.sentence() == "a.xml, object 4: dropped: zero width or height."
    assert SKIPPED.sentence() == "b.xml: skipped: no valid XML."


def test_the_table_has_its_columns_also_without_findings() -> None:
    columns = ["file", "entry", "action", "reason", "objects", "category"]
    assert list(to_table([]).columns) == columns
    table = to_table([DROPPED, SKIPPED])
    assert list(table.columns) == columns
    assert table["objects"].tolist() == [1, 0]


def test_a_finding_can_be_written_and_read_whatever_the_file_is_called() -> None:
    finding = Finding("a\udcff.xml", "é", "dropped", f"got {'9' * 300_000}.", category="\ud800")
    assert finding.sentence().encode().startswith(b"a\\udcff.xml, \xc3\xa9: dropped: got 999")
    assert len(finding.sentence()) < 3000
    assert finding.category == "\\ud800"
