import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kedro.framework.project import configure_project

from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage, configuration_hash
from cell_pipelines.provenance import code_hash
from cell_pipelines.reproduction import source as module
from cell_pipelines.reproduction.source import chosen_source, compare_with_now
from cell_pipelines.run_reading import StoredRun
from cell_pipelines.workflows.run_record import RunRecord


def git(folder, *words) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in git with one commit, whose code stands for that of the package."""
    configure_project("cell_pipelines")
    root = tmp_path / "project"
    package = root / "src" / "cell_pipelines"
    for path, text in ((package / "a.py", "x = 1\n"), (root / "conf" / "base" / "globals.yml", "study: demo\n"),
                       (root / "conf" / "my_study" / "globals.yml", "study: my_study\n")):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    monkeypatch.setattr(module, "code_hash", lambda folder=package: code_hash(folder))
    return root


def run_of(project, **tags) -> StoredRun:
    """Return a run of the project as it is now."""
    recorded = {
        "code.sha256": code_hash(project / "src" / "cell_pipelines"),
        "configuration.sha256": configuration_hash(project / "conf", ("base", "my_study")),
        "mlflow.source.git.commit": git(project, "rev-parse", "HEAD"),
        "git.dirty": "false",
    }
    time = datetime(2026, 12, 1, tzinfo=UTC)
    record = RunRecord("0123", "all", "my_study", "FINISHED", time, time, "kedro run", tags={**recorded, **tags})
    return StoredRun(record, Lineage(Invocation(project, "my_study"), project / "data" / "my_study"), {})


def choose(run, project, folder):
    return chosen_source(run, run.lineage, project, folder / "code")


def test_the_present_code_is_taken_where_it_is_that_of_the_run(project, tmp_path):
    run = run_of(project)
    (project / "docs.md").write_text("More is said.")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "second")
    with choose(run, project, tmp_path) as source:
        assert (source.package, source.configuration, source.changes) == (None, project / "conf", ())
    assert not (tmp_path / "code").exists()


def test_changed_code_is_taken_from_the_commit_and_the_configuration_stays(project, tmp_path):
    run = run_of(project)
    (project / "src" / "cell_pipelines" / "a.py").write_text("x = 2\n")
    with choose(run, project, tmp_path) as source:
        assert source.package == tmp_path / "code" / "src"
        assert (source.package / "cell_pipelines" / "a.py").read_text() == "x = 1\n"
        assert (source.configuration, source.changes) == (project / "conf", ())
    assert not (tmp_path / "code").exists()


def test_a_changed_study_is_taken_from_the_commit(project, tmp_path):
    run = run_of(project)
    (project / "conf" / "my_study" / "globals.yml").write_text("study: my_study\nmodels: [unet]\n")
    with choose(run, project, tmp_path) as source:
        assert (source.package, source.configuration) == (None, tmp_path / "code" / "conf")
        assert (source.configuration / "my_study" / "globals.yml").read_text() == "study: my_study\n"


def test_changes_that_were_not_committed_do_no_harm_while_they_are_there(project, tmp_path):
    (project / "src" / "cell_pipelines" / "a.py").write_text("x = 2\n")
    run = run_of(project, **{"git.dirty": "true"})
    with choose(run, project, tmp_path) as source:
        assert source.changes == ()
    (project / "src" / "cell_pipelines" / "a.py").write_text("x = 3\n")
    sentence = "it had changes that were not committed, and the project's code changed since"
    with pytest.raises(MistakeError, match=sentence), choose(run, project, tmp_path):
        pass


def test_a_project_of_the_installed_package_has_no_code_to_take(project, tmp_path):
    git(project, "rm", "-rq", "--cached", "src")
    git(project, "commit", "-qm", "without code")
    run = run_of(project, **{"code.sha256": "of an earlier version"})
    with choose(run, project, tmp_path) as source:
        assert source.package is None and [change.name for change in source.changes] == ["code"]


@pytest.mark.parametrize("is_clone", [True, False])
def test_without_the_commit_the_present_code_is_taken_and_named(project, tmp_path, is_clone):
    run = run_of(project, **{"mlflow.source.git.commit": "0" * 40})
    (project / "src" / "cell_pipelines" / "a.py").write_text("x = 2\n")
    if not is_clone:
        shutil.rmtree(project / ".git")
    with choose(run, project, tmp_path) as source:
        assert source.package is None and [change.name for change in source.changes] == ["code"]


def test_a_configuration_elsewhere_is_looked_for_there_only(project, tmp_path):
    elsewhere = tmp_path / "conf"
    shutil.copytree(project / "conf", elsewhere)
    run = run_of(project)
    run = replace(run, lineage=Lineage(Invocation(project, "my_study", str(elsewhere)), project))
    with choose(run, project, tmp_path) as source:
        assert (source.configuration, source.changes) == (elsewhere, ())
    (elsewhere / "my_study" / "globals.yml").write_text("study: other\n")
    with choose(run, project, tmp_path) as source:
        assert source.configuration == elsewhere and [change.name for change in source.changes] == ["configuration"]


def test_threads_are_those_that_the_command_will_have(project, monkeypatch):
    run = run_of(project, **{"machine.threads": "7"})
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    described = replace(run.lineage, variables={"OMP_NUM_THREADS": "7"})
    assert "threads" in compare_with_now(run, described, project).same
    assert "threads" in {change.name for change in compare_with_now(run, run.lineage, project).changes}
