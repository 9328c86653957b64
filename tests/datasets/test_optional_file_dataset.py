from cell_pipelines.datasets.optional_file_dataset import OptionalFileDataset


def create(folder):
    return OptionalFileDataset(filepath=str(folder / "deep" / "a.onnx"), model="yolo", artifact_path="models")


def test_bytes_become_a_file_that_is_loaded_as_its_path(tmp_path):
    dataset = create(tmp_path)
    assert not dataset.exists() and dataset.load() is None
    dataset.save(b"network")
    assert dataset.exists() and dataset.load().read_bytes() == b"network"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.onnx"]


def test_no_bytes_leave_no_file_of_an_earlier_run(tmp_path):
    dataset = create(tmp_path)
    dataset.save(b"")
    dataset.save(b"network")
    dataset.save(b"")
    assert dataset.load() is None
