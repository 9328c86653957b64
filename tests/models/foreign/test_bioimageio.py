"""Packages of BioImage.IO that the test makes: TorchScript that computes maps or labels by a known rule."""

import zipfile

import numpy as np
import pytest
import torch
import yaml

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.models.model_file import count_parameters
from cell_pipelines.workflows.trained_model import TrainedModel

core = pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = np.zeros((37, 50), np.uint8)
IMAGE[5:15, 6:20] = 200
IMAGE[20:30, 30:45] = 100


class Maps(torch.nn.Module):
    """Foreground where a pixel is bright, boundary where its left neighbour is not."""

    def forward(self, x):
        cell = (x > 0.2).float()
        left = torch.nn.functional.pad(cell, [1, 0, 0, 0])[..., :-1]
        return torch.cat([cell, cell * (1 - left)], dim=1)


class Labels(torch.nn.Module):
    def forward(self, x):
        return (x > 0.6).float() * 7 + ((x > 0.2) & (x < 0.6)).float() * 3


class Logits(torch.nn.Module):
    def forward(self, x):
        return x * 20 - 10


def write_package(folder, module, channels, *, step=8, halo=0, names=None, form="torchscript", **changes):
    folder.mkdir(parents=True, exist_ok=True)
    torch.jit.script(module).save(str(folder / "weights.pt"))
    (folder / "doc.md").write_text("A model of a test.")
    for side, count in (("in", 1), ("out", channels)):
        np.save(folder / f"{side}.npy", np.zeros((1, count, 8 * step, 8 * step), np.float32))
    space = [{"type": "space", "id": axis, "size": {"min": 4 * step, "step": step}} for axis in "yx"]
    seen = [
        {"type": "space", "id": axis, "size": {"tensor_id": "raw", "axis_id": axis}} | ({"halo": halo} if halo else {})
        for axis in "yx"
    ]
    names = names or [f"channel{place}" for place in range(channels)]
    description = {
        "type": "model", "format_version": "0.5.3", "name": "squares", "description": "of a test",
        "authors": [{"name": "A Person", "github_user": "nobody"}], "cite": [{"text": "none", "url": "https://a.org"}],
        "license": "MIT", "documentation": "doc.md", "timestamp": "2026-01-01T00:00:00",
        "inputs": [{
            "id": "raw", "test_tensor": {"source": "in.npy"}, "data": {"type": "float32"},
            "axes": [{"type": "batch"}, {"type": "channel", "id": "channel", "channel_names": ["grey"]}, *space],
            "preprocessing": [{"id": "scale_linear", "kwargs": {"gain": 1 / 255, "offset": 0.0}}],
        }],
        "outputs": [{
            "id": "result", "test_tensor": {"source": "out.npy"}, "data": {"type": "float32"},
            "axes": [{"type": "batch"}, {"type": "channel", "id": "channel", "channel_names": names}, *seen],
        }],
        "weights": {form: {"source": "weights.pt", "pytorch_version": "2.1"}},
        **changes,
    }  # fmt: skip
    (folder / "rdf.yaml").write_text(yaml.safe_dump(description))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path / "imported"))


def predicted(model):
    (scores,) = unpack_scores(create_predictor(model.path, device="cpu").predict(IMAGE))
    return scores, model.representation.decode(scores, model.thresholds.classes["cell"])


@pytest.mark.parametrize("halo", [0, 8])
@pytest.mark.parametrize("kind", ["folder", "rdf.yaml", "zip"])
def test_foreground_and_boundary_become_cells_at_the_images_place(tmp_path, kind, halo):
    path = write_package(tmp_path / "p", Maps(), 2, halo=halo)
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            for file in path.iterdir():
                archive.write(file, file.name)
        path = tmp_path / "p.zip"
    model = TrainedModel.open(f"bioimageio:foreground-boundary:{path / 'rdf.yaml' if kind == 'rdf.yaml' else path}")
    scores, cells = predicted(model)
    bright = IMAGE > 0.2 * 255
    np.testing.assert_array_equal(scores["foreground"] > 0, bright)
    np.testing.assert_array_equal((scores["cell"] > 0), bright & np.roll(bright, 1, axis=1))
    np.testing.assert_array_equal(cells.labels > 0, bright)
    assert cells.labels.max() == 2 and model.is_scored and np.isnan(count_parameters(model.path))


