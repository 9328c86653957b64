"""Images are rescaled to the cells that a model knows, and what was used stands in the tables."""

import numpy as np
import pytest
import torch

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inference.cell_diameter import USUAL_SCORE, Diameter
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.scoring import COLUMNS, DIAMETER_COLUMNS, score_images
from cell_pipelines.workflows.trained_model import TrainedModel

KNOWN = {"cell_diameter_px": 20.0}


def make_model(path, **changes):
    torch.manual_seed(0)
    network = create_network(NetworkSpec("resunet", in_channels=1, out_channels=2, options={"width": 4}))
    description = {
        "representation": {"name": "distance", "options": {}}, "categories": ["nucleus"], "colour": "grey",
        "normalisation": "percentile", "mean_area_px": 314.0, **changes,
    }  # fmt: skip
    path.write_bytes(write_checkpoint(network, description))
    return TrainedModel.open(path)


@pytest.fixture
def images(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    write_image(noise, tmp_path / "images" / "a.png")
    return {"a.png": ImageFile(tmp_path / "images" / "a.png")}


def score(images, model, tmp_path, **inference):
    return score_images(images, {}, model, tmp_path / "scores", InferenceParameters(**inference))


@pytest.mark.parametrize("diameter", [10, 20, 55.5])
def test_a_given_diameter_is_used_and_said_and_cells_lie_in_the_images_pixels(diameter, images, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    inference = InferenceParameters(diameter_px=diameter)
    found = find_cells(images, model, tmp_path / "scores", inference, PredictionParameters())
    assert found.scores[list(DIAMETER_COLUMNS)].iloc[0].tolist() == [diameter, "given"]
    sizes = found.annotations.images
    assert (sizes["height"][0].as_py(), sizes["width"][0].as_py()) == (90, 120)
    counts = count_cells(found, model, PredictionParameters())
    assert counts.loc[0, ["diameter_px", "diameter_from"]].tolist() == [diameter, "given"]


def test_without_one_it_is_estimated(images, tmp_path):
    table = score(images, make_model(tmp_path / "m.pt", **KNOWN), tmp_path)
    assert table.loc[0, "diameter_from"] == "estimated"


def test_where_nothing_is_found_the_warning_says_that_the_image_was_taken_as_it_is(images, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN, mean_area_px=1e9)
    row = score(images, model, tmp_path).iloc[0]
    assert np.isnan(float(row["diameter_px"])) and "no cell was found at any scale" in row["warning"]


def test_each_diameter_has_scores_of_its_own(images, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    files = {score(images, model, tmp_path, diameter_px=size).loc[0, "file"] for size in (10, 20)}
    assert len(files) == 2


def test_a_model_that_sees_images_as_they_are_stays_what_it_was(images, tmp_path):
    model = make_model(tmp_path / "m.pt")
    table = score(images, model, tmp_path)
    assert tuple(table.columns) == COLUMNS
    with pytest.raises(MistakeError, match=r"m\.pt: this model sees images as they are.*got 12"):
        score(images, model, tmp_path, diameter_px=12)


def test_micrometres_need_images_that_tell_the_size_of_their_pixels(images, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    with pytest.raises(MistakeError, match=r"a\.png: the diameter is given in micrometres, but the image doesn't tell"):
        score(images, model, tmp_path, diameter_um=9)


def test_micrometres_become_pixels_by_the_size_that_is_given_where_the_image_does_not_tell(images, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    tables = [score(images, model, tmp_path, diameter_um=8, pixel_size_um=size).iloc[0] for size in (0.5, 0.25)]
    assert [row["diameter_px"] for row in tables] == [16.0, 32.0]
    assert [row["pixel_width_um"] for row in tables] == [row["pixel_height_um"] for row in tables] == [0.5, 0.25]
    assert {row["pixel_size_from"] for row in tables} == {"given"} and not any("µm" in row["warning"] for row in tables)


@pytest.mark.parametrize(("given", "is_said"), [(0.5, False), (0.502, False), (0.25, True)])
def test_a_size_that_the_file_contradicts_is_not_used_and_the_warning_says_so(given, is_said, tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    found = find_cells(
        {"a.ome.tif": calibrated(tmp_path)}, model, tmp_path / "scores",
        InferenceParameters(diameter_um=8, pixel_size_um=given), PredictionParameters(),
    )  # fmt: skip
    row = count_cells(found, model, PredictionParameters()).iloc[0]
    assert row[["diameter_px", "pixel_width_um", "pixel_size_from"]].tolist() == [16.0, 0.5, "file"]
    sentence = "pixels are 0.5 x 0.5 µm by the image's file, which is used, and 0.25 µm as given"
    assert (sentence in row["warning"]) == is_said


def calibrated(tmp_path):
    import tifffile

    path = tmp_path / "a.ome.tif"
    pixel = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, np.zeros((80, 80), np.uint16) + np.arange(80, dtype=np.uint16), ome=True, metadata=pixel)
    return ImageFile(path)


def test_micrometres_become_pixels_by_the_image(tmp_path):
    model = make_model(tmp_path / "m.pt", **KNOWN)
    table = score({"a.ome.tif": calibrated(tmp_path)}, model, tmp_path, diameter_um=8)
    assert table.loc[0, list(DIAMETER_COLUMNS)].tolist() == [16.0, "given"]


def test_two_diameters_are_one_too_many():
    with pytest.raises(ValueError, match="leave one of them out"):
        InferenceParameters(diameter_px=10, diameter_um=5)


@pytest.mark.parametrize(
    ("told", "used"), [({"usual_score": 0.7}, 0.7), ({}, USUAL_SCORE), ({"usual_score": None}, USUAL_SCORE)]
)
def test_the_diameter_is_estimated_by_the_score_that_the_model_file_calls_usual(
    told, used, images, tmp_path, monkeypatch
):
    asked = []

    def choose(*arguments):
        asked.append(arguments[-1])
        return Diameter(20.0, "estimated")

    monkeypatch.setattr("cell_pipelines.inference.segmentation.choose_diameter", choose)
    score(images, make_model(tmp_path / "m.pt", **KNOWN, **told), tmp_path)
    assert asked == [used]
