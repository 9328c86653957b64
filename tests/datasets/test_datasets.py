import numpy as np
import pytest
from kedro.io import DatasetError

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.datasets.annotation_dataset import AnnotationDataset, SourceAnnotationDataset
from cell_pipelines.datasets.checkpoint_dataset import CheckpointDataset
from cell_pipelines.datasets.folder_dataset import FolderDataset, WorkFolderDataset
from cell_pipelines.datasets.image_dataset import ImageDataset, ImageFolderDataset
from cell_pipelines.imaging.reading import write_image


def fill(text):
    def write(folder):
        (folder / "file.txt").write_text(text)

    return write


def test_a_folder_appears_whole_and_replaces_the_old_one_as_a_whole(tmp_path):
    dataset = FolderDataset(path=str(tmp_path / "out"))
    assert not dataset.exists()
    dataset.save(fill("first"))
    (tmp_path / "out" / "stale.txt").write_text("of a larger run")
    dataset.save(fill("second"))
    assert [p.name for p in dataset.load().iterdir()] == ["file.txt"]
    assert (dataset.load() / "file.txt").read_text() == "second"


def test_a_folder_whose_writer_fails_stays_as_it_was(tmp_path):
    dataset = FolderDataset(path=str(tmp_path / "out"))
    dataset.save(fill("first"))

    def fail(folder):
        (folder / "half.txt").write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(fail)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "file.txt").read_text() == "first"


def test_a_read_only_folder_is_never_written(tmp_path):
    (tmp_path / "own.txt").write_text("mine")
    dataset = FolderDataset(path=str(tmp_path), read_only=True)
    dataset.save(fill("generated"))
    assert [p.name for p in tmp_path.iterdir()] == ["own.txt"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere"):
        FolderDataset(path=str(tmp_path / "nowhere")).load()


def test_a_work_folder_keeps_what_was_written(tmp_path):
    dataset = WorkFolderDataset(path=str(tmp_path / "work"))
    (dataset.load() / "half.txt").write_text("half")
    assert (dataset.load() / "half.txt").read_text() == "half"


@pytest.mark.parametrize(
    "dataset",
    [ImageFolderDataset(path="raw"), SourceAnnotationDataset(path="raw"), WorkFolderDataset(path="work")],
    ids=lambda d: type(d).__name__,
)
def test_what_is_only_read_refuses_to_be_saved(dataset):
    with pytest.raises((DatasetError, NotImplementedError)):
        dataset.save("anything")


def test_an_image_folder_lists_without_reading(tmp_path):
    write_image(np.zeros((4, 5), np.uint8), tmp_path / "b" / "two.png")
    (tmp_path / "a.jpg").write_bytes(b"broken")
    (tmp_path / ".hidden.png").write_bytes(b"")
    images = ImageFolderDataset(path=str(tmp_path)).load()
    assert list(images) == ["a.jpg", "b/two.png"]
    assert images["b/two.png"]().shape == (4, 5)


def test_an_image_is_shown_by_its_own_bytes(tmp_path):
    dataset = ImageDataset(filepath=str(tmp_path / "a.png"))
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    dataset.save(image)
    np.testing.assert_array_equal(dataset.load(), image)
    assert dataset.preview().startswith("iVBOR")


def test_annotations_come_back_and_are_previewed_by_image(tmp_path):
    builder = AnnotationBuilder(["cell", "debris"])
    builder.add_box(builder.add_image("a.png", width=8, height=8, split="train"), "debris", (0, 0, 2, 2))
    dataset = AnnotationDataset(path=str(tmp_path / "annotations"))
    with pytest.raises(DatasetError, match=r"annotations: expected annotations .*pipeline that makes them"):
        dataset.load()
    dataset.save(builder.build())
    assert dataset.load().fingerprint() == builder.build().fingerprint()
    preview = dataset.preview()
    assert preview["columns"] == ["name", "width", "height", "split", "cell", "debris"]
    assert preview["data"] == [["a.png", 8, 8, "train", 0, 1]]


def test_a_checkpoint_is_its_bytes_and_a_missing_one_says_what_to_do(tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "models" / "yolo.pt"))
    with pytest.raises(DatasetError, match="run its training pipeline first"):
        dataset.load()
    dataset.save(b"weights")
    assert dataset.load().read_bytes() == b"weights"


def test_a_format_that_is_misspelt_is_refused_before_anything_is_read():
    with pytest.raises(DatasetError, match=r"no format 'labelimage' of annotations .*did you mean 'label_image'\?"):
        SourceAnnotationDataset(path="raw", format="labelimage")
