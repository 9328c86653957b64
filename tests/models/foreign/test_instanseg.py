"""Models of InstanSeg that the test makes: a TorchScript with their signature, and their own network, untrained."""

from urllib.error import URLError

import numpy as np
import pytest
import torch

from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.workflows.trained_model import TrainedModel

instanseg = pytest.importorskip("instanseg", reason="InstanSeg is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = np.zeros((64, 80), np.uint16)
IMAGE[5:25, 6:20] = 1000
IMAGE[30:50, 30:65] = 500


class Script(torch.nn.Module):
    """Bright pixels are nucleus 2, darker ones nucleus 1; where there are cells, too, both are one."""

    def __init__(self, cells_and_nuclei: bool, pixel_size: float):
        super().__init__()
        self.cells_and_nuclei, self.pixel_size = cells_and_nuclei, pixel_size

    def forward(self, x: torch.Tensor, target_segmentation: torch.Tensor = torch.tensor([1, 1])) -> torch.Tensor:  # noqa: B008
        bright = x.mean(dim=1, keepdim=True)
        nuclei = (bright > 0.25).float() + (bright > 0.75).float()
        cells = (nuclei > 0).float()
        if not self.cells_and_nuclei:
            return nuclei
        if int(target_segmentation[0]) == 0:
            return cells
        return nuclei if int(target_segmentation[1]) == 0 else torch.cat([nuclei, cells], dim=1)


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path / "imported"))

    def save(both=False, pixel_size=0.5):
        torch.jit.script(Script(both, pixel_size)).save(str(tmp_path / "instanseg.pt"))
        return tmp_path / "instanseg.pt"

    return save


def cells_of(name, image=IMAGE):
    model = TrainedModel.open(name)
    found = create_predictor(model.path, device="cpu").predict(image)
    (scores,) = unpack_scores(found)
    return model.representation.decode(scores, model.thresholds.classes["cell"])


def test_its_label_images_are_the_cells_and_have_no_scores(script):
    cells = cells_of(f"instanseg:{script()}")
    np.testing.assert_array_equal(cells.labels, (IMAGE > 0).astype(int) + (IMAGE > 600))
    assert np.isnan(cells.scores).all() and len(cells.scores) == 2


def test_images_are_brought_to_the_scale_that_the_model_knows(script):
    model = TrainedModel.open(f"instanseg:{script()}")
    predictor = create_predictor(model.path, device="cpu")
    as_it_is, unknown = predictor.examine_scaled(IMAGE, 0.5), predictor.examine(IMAGE)
    np.testing.assert_array_equal(as_it_is.arrays["0/labels"], unknown.arrays["0/labels"])
    assert as_it_is.warning == "" and "took them to be 0.5 µm" in unknown.warning
    fine = predictor.examine_scaled(np.kron(IMAGE, np.ones((2, 2), IMAGE.dtype)), 0.25)
    assert fine.arrays["0/labels"].shape == (128, 160) and fine.arrays["0/labels"].max() == 2


def test_of_nuclei_and_cells_one_must_be_chosen(script):
    path = script(both=True)
    with pytest.raises(ValueError, match="finds nuclei and cells; name it instanseg:nuclei: or instanseg:cells:"):
        TrainedModel.open(f"instanseg:{path}")
    assert cells_of(f"instanseg:nuclei:{path}").labels.max() == 2
    assert cells_of(f"instanseg:cells:{path}").labels.max() == 1
    with pytest.raises(ValueError, match="finds one kind of cell"):
        TrainedModel.open(f"instanseg:cells:{script(both=False)}")


def test_its_own_network_gives_here_what_it_gives_by_itself(tmp_path, monkeypatch):
    from instanseg.utils.loss.instanseg_loss import InstanSeg_Torchscript
    from instanseg.utils.models.InstanSeg_UNet import InstanSeg_UNet

    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path / "imported"))
    torch.manual_seed(0)
    network = InstanSeg_UNet(in_channels=1, out_channels=[[2, 2, 1]], layers=[8, 16], norm="BATCH")
    network.pixel_classifier = torch.nn.Linear(2, 1)
    module = InstanSeg_Torchscript(network, pixel_size=0.5, backbone_dim_in=1)
    torch.jit.script(module).save(str(tmp_path / "own.pt"))
    image = np.random.default_rng(0).poisson(20, (256, 256)).astype(np.uint16)
    ours = cells_of(f"instanseg:{tmp_path / 'own.pt'}", image)
    theirs = instanseg.InstanSeg(torch.jit.load(tmp_path / "own.pt"), device="cpu", verbosity=0).eval_small_image(
        image, pixel_size=0.5, return_image_tensor=False
    )
    found = theirs.numpy()[0, 0]
    assert (len(np.unique(found)) - 1) == ours.labels.max()
    np.testing.assert_array_equal(ours.labels > 0, found > 0)


def test_other_files_and_unknown_names_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt: expected a TorchScript file of InstanSeg"):
        TrainedModel.open(f"instanseg:{tmp_path / 'other.pt'}")
    with pytest.raises(FileNotFoundError, match="single_channel_nuclei"):
        TrainedModel.open("instanseg:no_such_model")


def test_offline_a_name_is_one_sentence(monkeypatch, tmp_path):
    import requests

    def no_network(*_, **__):
        raise requests.ConnectionError("no network") from URLError("x")

    monkeypatch.setenv("INSTANSEG_BIOIMAGEIO_PATH", str(tmp_path))
    monkeypatch.setattr(requests, "get", no_network)
    with pytest.raises(FileNotFoundError, match="single_channel_nuclei is not in .* and can't be fetched") as found:
        TrainedModel.open("instanseg:single_channel_nuclei")
    assert "\n" not in str(found.value)
