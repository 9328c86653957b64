"""Notebooks run on what the demo leaves, and are committed without output."""

import json

import matplotlib
import pytest

from .conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells_of(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_output(path):
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells_of(path))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_results_of_the_full_pipeline(path, whole_road, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(ROOT / "notebooks")
    namespace = {}
    for cell in cells_of(path):
        source = "".join(cell["source"])
        exec(source.replace('"../data/demo"', repr(str(whole_road.path()))), namespace)
    matplotlib.pyplot.close("all")
    assert namespace["passed"] == sorted(namespace["passed"], reverse=True)
