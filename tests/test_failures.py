import numpy as np
import pytest
from kedro.io import DatasetError

from cell_pipelines.failures import describe, is_mistake, write_traceback
from cell_pipelines.inside_paths import resolve_inside


def raised(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def wrapped():
    try:
        resolve_inside(__import__("pathlib").Path("a"), "../b")
    except ValueError as error:
        raise DatasetError(f"Failed while loading data from dataset X(a=1).\n{error}") from error


def test_a_sentence_of_the_project_is_a_mistake_and_loses_what_kedro_puts_around_it():
    error = raised(wrapped)
    assert is_mistake(error)
    assert describe(error) == "the name '../b' must lie inside its folder; it leads elsewhere."


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    error = raised(lambda: (tmp_path / "no.csv").read_text())
    assert is_mistake(error)
    assert describe(error) == f"{tmp_path / 'no.csv'}: no such file or directory."


def test_what_a_library_raises_is_a_fault_that_names_its_type():
    error = raised(lambda: np.zeros((2, 3)) @ np.zeros((2, 3)))
    assert not is_mistake(error)
    assert describe(error).startswith("ValueError: matmul")


def test_a_fault_of_our_own_is_no_mistake():
    assert not is_mistake(raised(lambda: {}["gone"]))
    assert not is_mistake(raised(lambda: resolve_inside(None, "a")))


def test_a_traceback_goes_elsewhere_where_its_folder_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "elsewhere"))
    (tmp_path / "logs").write_text("a file where the folder belongs")
    path = write_traceback(raised(lambda: {}["gone"]), tmp_path / "logs")
    assert path.parent == tmp_path / "elsewhere"
    assert "KeyError: 'gone'" in path.read_text()


def test_without_a_place_for_it_there_is_no_traceback(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    assert write_traceback(raised(lambda: {}["gone"]), tmp_path / "file") is None


@pytest.mark.parametrize("text", ["", "two\nlines  and   spaces"])
def test_a_sentence_is_one_line(text):
    assert "\n" not in describe(RuntimeError(text))


def test_a_store_of_runs_that_can_not_be_written_is_one_sentence():
    from mlflow.exceptions import MlflowException

    error = MlflowException("(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT INTO metrics ...]")
    assert describe(error) == "MLflow's store can't be written: the disk is full."
    assert is_mistake(error)
    assert not is_mistake(KeyError("database or disk is full"))
