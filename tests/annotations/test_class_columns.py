import itertools
import logging

import pytest

from cell_pipelines.annotations.class_columns import RESERVED_CLASSES, check_class_names, class_columns

RESERVED = ("image", "total", "total_low", "total_high", "error", "warning")
ENDINGS = ("_low", "_high")
NAMES = (
    "live",
    "dead",
    "dead_low",
    "dead_low_low",
    "total",
    "total_low",
    "class_total",
    "image",
    "error",
    "",
    " ",
    "Total",
)


def test_ordinary_classes_have_their_own_names_and_nothing_is_said(caplog):
    assert class_columns(["dead", "live"], RESERVED, endings=ENDINGS) == {"dead": "dead", "live": "live"}
    assert not caplog.text


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_two_columns_of_a_table_are_alike_whatever_classes_are_called(count):
    for names in itertools.permutations(NAMES, count):
        columns = class_columns(names, RESERVED, endings=ENDINGS)
        assert list(columns) == list(names)
        every = [f"{column}{end}" for column in columns.values() for end in ("", *ENDINGS)]
        assert len({*every, *RESERVED}) == len(every) + len(RESERVED)


def test_the_order_of_the_classes_does_not_change_their_columns():
    for names in itertools.permutations(("dead", "dead_low", "total", "class_total")):
        assert class_columns(names, RESERVED, endings=ENDINGS) == {
            "dead": "dead", "dead_low": "class_dead_low", "total": "class_class_total", "class_total": "class_total",
        }  # fmt: skip


def test_one_warning_names_all_that_are_renamed(caplog):
    with caplog.at_level(logging.WARNING):
        class_columns(["total", "error", "cell"], RESERVED)
    assert len(caplog.records) == 1
    assert "'total' in 'class_total'" in caplog.text and "'error' in 'class_error'" in caplog.text


@pytest.mark.parametrize("name", RESERVED_CLASSES)
def test_a_class_called_like_the_row_over_all_classes_is_refused(name):
    with pytest.raises(ValueError, match="must not be called"):
        check_class_names(["cell", name])
    check_class_names(["cell", name.upper()])
