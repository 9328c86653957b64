"""A project is found, or made so that Kedro runs in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kedro.framework.startup import _get_project_metadata
from kedro.utils import is_kedro_project

import cell_pipelines
from cell_pipelines import project
from cell_pipelines.failures import MistakeError
from cell_pipelines.project import (
    check_new_project,
    create_project,
    describe_outdated,
    find_project,
    packaged_conf,
)


def test_the_packages_configuration_holds_the_base_and_the_logging() -> None:
    assert (packaged_conf() / "base" / "globals.yml").is_file()
    assert (packaged_conf() / "logging.yml").is_file()


def test_the_configuration_of_an_installed_package_goes_before_that_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "cell_pipelines"
    shutil.copytree(packaged_conf(), tmp_path / "conf")
    monkeypatch.setattr(project, "_PACKAGE", package)
    assert packaged_conf() == tmp_path / "conf"
    shutil.copytree(tmp_path / "conf", package / "conf")
    assert packaged_conf() == package / "conf"


def test_an_incomplete_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "_PACKAGE", tmp_path / "lib" / "cell_pipelines")
    with pytest.raises(MistakeError, match=r"Install cell-pipelines again"):
        packaged_conf()


def test_a_new_project_is_one_for_kedro_and_is_found_from_below(tmp_path: Path) -> None:
    create_project(tmp_path)
    assert is_kedro_project(tmp_path)
    assert _get_project_metadata(tmp_path).package_name == "cell_pipelines"
    assert find_project(tmp_path / "data" / "deep") == tmp_path


def test_what_lies_in_the_folder_already_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "images").mkdir()
    create_project(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / "images").is_dir()


@pytest.mark.parametrize("taken", ["pyproject.toml", "conf/base/globals.yml"])
def test_nothing_is_written_over_and_nothing_begun(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("[project]\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MistakeError, match="--out"):
        create_project(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_project_that_was_half_made_is_completed(tmp_path: Path) -> None:
    create_project(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    create_project(tmp_path)
    assert find_project(tmp_path) == tmp_path


def test_a_file_is_no_folder_for_a_project(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(MistakeError, match="it is a file"):
        check_new_project(tmp_path / "a.txt")


def test_a_folder_outside_of_any_project_is_none(tmp_path: Path) -> None:
    assert find_project(tmp_path) is None


def test_the_project_of_another_package_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.kedro]\npackage_name = "spaceflights"\n')
    with pytest.raises(MistakeError, match="`spaceflights`"):
        find_project(tmp_path)


@pytest.mark.slow
def test_kedro_lists_and_runs_pipelines_in_a_new_project(tmp_path: Path) -> None:
    create_project(tmp_path)
    outcome = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--pipelines=sample_data", "--params=sample_data.fields=2"],
        cwd=tmp_path,
        env={**os.environ, "CELL_DATA_ROOT": "data"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert list((tmp_path / "data" / "demo" / "01_raw").rglob("*.png"))


def test_a_copied_configuration_of_another_version_is_said_with_how_to_renew_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_project(tmp_path)
    assert describe_outdated(tmp_path) == ""
    monkeypatch.setattr("cell_pipelines.__version__", "99.1")
    assert describe_outdated(tmp_path) == ""  # the same files
    (tmp_path / "conf" / "base" / "globals.yml").write_text("study: other\n")
    said = describe_outdated(tmp_path)
    assert f"{cell_pipelines.__version__} is installed" in said
    assert str(tmp_path / "conf" / "base") in said
    assert "move conf/base and pyproject.toml away" in said


def test_a_project_that_says_no_version_is_of_an_earlier_one_and_a_clone_is_none(tmp_path: Path) -> None:
    create_project(tmp_path)
    (tmp_path / "conf" / "base" / "globals.yml").write_text("study: other\n")
    assert describe_outdated(tmp_path) == ""  # of this version: a person's own change
    text = (tmp_path / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.split("[tool.cell_pipelines]")[0])
    assert "of an earlier version, but" in describe_outdated(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.kedro]\npackage_name = "cell_pipelines"\nsource_dir = "src"\n')
    assert describe_outdated(tmp_path) == ""
    assert describe_outdated(tmp_path / "none") == ""
