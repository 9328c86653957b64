"""The images of a folder: one that is asked for and is not there is a sentence, in other processes, too."""

import pickle

import pytest

from cell_pipelines.datasets.image_dataset import ImageFolderDataset
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import write_image


def test_an_image_that_is_not_there_is_named_with_the_folder_and_what_to_do(tmp_path, squares_image):
    write_image(squares_image(1), tmp_path / "a.png")
    images = ImageFolderDataset(path=str(tmp_path)).load()
    for one in (images, pickle.loads(pickle.dumps(images))):
        assert list(one) == ["a.png"] and one.get("b.png") is None and "b.png" not in one
        with pytest.raises(MistakeError, match=rf"{tmp_path}: there is no image `b\.png`.*raw_images"):
            one["b.png"]
