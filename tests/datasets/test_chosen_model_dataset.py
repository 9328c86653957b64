import pytest
from kedro.io import DatasetError

from cell_pipelines.datasets.chosen_model_dataset import ChosenModelDataset


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
