"""A folder that StarDist's Keras version wrote gives here what StarDist itself predicted with it.

`stardist_keras` holds a tiny network with random weights that StarDist 0.9.2 built and saved (TensorFlow 2.21), an
image, and what its `predict` and `predict_instances` gave for it.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.inference.segmentation import SegmentationPredictor
from cell_pipelines.models.foreign.names import import_foreign
from cell_pipelines.models.foreign.stardist_keras import read
from cell_pipelines.workflows.trained_model import TrainedModel

h5py = pytest.importorskip("h5py", reason="h5py is not installed, so StarDist's weights can't be read")

FIXTURE = Path(__file__).parent / "stardist_keras"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path / "imported"))


@pytest.fixture
def predicted():
    with np.load(FIXTURE / "predicted.npz") as content:
        return dict(content)


@pytest.fixture
def folder(tmp_path):
    """A copy of the folder, to be changed."""
    return Path(shutil.copytree(FIXTURE, tmp_path / "model"))


def change(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_probabilities_and_distances_are_those_of_the_keras_network(predicted):
    predictor = SegmentationPredictor(import_foreign(f"stardist:{FIXTURE}"), device="cpu")
    pixels = predictor.open(predicted["image"])
    outputs = predictor._network(pixels.read((0, 0, *pixels.shape))[None])[0]
    np.testing.assert_allclose(outputs[0], predicted["prob"], atol=1e-6)
    np.testing.assert_allclose(np.maximum(outputs[1:], 1e-3).transpose(1, 2, 0), predicted["dist"], atol=1e-5)


def test_cells_are_those_of_stardist_pixel_by_pixel(predicted):
    model = TrainedModel.open(f"stardist:{FIXTURE}")
    (scores,) = SegmentationPredictor(model.path, device="cpu").predict(predicted["image"])
    cells = model.representation.decode(scores, model.thresholds.classes["cell"])
    assert len(cells.scores) == predicted["labels"].max() == 33
    np.testing.assert_array_equal(cells.labels, predicted["labels"])


def test_thresholds_are_those_of_the_folder_and_stardists_own_without_them(folder):
    model = TrainedModel.open(f"stardist:{folder}")
    assert model.thresholds.classes["cell"].score == json.loads((folder / "thresholds.json").read_text())["prob"]
    assert model.has_own_thresholds and model.representation.nms == 0.3
    (folder / "thresholds.json").unlink()
    bare = TrainedModel.open(f"stardist:{folder}")
    assert bare.thresholds.classes["cell"].score == 0.5 and bare.representation.nms == 0.4


def test_a_changed_file_gives_another_model_file_and_the_same_files_the_same(folder):
    first = import_foreign(f"stardist:{folder}")
    assert import_foreign(f"stardist:{folder}") == first
    change(folder / "thresholds.json", nms=0.5)
    assert import_foreign(f"stardist:{folder}") != first


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"n_dim": 3}, "n_dim"),
        ({"n_classes": 2}, "n_classes"),
        ({"backbone": "resnet"}, "backbone"),
        ({"grid": [1, 2]}, "grid"),
        ({"grid": [3, 3]}, "grid"),
        ({"unet_batch_norm": True}, "unet_batch_norm"),
        ({"unet_kernel_size": [3, 5]}, "unet_kernel_size"),
        ({"unet_activation": "elu"}, "unet_activation"),
        ({"unet_n_depth": 3}, "weights_best.h5"),
        ({"unet_n_filter_base": 5}, "weights_best.h5"),
        ({"net_conv_after_unet": 0}, "features"),
        ({"grid": [4, 4]}, "conv2d for grid_1"),
        ({"unet_n_depth": "deep"}, "config.json"),
    ],
)
def test_what_is_not_known_is_refused_in_one_sentence_that_names_it(folder, settings, named):
    change(folder / "config.json", **settings)
    with pytest.raises(ValueError, match=named) as caught:
        read(str(folder), "cell")
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no HDF5", (FIXTURE / "weights_best.h5").read_bytes()[:30000]])
def test_damaged_weights_are_refused_by_name(folder, content):
    (folder / "weights_best.h5").write_bytes(content)
    with pytest.raises(ValueError, match=r"weights_best\.h5: expected the weights"):
        read(str(folder), "cell")


def test_weights_of_keras_3_are_refused_by_name(folder):
    with h5py.File(folder / "weights_best.h5", "w") as file:
        file.create_group("layers/conv2d/vars")
    with pytest.raises(ValueError, match="Keras 3"):
        read(str(folder), "cell")


@pytest.mark.parametrize("missing", ["config.json", "weights_best.h5"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        import_foreign(f"stardist:{folder}")


def test_thresholds_outside_their_range_are_refused(folder):
    change(folder / "thresholds.json", prob=1.5)
    with pytest.raises(ValueError, match=r"thresholds\.json: expected `prob` in \[0, 1\], got 1\.5"):
        read(str(folder), "cell")


def test_a_prefix_of_the_layers_and_a_whole_saved_model_are_understood(folder):
    plain = read(str(folder), "cell")
    with h5py.File(FIXTURE / "weights_best.h5") as old, h5py.File(folder / "weights_best.h5", "w") as new:
        root = new.create_group("model_weights")
        names = [name.decode() if isinstance(name, bytes) else name for name in old.attrs["layer_names"]]
        own = [f"p_{name}" if name.startswith(("down", "middle", "up")) else name for name in names]
        root.attrs["layer_names"] = own
        for name, prefixed in zip(names, own, strict=True):
            old.copy(name, root, name=prefixed)
    change(folder / "config.json", unet_prefix="p_")
    assert read(str(folder), "cell") == plain


def test_an_image_without_contrast_has_no_cells_beyond_those_of_a_black_one(predicted):
    model = TrainedModel.open(f"stardist:{FIXTURE}")
    predictor = SegmentationPredictor(model.path, device="cpu")
    hot = np.zeros((60, 60), np.uint16)
    hot[30, 30] = 60000
    found = [predictor.predict(image)[0] for image in (np.zeros_like(hot), hot)]
    np.testing.assert_array_equal(found[0]["probabilities"], found[1]["probabilities"])
