"""Packages of BioImage.IO that are written here, run by its own library without this project, and read back."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.inference.bioimageio_export.decoding import write_modules
from cell_pipelines.inference.bioimageio_export.description import preprocessing
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.models.model_file import with_record
from cell_pipelines.representations.registry import REPRESENTATIONS
from cell_pipelines.workflows.model_export import export_model
from cell_pipelines.workflows.trained_model import TrainedModel

pytestmark = pytest.mark.filterwarnings("ignore")

# Python in which this project can't be imported, as where it isn't installed.
_BLOCKED = """
import importlib.abc, runpy, sys
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        place = next((one for one in sys.path if one.endswith("decoding.zip")), None)
        if name == "cell_pipelines" and place != sys.path[0]:
            raise ImportError("cell_pipelines is blocked")
sys.meta_path.insert(0, Block())
try:
    import cell_pipelines
except ImportError as error:
    assert "blocked" in str(error)
else:
    raise AssertionError("cell_pipelines can be imported")
script = sys.argv[1]
sys.argv = sys.argv[1:]
runpy.run_path(script, run_name="__main__")
import cell_pipelines
assert "decoding.zip" in cell_pipelines.__file__
"""


def export(path, folder, **options):
    """Export, and return the package with the folder that it was unpacked into."""
    export_model(
        path, folder / "package.zip", format="bioimageio", licence="CC-BY-4.0", authors=["A Person"], **options
    )
    with zipfile.ZipFile(folder / "package.zip") as archive:
        archive.extractall(folder / "unpacked")
    return folder / "package.zip", folder / "unpacked"


def find_labels(model, image):
    """Find cells by our own prediction, by class."""
    scores = unpack_scores(create_predictor(model.path, device="cpu").predict(image))
    classes = model.thresholds.classes
    pairs = zip(model.categories, scores, strict=True)
    return {name: model.representation.decode(one, classes[name]).labels for name, one in pairs}


def decode_without_this_project(folder, output):
    np.save(folder / "output.npy", output)
    words = [str(folder / name) for name in ("decode.py", "output.npy", "labels.npz")]
    subprocess.run([sys.executable, "-c", _BLOCKED, *words], check=True, cwd=folder)
    with np.load(folder / "labels.npz") as labels:
        return dict(labels)


def read_test_image(folder):
    image = np.load(folder / "test_input.npy")[0].transpose(1, 2, 0)
    return image[..., 0] if image.shape[2] == 1 else image


def check(path, folder, **options):
    _, unpacked = export(path, folder, **options)
    expected = find_labels(TrainedModel.open(path), read_test_image(unpacked))
    found = decode_without_this_project(unpacked, np.load(unpacked / "test_output.npy"))
    assert set(found) == set(expected) and all(np.array_equal(found[name], expected[name]) for name in expected)
    return expected


def test_the_script_finds_the_same_cells_where_this_project_can_not_be_imported(squares_model, tmp_path):
    pixels = np.full((70, 83), 12, np.uint8)
    pixels[20:34, 20:34] = pixels[20:34, 44:58] = pixels[44:58, 20:34] = 220
    from cell_pipelines.imaging.reading import write_image

    write_image(pixels, tmp_path / "a.png")
    assert check(squares_model, tmp_path, image=tmp_path / "a.png")["cell"].max() == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
@pytest.mark.parametrize("normalisation", ["full_range", "percentile", "percentile_1_to_99_8"])
def test_the_script_finds_what_is_found_here_for_every_representation(name, normalisation, write_model, tmp_path):
    path = write_model("resunet", representation=name, stride=2 if name == "star" else 1)
    path.write_bytes(with_record(path, {"normalisation": normalisation}))
    _, unpacked = export(path, tmp_path)
    output, model = np.load(unpacked / "test_output.npy"), TrainedModel.open(path)
    found = decode_without_this_project(unpacked, output)
    for category, part in zip(model.categories, np.split(output[0], 2), strict=True):
        scores = model.representation.reduce(np.ascontiguousarray(part))
        expected = model.representation.decode(scores, model.thresholds.classes[category]).labels
        assert expected.max() > 0 or name in ("flows", "distance")
        np.testing.assert_array_equal(found[category], expected)
    core = pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed")
    summary = core.test_model(tmp_path / "package.zip", devices=["cpu"])
    assert summary.status == "passed", summary.format()


def test_a_package_passes_the_librarys_test_and_is_read_back(squares_model, tmp_path, monkeypatch):
    core = pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed")
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path / "imported"))
    package, unpacked = export(squares_model, tmp_path)
    summary = core.test_model(package, devices=["cpu"])
    assert summary.status == "passed", summary.format()
    image = read_test_image(unpacked)
    expected = find_labels(TrainedModel.open(squares_model), image)
    found = find_labels(TrainedModel.open(f"bioimageio:{package}"), image)
    assert np.array_equal(found["cell"], expected["cell"])


def test_the_modules_of_a_decoding_are_all_there_and_need_no_network(tmp_path):
    from cell_pipelines.inference.bioimageio_export import decode

    others = write_modules(Path(decode.__file__), tmp_path / "decoding.zip")
    names = zipfile.ZipFile(tmp_path / "decoding.zip").namelist()
    wanted = ("__init__", "representations/star", "thresholds")
    assert {f"cell_pipelines/{name}.py" for name in wanted} <= set(names)
    assert not [name for name in names if name.split("/")[1] in ("models", "inference", "imaging", "workflows")]
    assert {"numpy", "scipy", "numba", "opencv-python"} <= set(others) and "torch" not in others


@pytest.mark.parametrize(
    ("normalisation", "dtype", "steps"),
    [
        ("percentile", "uint16", ["scale_range", "clip"]),
        ("percentile_1_to_99_8", "uint8", ["scale_range"]),
        ("percentile_above_8_bit", "uint16", ["scale_range", "clip"]),
        ("percentile_above_8_bit", "uint8", ["scale_linear", "clip"]),
        ("full_range", "float32", ["scale_linear", "clip"]),
    ],
)
def test_preprocessing_follows_the_normalisation(normalisation, dtype, steps):
    found = [step["id"] for step in preprocessing(normalisation, dtype)]
    assert found == ["ensure_dtype", *steps, "ensure_dtype"]


def test_the_grid_of_an_output_and_the_sizes_of_images_are_described(write_model, tmp_path):
    import yaml

    _, unpacked = export(write_model("resunet", representation="star", stride=2), tmp_path)
    described = yaml.safe_load((unpacked / "rdf.yaml").read_text(encoding="utf-8"))
    assert described["inputs"][0]["axes"][2]["size"] == {"min": 8, "step": 8}
    assert described["outputs"][0]["axes"][2]["scale"] == 2.0
    assert json.loads((unpacked / "decoding.json").read_text())["representation"]["options"]["stride"] == 2
    assert described["license"] == "CC-BY-4.0" and described["authors"] == [{"name": "A Person"}]


def test_a_detector_is_refused_with_what_to_do(write_model, tmp_path):
    with pytest.raises(ValueError, match="this one gives boxes. Export it as onnx"):
        export_model(write_model("yolov8n"), tmp_path / "a.zip", format="bioimageio")
    assert not (tmp_path / "a.zip").exists()
