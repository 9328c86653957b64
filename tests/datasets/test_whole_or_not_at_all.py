"""Every data set of every study's catalog appears whole or not at all, also when the disk is full."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DatasetError
from kedro.utils import load_obj
from matplotlib.figure import Figure

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.datasets.whole_file_dataset import WholeCSVDataset
from cell_pipelines.report.page.html import Section, Text, embedded_page
from cell_pipelines.settings import CONFIG_LOADER_ARGS

resource = pytest.importorskip("resource", reason="limits the size of files")

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir())
OURS = "cell_pipelines.datasets"


def draw(points):
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot(np.random.default_rng(points).random(points))
    return figure


def fill(size):
    def write(folder):
        for number in range(3):
            (folder / f"{number}.bin").write_bytes(b"\1" * size)

    return write


def annotate(images):
    builder = AnnotationBuilder(("cell",))
    for number in range(images):
        builder.add_image(f"{number}.png", width=50 + number, height=60)
    return builder.build()


#: What each type saves, of a size that it is given.
SAVED = {
    f"{OURS}.whole_file_dataset.WholeCSVDataset": lambda n: pd.DataFrame({"value": np.arange(n)}),
    f"{OURS}.whole_file_dataset.WholeJSONDataset": lambda n: list(range(n)),
    f"{OURS}.whole_file_dataset.WholeTextDataset": lambda n: "ä" * n,
    f"{OURS}.page_dataset.PageDataset": lambda n: embedded_page("a", {}, [Section("s", [Text("ä" * n)])]),
    f"{OURS}.tidy_table_dataset.TidyTableDataset": lambda n: pd.DataFrame({"value": np.arange(n)}),
    f"{OURS}.figure_dataset.FigureDataset": draw,
    f"{OURS}.checkpoint_dataset.CheckpointDataset": lambda n: b"\1" * n,
    f"{OURS}.optional_file_dataset.OptionalFileDataset": lambda n: b"\1" * n,
    f"{OURS}.folder_dataset.FolderDataset": fill,
    f"{OURS}.annotation_dataset.AnnotationDataset": annotate,
    f"{OURS}.image_dataset.ImageDataset": lambda n: np.random.default_rng(0).integers(0, 255, (n, 9, 3), np.uint8),
}  # fmt: skip
#: What is only read, filled by whoever loads it, or never on the disk.
NEVER_SAVED = {
    f"{OURS}.chosen_model_dataset.ChosenModelDataset", f"{OURS}.annotation_dataset.SourceAnnotationDataset",
    f"{OURS}.image_dataset.ImageFolderDataset",
    f"{OURS}.tidy_table_dataset.OptionalTableDataset",
    f"{OURS}.tidy_table_dataset.OptionalTablesDataset", f"{OURS}.folder_dataset.WorkFolderDataset",
    f"{OURS}.folder_dataset.NewFolderDataset",
    f"{OURS}.page_dataset.PageFolderDataset", f"{OURS}.invocation_dataset.InvocationDataset",
    f"{OURS}.metrics_dataset.ModelMetricsDataset", "kedro.io.MemoryDataset",
}  # fmt: skip


def entries(study):
    """Return the data sets of a study's catalog by name, those within MLflow's own taken out of it."""
    loader = OmegaConfigLoader(conf_source=str(ROOT / "conf"), env=study, **CONFIG_LOADER_ARGS)
    return {name: entry.get("dataset", entry) for name, entry in loader["catalog"].items() if not name.startswith("_")}


@pytest.mark.parametrize("study", STUDIES)
def test_every_type_of_every_catalog_is_known_to_be_whole(study):
    types = {name: entry["type"] for name, entry in entries(study).items()}
    unknown = {name: kind for name, kind in types.items() if kind not in SAVED and kind not in NEVER_SAVED}
    assert not unknown, "these are to be written whole or not at all, and listed here"
    assert types


def create(kind, folder, ending):
    given = {"path": str(folder / "out")} if "Folder" in kind or "Annotation" in kind else {
        "filepath": str(folder / f"out{ending}")}  # fmt: skip
    if kind.endswith(("TidyTableDataset", "FigureDataset", "OptionalFileDataset")):
        given["model"] = "yolo"
    if kind.endswith("OptionalFileDataset"):
        given["artifact_path"] = "models"
    return load_obj(kind)(**given)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def full_disk(after=100):
    """Let no file be longer than `after` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", SAVED, ids=lambda kind: kind.rpartition(".")[2])
def test_a_disk_that_is_full_leaves_the_old_one_or_none(kind, tmp_path):
    ending = ".png" if "Image" in kind else ""
    dataset = create(kind, tmp_path, ending)
    with full_disk(), pytest.raises(DatasetError):
        dataset.save(SAVED[kind](3000))
    assert contents(tmp_path) == {}
    assert not dataset.exists()
    dataset.save(SAVED[kind](5))
    before = contents(tmp_path)
    assert before and dataset.exists()
    with full_disk(), pytest.raises(DatasetError):
        dataset.save(SAVED[kind](3000))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_ends_a_save_leaves_the_old_one(interruption, tmp_path, monkeypatch):
    dataset = WholeCSVDataset(filepath=str(tmp_path / "table.csv"))
    dataset.save(pd.DataFrame({"value": [1]}))

    def write(self, path_or_buf, **_):
        path_or_buf.write("value\n1\n2")
        raise interruption

    monkeypatch.setattr(pd.DataFrame, "to_csv", write)
    with pytest.raises((interruption, DatasetError)):
        dataset.save(pd.DataFrame({"value": [1, 2, 3]}))
    assert contents(tmp_path) == {"table.csv": b"value\n1\n"}


def test_a_file_that_is_logged_to_mlflow_is_written_whole_as_well(tmp_path):
    from kedro_mlflow.io.artifacts import MlflowArtifactDataset

    path = tmp_path / "table.csv"
    kind = f"{OURS}.whole_file_dataset.WholeCSVDataset"
    dataset = MlflowArtifactDataset(dataset={"type": kind, "filepath": str(path)})
    dataset._logging_activated = False
    dataset.save(pd.DataFrame({"value": [1]}))
    with full_disk(), pytest.raises(DatasetError, match=r"table\.csv: can't be written: the file would be larger"):
        dataset.save(pd.DataFrame({"value": range(3000)}))
    assert path.read_text() == "value\n1\n"
    assert len(list(tmp_path.iterdir())) == 1
