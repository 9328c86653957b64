from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction.repeating import check_reproducible
from cell_pipelines.run_reading import StoredRun
from cell_pipelines.workflows.run_record import RunRecord

TIME = datetime(2026, 12, 1, tzinfo=UTC)
RECORD = RunRecord("0123", "evaluation", "my_study", "FINISHED", TIME, TIME, "kedro run")


def test_a_run_that_finished_and_says_what_was_run_can_be_repeated(tmp_path):
    lineage = Lineage(Invocation(tmp_path), tmp_path / "data" / "my_study")
    assert check_reproducible(StoredRun(RECORD, lineage, {})) is lineage


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_run_that_did_not_finish_is_refused(status):
    run = StoredRun(replace(RECORD, status=status), Lineage(Invocation(Path()), Path()), {})
    with pytest.raises(MistakeError, match=f"run 0123 can't be reproduced, since it did not finish; it is {status}"):
        check_reproducible(run)


def test_a_run_of_an_earlier_version_is_refused():
    with pytest.raises(MistakeError, match=r"it does not say what was run: expected lineage/run\.json"):
        check_reproducible(StoredRun(RECORD, None, {}))
