"""Notebooks run in the order in which they are read, in an empty folder, and are committed without output."""

import ast
import json
import shutil

import matplotlib
import pytest

from cell_pipelines.workflows.starters import starters

from .conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def sources_of(name):
    """Return the source of each code cell of a notebook."""
    return ["".join(cell["source"]) for cell in cells_of(ROOT / "notebooks" / f"{name}.ipynb")]


def cells_of(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def run_notebook(name, small_model):
    """Run a notebook in the working folder; return its names, and what each cell shows.

    Args:
        name: Of the notebook.
        small_model: Path of a model that stands for a starter where the package has none.
    """
    matplotlib.use("Agg")
    namespace, shown = {}, []
    for source in sources_of(name):
        tree = ast.parse(source if starters() else source.replace('"nuclei"', repr(str(small_model))))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), namespace)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), name, "eval"), namespace))
    matplotlib.pyplot.close("all")
    return namespace, shown


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("CELL_DATA_ROOT", raising=False)
    return tmp_path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_output(path):
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells_of(path))


def test_the_first_look_counts_draws_and_exports(in_an_empty_folder, squares_model):
    names, shown = run_notebook("first_look", squares_model)
    counted = int(names["result"].table["total"].sum())
    assert len(names["result"].cells) == counted
    assert f"{len(names['field'].boxes)} nuclei are in the image, {counted} were counted." in shown
    assert any(one is names["result"] for one in shown)
    (geojson,) = (names["folder"] / "qupath").rglob("*.geojson")
    content = json.loads(geojson.read_text(encoding="utf-8"))
    features = content["features"] if isinstance(content, dict) else content
    assert len(features) == counted
    assert (names["folder"] / "counts" / "counts.xlsx").is_file()


@pytest.mark.exhaustive
def test_a_model_is_trained_and_compared_in_the_next_notebooks(in_an_empty_folder, squares_model):
    names, shown = run_notebook("fine_tune", squares_model)
    assert names["model"].is_file()
    assert (in_an_empty_folder / shown[1].src).is_file()
    assert names["model"].stem in repr(shown[-1])
    compared, _ = run_notebook("compare_models", squares_model)
    assert names["model"].stem in compared["result"].table["model"].tolist()
    assert len(compared["result"].table) == 2
    assert len(compared["evaluation"].images) == 8
    shutil.rmtree(in_an_empty_folder / "my_project")
