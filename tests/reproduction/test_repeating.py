from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction import repeating
from cell_pipelines.reproduction.repeating import check_reproducible, repeat
from cell_pipelines.reproduction.running import Repetition
from cell_pipelines.reproduction.source import Source
from cell_pipelines.run_reading import StoredRun
from cell_pipelines.workflows.origin_comparison import OriginComparison
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


def test_a_run_of_missing_outputs_only_is_refused_with_the_command_that_repeats_it(tmp_path):
    invocation = Invocation(tmp_path, "my_study", None, ("evaluation",), only_missing=True)
    run = StoredRun(RECORD, Lineage(invocation, tmp_path / "data" / "my_study"), {})
    with pytest.raises(MistakeError, match=r"`--only-missing-outputs` left out .* is not recorded") as refused:
        check_reproducible(run)
    assert "`kedro run --env=my_study --pipelines=evaluation`" in str(refused.value)


@pytest.fixture
def repeat_with(tmp_path, monkeypatch):
    """Repeat a run without Kedro and MLflow, with results given as tables and metrics of both."""

    @contextmanager
    def chosen(*_):
        yield Source(None, tmp_path / "conf")

    def repeat_with(first, second, metrics=({}, {})):
        described = Lineage(Invocation(tmp_path), tmp_path / "data" / "my_study")
        runs = [StoredRun(replace(RECORD, metrics=own), described, {}) for own in metrics]
        tables = iter((first, second))

        def download(_, folder):
            for name, text in next(tables).items():
                folder.mkdir(exist_ok=True)
                (folder / name).write_text(text)

        monkeypatch.setattr(repeating, "compare_with_now", lambda *_: OriginComparison((), ()))
        monkeypatch.setattr(repeating, "chosen_source", chosen)
        monkeypatch.setattr(repeating, "run_again", lambda *_: Repetition(tmp_path / "again", "sqlite:///again.db"))
        monkeypatch.setattr(repeating, "opened_store", lambda uri: nullcontext())
        monkeypatch.setattr(repeating, "read_reproduction", lambda _: runs[1])
        monkeypatch.setattr(repeating, "_download_tables", download)
        said: list[str] = []
        folder = tmp_path / "out"
        folder.mkdir()
        return repeat(runs[0], tmp_path, folder, said.append), said, sorted(path.name for path in folder.iterdir())

    return repeat_with


def test_nothing_to_compare_is_said_in_one_sentence_and_leaves_no_table(repeat_with):
    comparison, said, files = repeat_with({}, {})
    assert comparison.is_empty and files == []
    assert said[-1].startswith("Nothing to compare:")
    assert not [sentence for sentence in said if "Compared" in sentence or "explain" in sentence]


def test_differences_are_saved_and_explained(repeat_with):
    comparison, said, files = repeat_with({"a.csv": "x\n1\n"}, {"a.csv": "x\n2\n"})
    assert len(comparison.differences) == 1 and files == ["differences.csv"]
    assert said[-1].startswith("What may explain differences:")


def test_equal_results_leave_no_table_of_differences(repeat_with):
    comparison, said, files = repeat_with({"a.csv": "x\n1\n"}, {"a.csv": "x\n1\n"})
    assert comparison.is_equal and files == [] and said[-1].startswith("Compared: 0 metrics and 1 tables")
