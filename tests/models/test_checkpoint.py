import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from cell_pipelines.models.checkpoint import read_checkpoint, write_checkpoint
from cell_pipelines.models.checkpoint_file import FORMAT, VERSION, is_checkpoint, read_description, with_description
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec

SPEC = NetworkSpec("resunet", None, 2, 3, options={"width": 2})
DESCRIPTION = {
    "categories": ["live", "dead"],
    "pixel_size_um": 0.65,
    "z": None,
    "decoding": {"live": {"cutoff": 0.55, "min_area_px": 12}},
    "resumed": False,
    "colour": "channels",
    "empty": {},
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = create_network(SPEC)
    network(torch.rand(4, 2, 16, 16))
    return network


@pytest.fixture
def path(tmp_path, network):
    path = tmp_path / "model.pt"
    path.write_bytes(write_checkpoint(network, DESCRIPTION))
    return path


def test_a_network_predicts_the_same_after_its_file_is_read(network, path):
    image = torch.rand(1, 2, 19, 23)
    loaded, _ = read_checkpoint(path)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(image), network.eval()(image))


@pytest.mark.parametrize("spec", [NetworkSpec("unet", "tu-test_resnet", 1), NetworkSpec("dpt", "tu-test_vit", 3)])
def test_a_network_with_an_encoder_needs_nothing_but_its_file(tmp_path, spec):
    path, network = tmp_path / "model.pt", create_network(spec).eval()
    path.write_bytes(write_checkpoint(network, {}))
    image = torch.rand(1, spec.in_channels, 32, 40)
    with torch.no_grad():
        assert torch.equal(read_checkpoint(path)[0](image), network(image))


def test_reading_leaves_the_random_numbers_as_they_were(path):
    before = torch.random.get_rng_state()
    read_checkpoint(path)
    assert torch.equal(before, torch.random.get_rng_state())


def test_plain_values_come_back_as_they_were(path):
    expected = {"network": SPEC.to_dict(), **DESCRIPTION}
    assert read_description(path) == expected == read_checkpoint(path)[1]


def test_tuples_become_lists_and_numbers_of_numpy_plain_ones(tmp_path, network):
    path = tmp_path / "model.pt"
    path.write_bytes(write_checkpoint(network, {"a": (1, (2,)), "b": np.float32(0.5), "c": np.int64(3), "d": np.True_}))
    description = read_description(path)
    assert description["a"] == [1, [2]]
    assert [type(description[name]) for name in "bcd"] == [float, int, bool]


def test_the_same_network_gives_the_same_bytes(network):
    assert write_checkpoint(network, DESCRIPTION) == write_checkpoint(network, DESCRIPTION)


def test_weights_are_stored_in_float32_and_without_what_they_are_a_view_of(tmp_path, network):
    size = len(write_checkpoint(network, {}))
    half = network.to(torch.bfloat16).to(memory_format=torch.channels_last)
    first = half.network.colour
    first.weight = torch.nn.Parameter(torch.zeros(100_000, dtype=torch.bfloat16)[:2].view(1, 2, 1, 1))
    path = tmp_path / "half.pt"
    path.write_bytes(write_checkpoint(half, {}))
    assert path.stat().st_size == size
    assert {value.dtype for value in read_checkpoint(path)[0].parameters()} == {torch.float32}
    assert half.network.colour.weight.dtype == torch.bfloat16


def test_a_changed_description_leaves_the_rest(path, network):
    changed = with_description(path, {"thresholds": {"live": 0.7}, "z": 2})
    path.write_bytes(changed)
    loaded, description = read_checkpoint(path)
    assert description == {"network": SPEC.to_dict(), **DESCRIPTION, "thresholds": {"live": 0.7}, "z": 2}
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


@pytest.mark.parametrize("value", [object(), {1: 2}, [torch.zeros(1)], {"a": {"b": {3}}}])
def test_what_is_not_plain_is_named(network, value):
    with pytest.raises(TypeError, match=r"`description\.entry.*must"):
        write_checkpoint(network, {"entry": value})


def test_a_network_from_elsewhere_must_be_described():
    with pytest.raises(ValueError, match=r"`network` must hold architecture"):
        write_checkpoint(torch.nn.Linear(1, 1), {})


def test_opening_a_file_runs_nothing_that_is_in_it(tmp_path):
    trap = tmp_path / "trap"

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    path = tmp_path / "model.pt"
    torch.save({"format": FORMAT, "version": VERSION, "description": {"x": Malicious()}, "weights": {}}, path)
    for read in (read_checkpoint, read_description):
        with pytest.raises(ValueError, match=r"model\.pt: expected a checkpoint"):
            read(path)
    path.write_bytes(pickle.dumps(Malicious()))
    assert not is_checkpoint(path)
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no model at all", b"\x80\x02}q\x00."])
def test_a_foreign_file_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    assert not is_checkpoint(path)
    with pytest.raises(ValueError, match=r"model\.pt: expected a checkpoint"):
        read_description(path)


def test_pytorch_files_of_another_kind_are_distinguished(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"another kind"):
        read_description(path)


def test_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"format": FORMAT, "version": VERSION + 1, "description": {}, "weights": {}}, path)
    with pytest.raises(ValueError, match=r"newer cell_pipelines \(format 2; this one reads up to 1\)"):
        read_checkpoint(path)


def test_weights_that_do_not_fit_are_told(path):
    path.write_bytes(
        with_description(path, {"network": NetworkSpec("resunet", None, 2, 3, options={"width": 4}).to_dict()})
    )
    with pytest.raises(ValueError, match=r"model\.pt: the weights don't fit"):
        read_checkpoint(path)


def test_damaged_bytes_never_pass_for_a_model(path):
    whole = path.read_bytes()
    draws = np.random.default_rng(0)
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        inside = whole.index(archive.read(largest))
    for position in [inside + 5, inside + largest.file_size - 1]:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
        with pytest.raises(ValueError, match=r"damaged"):
            read_checkpoint(path)
    for end in draws.integers(0, len(whole), 10):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"model\.pt: "):
            read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pt"):
        is_checkpoint(tmp_path / "nothing.pt")
