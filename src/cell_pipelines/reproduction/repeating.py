"""Repeat a recorded run step by step, saying what is done, and compare the results."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cell_pipelines import lineage
from cell_pipelines.failures import MistakeError
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction.inputs import check_inputs, check_outputs
from cell_pipelines.reproduction.running import LOG, run_again
from cell_pipelines.reproduction.source import Source, chosen_source, compare_with_now
from cell_pipelines.run_reading import StoredRun, opened_store, read_reproduction
from cell_pipelines.workflows.origin_comparison import compare_origins, explain_differences
from cell_pipelines.workflows.run_comparison import Comparison, compare_runs, is_compared

#: Name of the table of differences in a reproduction's folder.
DIFFERENCES = "differences.csv"
_CODE = "code"
Say = Callable[[str], None]


def check_reproducible(run: StoredRun) -> Lineage:
    """Return what repeats a run, or say why nothing does.

    Raises:
        MistakeError: The run failed, its command was not recorded or left out nodes, or its inputs are gone.
    """
    run_id = run.record.run_id
    if run.record.status != "FINISHED":
        raise MistakeError(f"run {run_id} can't be reproduced, since it did not finish; it is {run.record.status}.")
    if run.lineage is None:
        raise MistakeError(
            f"run {run_id} can't be reproduced, since it does not say what was run: expected {lineage.FOLDER}/"
            f"{lineage.NAME} among its artifacts, which runs of earlier versions lack."
        )
    if run.lineage.invocation.only_missing:
        raise MistakeError(
            f"run {run_id} can't be reproduced: `--only-missing-outputs` left out the nodes whose outputs were there, "
            "and which ones is not recorded; reproduce the runs that wrote them, or repeat its command without that "
            f"option: `{replace(run.lineage.invocation, only_missing=False).command()}`."
        )
    check_inputs(run.lineage, run.record.tags.get("data.sha256"))
    check_outputs(run.lineage)
    return run.lineage


def repeat(run: StoredRun, project: Path, folder: Path, say: Say) -> Comparison:
    """Run again what a run has run, and compare.

    Args:
        run: The run, of a store that is open.
        project: Folder of the project.
        folder: A new or empty one for results, log and differences.
        say: Called with one sentence at a time.

    Returns:
        The results of both runs side by side.

    Raises:
        MistakeError: The run can't be reproduced.
        RuntimeError: The command fails now.
    """
    described = check_reproducible(run)
    for sentence in compare_with_now(run, described, project).sentences():
        say(sentence)
    with chosen_source(run, described, project, folder / _CODE) as source:
        say(_describe(source))
        say(f"Running `{described.invocation.command()}`; the log is {folder / LOG}.")
        repetition = run_again(run.record.run_id, described, source, project, folder)
    again, comparison = _compare(run, repetition.uri, (str(described.study), str(repetition.study)))
    say(comparison.sentence())
    if not comparison.differences.empty:
        comparison.save(folder / DIFFERENCES)
        changes = compare_origins(run.record.tags, again.record.tags).changes
        for sentence in explain_differences(changes, run.record.parameters):
            say(f"What may explain differences: {sentence}")
    return comparison


def _describe(source: Source) -> str:
    """Return in a sentence what the command is run with."""
    if source.changes:
        names = " and ".join(change.name for change in source.changes)
        return f"The run's {names} can't be had from the project or a commit here; what is there is used instead."
    if source.package is None:
        return "Code and configuration are those of the run."
    return "The code is that of the run's commit, in a git worktree that is removed afterwards."


def _compare(run: StoredRun, uri: str, studies: tuple[str, str]) -> tuple[StoredRun, Comparison]:
    """Compare a run of the open store with the one of another store that repeats it, which is returned, too.

    Args:
        run: The run.
        uri: Of the other store.
        studies: Folders of the data of both.
    """
    with tempfile.TemporaryDirectory() as folder:
        recorded, reproduced = Path(folder, "recorded"), Path(folder, "reproduced")
        _download_tables(run, recorded)
        with opened_store(uri):
            again = read_reproduction(run.record.run_id)
            _download_tables(again, reproduced)
        return again, compare_runs(recorded, reproduced, (run.record.metrics, again.record.metrics), studies)


def _download_tables(run: StoredRun, folder: Path) -> None:
    for name in filter(is_compared, run.files):
        run.download(name, folder)
