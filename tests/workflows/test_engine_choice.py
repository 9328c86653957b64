"""Engines are chosen by counts and time, and give the cells that PyTorch gives."""

import logging

import numpy as np
import pytest

from cell_pipelines.api import count
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inference.predictor import create_predictor
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.workflows import engine_choice
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.engine_choice import choose_engine
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.starters import starter_path
from cell_pipelines.workflows.trained_model import TrainedModel

pytest.importorskip("openvino")
AUTO = InferenceParameters(engine="auto", diameter_px=20)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    scene = NucleiScene(height=190, width=211, cells=18, mean_radius_px=10.0, clumping=0.3, noise=0.5, debris=0.0)
    write_image(simulate_nuclei(scene, seed=3).image, folder / "a.png")
    return {"a.png": ImageFile(folder / "a.png")}


@pytest.fixture
def trials(monkeypatch):
    """Let engines take times and give counts without being run."""
    times: dict[str, tuple[float, tuple[int, ...]] | None] = {}

    def give(parts, model, parameters, engine):
        found = times.get(engine_choice.describe_engine(engine))
        return None if found is None else engine_choice._Trial(*found)

    monkeypatch.setattr(engine_choice, "_try", give)
    monkeypatch.setattr(engine_choice, "_LEAST_PIXELS", 0)
    return times


def chosen(images, folder, parameters=AUTO):
    found = choose_engine(images, TrainedModel.open("nuclei"), folder, parameters)
    return f"{found.engine} {found.precision}"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, "pytorch float32"),
        ({"pytorch bfloat16": (0.5, (20,)), "openvino float32": (0.7, (20,))}, "pytorch bfloat16"),
        ({"pytorch bfloat16": (0.5, (21,)), "openvino float32": (0.7, (20,))}, "openvino float32"),
        ({"openvino bfloat16": (0.95, (20,))}, "pytorch float32"),
        ({"openvino bfloat16": (0.1, (19,)), "onnxruntime float32": (1.2, (20,))}, "pytorch float32"),
    ],
)
def test_the_fastest_with_the_same_counts_is_taken_and_kept(others, expected, trials, images, tmp_path, caplog):
    trials |= {"pytorch float32": (1.0, (20,)), **others}
    with caplog.at_level(logging.INFO):
        assert chosen(images, tmp_path) == expected
    assert f"engine: {expected}. Parts of 1 images with 20 cells take PyTorch in float32 1 s" in caplog.text
    trials.clear()
    assert chosen(images, tmp_path) == expected  # as work that goes on has it


def test_without_cells_or_for_few_pixels_it_is_pytorch(trials, images, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    trials |= {"pytorch float32": (1.0, (0,)), "openvino float32": (0.1, (0,))}
    assert (
        chosen(images, tmp_path) == "pytorch float32" and "have no cells whose counts could be compared" in caplog.text
    )
    monkeypatch.setattr(engine_choice, "_LEAST_PIXELS", 10**9)
    assert chosen(images, tmp_path / "other") == "pytorch float32"
    assert "counted sooner than other engines are tried" in caplog.text


def test_an_engine_that_is_named_is_used(images, tmp_path):
    assert chosen(images, tmp_path, InferenceParameters(engine="openvino")) == "openvino float32"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_gives_pytorchs_scores_of_images_and_tiles_of_any_size(engine, images):
    options = {"device": "cpu", "diameter_px": 20.0, "tile": 96}
    image = images["a.png"]()[:, :173]
    expected, found = (
        create_predictor(starter_path("nuclei"), engine=one, **options).predict(image) for one in ("pytorch", engine)
    )
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert np.allclose(array.astype(float), found[name].astype(float), atol=1e-4 * max(1.0, array.max()))


def test_the_table_of_counts_names_the_engine(images, tmp_path):
    counts = []
    for engine in ("pytorch", "openvino"):
        inference, parameters = InferenceParameters(engine=engine, diameter_px=20), PredictionParameters()
        model = TrainedModel.open("nuclei")
        counts.append(count_cells(find_cells(images, model, tmp_path, inference, parameters), model, parameters))
    assert counts[0]["total"].tolist() == counts[1]["total"].tolist() != [0]
    assert "engine" not in counts[0] and counts[1]["engine"].tolist() == ["openvino float32"]


def test_an_engine_that_cannot_be_is_refused_in_a_sentence(images):
    with pytest.raises(MistakeError, match="`engine` must be one of pytorch, onnxruntime, openvino, auto, got 'fast'"):
        count(images["a.png"].path, engine="fast")
    with pytest.raises(ValueError, match="onnxruntime computes in float32; got `precision` bfloat16"):
        create_predictor(starter_path("nuclei"), engine="onnxruntime", precision="bfloat16", device="cpu")