def test_label_images_become_cells_without_scores(tmp_path):
    model = TrainedModel.open(f"bioimageio:labels:{write_package(tmp_path / 'p', Labels(), 1)}")
    _, cells = predicted(model)
    assert not model.is_scored and cells.labels.max() == 2 and np.isnan(cells.scores).all()
    np.testing.assert_array_equal(cells.labels == 1, IMAGE == 100)


def test_names_of_channels_say_what_an_output_means(tmp_path):
    path = write_package(tmp_path / "p", Maps(), 2, names=["Foreground", "Boundary"])
    model = TrainedModel.open(f"bioimageio:{path}")
    assert model.record["foreign"]["output"] == "foreground-boundary"
    assert predicted(model)[1].labels.max() == 2


def test_where_nothing_says_it_nothing_is_guessed(tmp_path):
    path = write_package(tmp_path / "p", Maps(), 2)
    with pytest.raises(ValueError, match=r"doesn't say what its output means \(channels: channel0, channel1\); say it"):
        TrainedModel.open(f"bioimageio:{path}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("foreground", r"2 channels \(channel0, channel1\), but 1 words"),
        ("labels-foreground", "one channel of labels, or one of foreground"),
        ("boundary-other", "one channel of labels, or one of foreground"),
    ],
)
def test_words_that_do_not_fit_are_refused(tmp_path, words, sentence):
    path = write_package(tmp_path / "p", Maps(), 2)
    with pytest.raises(ValueError, match=sentence):
        TrainedModel.open(f"bioimageio:{words}:{path}")


def test_outputs_that_are_not_what_was_said_are_refused(tmp_path):
    model = TrainedModel.open(f"bioimageio:foreground:{write_package(tmp_path / 'p', Logits(), 1)}")
    with pytest.raises(ValueError, match=r"in \[0, 1\], got -10"):
        predicted(model)
    model = TrainedModel.open(f"bioimageio:labels:{tmp_path / 'p'}")
    with pytest.raises(ValueError, match="whole numbers from 0 on"):
        predicted(model)


def test_a_package_that_changed_is_refused(tmp_path):
    path = write_package(tmp_path / "p", Maps(), 2)
    model = TrainedModel.open(f"bioimageio:foreground-boundary:{path}")
    write_package(path, Labels(), 2)
    with pytest.raises(ValueError, match="not those that the model file was made of"):
        create_predictor(model.path, device="cpu")


def test_what_is_no_package_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "rdf.yaml").write_text("name: nothing")
    with pytest.raises(ValueError, match=r"rdf\.yaml: expected a model of BioImage\.IO") as found:
        TrainedModel.open(f"bioimageio:{tmp_path}")
    assert "\n" not in str(found.value)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        TrainedModel.open(f"bioimageio:{tmp_path / 'nothing.zip'}")


def test_code_of_a_package_runs_only_where_it_is_trusted(tmp_path):
    path = write_package(tmp_path / "p", Maps(), 2)
    (path / "network.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    text = yaml.safe_load((path / "rdf.yaml").read_text())
    architecture = {"source": "network.py", "callable": "Maps"}
    text["weights"] = {
        "pytorch_state_dict": {"source": "weights.pt", "architecture": architecture, "pytorch_version": "2.1"}
    }
    (path / "rdf.yaml").write_text(yaml.safe_dump(text))
    model = TrainedModel.open(f"bioimageio:foreground-boundary:{path}")
    with pytest.raises(ValueError, match="inference.trust=true"):
        create_predictor(model.path, device="cpu")
    assert not list(tmp_path.rglob("ran"))
