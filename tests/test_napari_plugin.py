"""The plugin's functions take layers; these have what napari's own have, so that no viewer is needed."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml

import cell_pipelines
from cell_pipelines import count, napari_plugin
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.storage import write_parquet
from cell_pipelines.failures import MistakeError
from cell_pipelines.napari_plugin import find_cells, get_reader, save_corrections
from cell_pipelines.workflows.cell_table import tabulate_cells


@dataclass
class Layer:
    data: Any
    name: str = "field 1"
    rgb: bool = False
    scale: tuple[float, ...] = (1.0, 1.0)
    translate: tuple[float, ...] = (0.0, 0.0)


def test_the_manifest_names_functions_that_are_there_and_its_file_is_in_the_package():
    manifest = yaml.safe_load((Path(cell_pipelines.__file__).parent / "napari.yaml").read_text())
    for command in manifest["contributions"]["commands"]:
        module, _, name = command["python_name"].partition(":")
        assert module == napari_plugin.__name__ and callable(getattr(napari_plugin, name))
    assert {one["command"] for kind in ("readers", "widgets") for one in manifest["contributions"][kind]} == {
        command["id"] for command in manifest["contributions"]["commands"]
    }


def test_a_layer_of_labels_has_the_cells_that_count_finds(squares_image, squares_model):
    labels, told, kind = find_cells(Layer(squares_image(3)), str(squares_model))
    cells = count(squares_image(3), squares_model).cells
    assert kind == "labels" and told["name"] == "field 1 cells"
    assert labels.max() == len(cells) == 3
    assert np.bincount(labels.ravel())[1:].tolist() == cells["area_px2"].tolist()
    assert told["features"]["index"].tolist() == [0, 1, 2, 3]
    assert told["features"]["score"][1:].tolist() == cells["score"].tolist()
    assert told["metadata"]["cell_pipelines"]["counts"][0]["total"] == 3


def test_planes_of_a_stack_have_numbers_of_their_own(squares_image, squares_model):
    stack = np.stack([squares_image(2), squares_image(0), squares_image(3)])
    labels, told, _ = find_cells(Layer(stack), str(squares_model))
    assert labels.shape == stack.shape
    assert [sorted(set(plane[plane > 0])) for plane in labels] == [[1, 2], [], [3, 4, 5]]
    assert len(told["features"]) == 6


def test_numbers_are_the_rows_of_the_features_also_where_a_cell_is_hidden(monkeypatch):
    builder = AnnotationBuilder(["cell"])
    for name in ("image_1", "image_2"):
        image = builder.add_image(name, width=20, height=20)
        for score in (0.9, 0.8):
            builder.add_box(image, "cell", (2, 2, 9, 9), score=score)
    cells = builder.build()
    table = pd.DataFrame({"warning": ["", ""]})
    rows = tabulate_cells(cells)
    result = SimpleNamespace(annotations=cells, cells=rows, table=table, model=SimpleNamespace(path="m.pt"))
    monkeypatch.setattr("cell_pipelines.api.count", lambda *_, **__: result)
    labels, told, _ = find_cells(Layer(np.zeros((2, 20, 20), np.uint8)))
    scores = told["features"].set_index("index")["score"]
    assert [scores[plane.max()] for plane in labels] == pytest.approx([0.9, 0.9])


def test_a_colour_layer_is_one_image(squares_image, squares_model):
    grey = squares_image(2)
    labels, *_ = find_cells(Layer(np.stack([grey] * 3, axis=-1), rgb=True), str(squares_model))
    assert (labels.shape, labels.max()) == (grey.shape, 2)


def test_a_layer_that_is_no_image_is_a_mistake(squares_model):
    with pytest.raises(MistakeError, match=r"expected an image of rows and columns, got the shape \(5,\)"):
        find_cells(Layer(np.zeros(5)), str(squares_model))


def test_corrections_are_read_back_as_they_were_drawn(tmp_path, squares_image):
    labels = np.zeros((64, 64), np.int32)
    labels[5:15, 5:15], labels[30:40, 20:32] = 7, 70_000
    said = save_corrections(Layer(squares_image(2)), Layer(labels), tmp_path / "mine")
    assert f"--annotations {tmp_path / 'mine' / 'labels'}" in said
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "mine" / "images" / "field_1.tif"), squares_image(2))
    images = ImageIndex([ImageRecord("field_1.tif", 64, 64)])
    back = read_annotations(tmp_path / "mine" / "labels", images).annotations
    assert back.boxes.tolist() == [[5, 5, 15, 15], [20, 30, 32, 40]]


def test_planes_are_saved_one_by_one_and_nothing_is_written_over(tmp_path, squares_image):
    stack, labels = np.stack([squares_image(1)] * 2), np.ones((2, 64, 64), np.uint8)
    save_corrections(Layer(stack, "a/b: c"), Layer(labels), tmp_path)
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["a_b_c_0000.tif", "a_b_c_0001.tif"]
    with pytest.raises(MistakeError, match=r"a_b_c_0000\.tif is there already"):
        save_corrections(Layer(stack, "a/b: c"), Layer(labels), tmp_path)


def test_labels_of_another_image_are_refused(tmp_path, squares_image):
    with pytest.raises(MistakeError, match=r"the labels have the shape \(3, 3\), but the image \(64, 64\)"):
        save_corrections(Layer(squares_image(1)), Layer(np.zeros((3, 3), int)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_stored_annotations_open_as_layers_and_other_paths_are_left_to_others(tmp_path, squares_image, squares_model):
    found = count([squares_image(1), squares_image(3)], squares_model).annotations
    write_parquet(found, tmp_path / "predictions")
    assert get_reader(str(tmp_path)) is None
    assert get_reader([str(tmp_path / "predictions"), str(tmp_path)]) is None
    read = get_reader(str(tmp_path / "predictions"))
    assert read is not None
    layers = read(str(tmp_path / "predictions"))
    assert [(labels.max(), told["name"], kind) for labels, told, kind in layers] == [
        (1, "image_1", "labels"), (3, "image_2", "labels"),
    ]  # fmt: skip
    assert layers[1][1]["features"]["category"].tolist()[1:] == [found.categories[0]] * 3
