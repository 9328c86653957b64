import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cell_pipelines import commands
from cell_pipelines.failures import MistakeError


def invoke(*words, raises=None, monkeypatch=None):
    if raises is not None:

        @click.command()
        def run():
            raise raises

        monkeypatch.setattr("cell_pipelines.commands.run.run", run)
    return CliRunner().invoke(commands.cli, words)


@pytest.fixture
def invoke_raising(monkeypatch):
    return lambda error, *words: invoke("run", *words, raises=error, monkeypatch=monkeypatch)


def test_every_command_has_its_line_in_the_help_and_explains_itself():
    listed = invoke("--help").output
    for name, line in commands.COMMANDS.items():
        assert name in listed
        assert line.split()[0] in listed


def test_the_help_loads_nothing_heavy():
    code = """
import sys
from cell_pipelines.__main__ import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = {"torch", "pandas", "numpy", "matplotlib", "kedro", "mlflow", "ultralytics", "lightning", "pydantic", "cv2"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_misspelt_command_gets_the_nearest_one_and_all_there_are():
    result = invoke("rnu")
    assert result.exit_code == 2
    assert "there is no command `rnu`. Did you mean `run`? Commands: count, " in result.output


def test_a_mistake_is_one_sentence_with_exit_status_2(invoke_raising):
    result = invoke_raising(MistakeError("a.png: expected an image, got none."))
    assert (result.exit_code, result.output) == (2, "Error: a.png: expected an image, got none.\n")


def test_a_fault_has_exit_status_1_and_names_the_file_of_its_traceback(invoke_raising, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    result = invoke_raising(KeyError("gone"))
    assert result.exit_code == 1
    first, second = result.output.splitlines()
    assert first == "Error: KeyError: 'gone'"
    file = next(tmp_path.rglob("error_*.log"))
    assert second == f"(The traceback is in {file}.)"
    assert "Traceback (most recent call last)" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [["--verbose"], []], ids=["verbose", "not"])
def test_verbose_shows_the_traceback_also_after_the_command(invoke_raising, words):
    result = invoke_raising(MistakeError("no."), *words)
    assert ("Traceback (most recent call last)" in result.output) == bool(words)
    assert result.output.splitlines()[-1] == "Error: no."


def test_ctrl_c_ends_in_one_sentence_with_130(invoke_raising):
    result = invoke_raising(KeyboardInterrupt())
    assert (result.exit_code, result.output) == (130, "Interrupted.\n")


def test_the_options_of_run_without_a_command_still_run_and_say_how_it_is_called_now(invoke_raising, monkeypatch):
    invoke_raising(MistakeError("begun."))
    result = invoke("--env=bccd")
    assert "is now called `cell-pipelines run --env=bccd …`" in result.output


def test_run_outside_a_project_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("run", "--env=bccd")
    assert result.exit_code == 2
    assert f"there is no project in {tmp_path}" in result.output


def test_run_outside_a_project_shows_its_help(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for option in ("--help", "-h"):
        result = invoke("run", option)
        assert result.exit_code == 0, result.output
        assert "--pipelines" in result.output
