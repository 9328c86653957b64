import pytest
from kedro.io import DatasetError

from cell_pipelines.datasets.chosen_model_dataset import ChosenModelDataset
from cell_pipelines.workflows.starters import starter_path, starters


def test_the_studys_only_model_is_loaded_as_its_path(tmp_path):
    dataset = ChosenModelDataset(folder=str(tmp_path), models="resunet+unet")
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"resunet, unet.*train_resunet"):
        dataset.load()
    (tmp_path / "unet_untuned.pt").write_bytes(b"weights")
    assert dataset.exists()
    assert dataset.load() == tmp_path / "unet_untuned.pt"
    with pytest.raises(DatasetError, match="only read"):
        dataset.save(b"weights")


def test_a_file_that_is_named_goes_first(tmp_path):
    (tmp_path / "mine.pt").write_bytes(b"weights")
    dataset = ChosenModelDataset(folder=str(tmp_path), models=["resunet"], model=str(tmp_path / "mine.pt"))
    assert dataset.load() == tmp_path / "mine.pt"


def test_a_model_that_comes_with_the_package_is_named_as_in_the_command_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in starters():
        assert ChosenModelDataset(folder=str(tmp_path), models="unet", model=name).load() == starter_path(name)
        (tmp_path / name).write_bytes(b"weights")
        assert ChosenModelDataset(folder=str(tmp_path), models="unet", model=name).load() == tmp_path / name
