import logging

import pandas as pd

from cell_pipelines.old_names import rename_old_columns


def test_a_column_is_read_under_its_old_name_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        table = rename_old_columns(pd.DataFrame({"member": ["a"], "f1": [0.5]}))
    assert list(table) == ["trial", "f1"]
    assert [record.getMessage().count("`member` is now `trial`") for record in caplog.records] == [1]


def test_a_table_of_today_is_the_same_without_a_warning(caplog):
    table = pd.DataFrame({"trial": ["a"], "member": [3]})
    assert rename_old_columns(table) is table
    assert not caplog.records
