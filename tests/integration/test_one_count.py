"""The same images and model give the same counts and outlines by Kedro, command, Python, notebook, page and HTTP."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.imaging.reading import read_image, write_image

from .conftest import ROOT
from .test_notebooks import sources_of

pytestmark = pytest.mark.slow
COLUMNS = ["image", "cell", "total", "warning", "model_sha256", "thresholds"]


@pytest.fixture
def images(tmp_path, squares_image):
    place = tmp_path / "cells"
    for n in (0, 2, 5):
        write_image(squares_image(n), place / f"{n}.png")
    return place


def hash_of(table, shapes):
    """Return one hash of the counts of all images and of the outlines of all cells."""
    counts = table[COLUMNS].astype(str).to_csv(index=False)
    return hashlib.sha256(f"{counts}\n{json.dumps(shapes, sort_keys=True)}".encode()).hexdigest()


def shapes_of(annotations):
    """Return image, class, box, outline and score of every cell."""
    rows = annotations.objects.select(["image", "category", "x_min", "y_min", "x_max", "y_max", "counts", "score"])
    return [annotations.names, rows.to_pylist()]


def read_counts(path):
    return pd.read_csv(path, keep_default_na=False, dtype={"thresholds": str, "warning": str})


def count_by_notebook(images, model):
    """Return what the notebook's cells that open the model and count give."""
    from cell_pipelines import count, load_model

    names = {"count": count, "load_model": load_model, "images": images}
    (opens,) = (source for source in sources_of("first_look") if source.startswith("model = "))
    (counts,) = (source for source in sources_of("first_look") if source.startswith("result = "))
    for source in (opens.replace('"nuclei"', repr(str(model))), counts):
        exec(source, names)
    return names["result"]


def count_by_server(images, model, folder, monkeypatch):
    """Return what a server's interface lets download, and what its page is given to show: tables and cells by entry."""
    from fastapi.testclient import TestClient

    from cell_pipelines.app.counting import open_count
    from cell_pipelines.app.server import create_app
    from cell_pipelines.app.settings import AppSettings

    place = folder / "data" / "test" / "06_models"
    place.mkdir(parents=True)
    shutil.copy(model, place / model.name)
    monkeypatch.setenv("CELL_DATA_ROOT", str(folder / "data"))
    files = [("files", (path.name, path.read_bytes())) for path in sorted(images.iterdir())]
    with TestClient(create_app(AppSettings(folder=folder / "jobs"))) as client:
        job = client.post("/api/v1/jobs", files=files, data={"model": f"test/{model.stem}"}).json()["id"]
        base = f"/api/v1/jobs/{job}"
        assert client.get(base, params={"wait": 30}).json()["state"] == "done"
        store = client.app.state.store
        cells = open_count(store, store.get("local", job)).result().annotations
        downloaded = client.get(f"{base}/download/counts.csv").content
        table = pd.read_csv(io.BytesIO(downloaded), keep_default_na=False, dtype={"thresholds": str, "warning": str})
        coco = zipfile.ZipFile(io.BytesIO(client.get(f"{base}/download/coco").content)).read("annotations.json")
        shown = [client.get(f"{base}/images/{number}/cells").json() for number in range(len(files))]
    return table, cells, json.loads(coco), shown


def test_every_entry_point_gives_one_hash_of_counts_and_outlines(
    fresh_project, images, squares_model, tmp_path, monkeypatch
):
    from cell_pipelines import count
    from cell_pipelines.app.cells import outlines

    fresh_project.run("prediction", images=str(images), model=str(squares_model))
    new = fresh_project.path("08_reporting", "new")
    by_kedro = read_parquet(fresh_project.path("07_model_output", "new", "predictions"))
    found = {"kedro": hash_of(read_counts(new / "counts.csv"), shapes_of(by_kedro))}

    result = count(images, squares_model, out=tmp_path / "api")
    found["api"] = hash_of(read_counts(tmp_path / "api" / "counts.csv"), shapes_of(result.annotations))

    by_notebook = count_by_notebook(str(images / "*.png"), squares_model)
    found["notebook"] = hash_of(by_notebook.table, shapes_of(by_notebook.annotations))

    arrays = {path.name: read_image(path) for path in sorted(images.iterdir())}
    from_arrays = count(list(arrays.values()), squares_model)
    named = from_arrays.annotations.with_image_column("name", list(arrays))
    found["arrays"] = hash_of(from_arrays.table.assign(image=list(arrays)), shapes_of(named))

    by_server, cells, coco, shown = count_by_server(images, squares_model, tmp_path / "server", monkeypatch)
    found["http"] = hash_of(by_server, shapes_of(cells))
    assert set(found.values()) == {found["kedro"]}, found
    # What is downloaded and what the page draws are these cells.
    assert coco == json.loads((tmp_path / "api" / "annotations" / "annotations.json").read_text(encoding="utf-8"))
    drawn = [cell["rings"] for image in shown for cell in image["cells"]]
    assert drawn == outlines(result.annotations)
    assert [image["total"] for image in shown] == list(result.table["total"])

    command = [sys.executable, "-m", "cell_pipelines", "count", str(images), "--model", str(squares_model)]
    subprocess.run(
        [*command, "--out", str(tmp_path / "command")], check=True, env=os.environ | {"PYTHONPATH": "src"}, cwd=ROOT
    )
    assert read_counts(tmp_path / "command" / "counts.csv").equals(read_counts(tmp_path / "api" / "counts.csv"))
    for name in ("annotations/annotations.json", "cells.csv", "report.html"):
        assert (tmp_path / "command" / name).read_bytes() == (tmp_path / "api" / name).read_bytes(), name
    # Kedro writes the same annotations file from the same cells.
    by_node = json.loads((new / "annotations" / "annotations.json").read_text(encoding="utf-8"))
    by_command = json.loads((tmp_path / "command" / "annotations" / "annotations.json").read_text(encoding="utf-8"))
    assert by_node == by_command
