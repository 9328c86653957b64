from contextlib import nullcontext

import pandas as pd
import pytest
from click.testing import CliRunner

from cell_pipelines import run_reading
from cell_pipelines.commands import cli
from cell_pipelines.reproduction import repeating
from cell_pipelines.workflows.run_comparison import COLUMNS, Comparison

DIFFERING = pd.DataFrame([["a.csv", "count", 1, 2, "1: a.png", "3", "5", 2.0]], columns=COLUMNS)


@pytest.mark.parametrize(
    ("differences", "tables", "status", "said"),
    [
        (DIFFERING[:0], 1, 0, "Equal: every metric and every table is the same to the last digit."),
        (DIFFERING, 1, 1, "differences.csv"),
        (DIFFERING[:0], 0, 3, None),
    ],
)
def test_the_exit_status_says_whether_results_are_equal_or_differ_or_there_are_none(
    tmp_path, monkeypatch, differences, tables, status, said
):
    monkeypatch.setattr(run_reading, "current_store", lambda: nullcontext(tmp_path))
    monkeypatch.setattr(run_reading, "read_run", lambda run_id: run_id)
    monkeypatch.setattr(repeating, "repeat", lambda *_: Comparison(differences, 0, tables, tables))
    result = CliRunner().invoke(cli, ["reproduce", "0123", "--out", str(tmp_path / "again")])
    assert result.exit_code == status, result.output
    assert said in result.output if said else result.output == ""
