import pandas as pd
import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure

from cell_pipelines.datasets.figure_dataset import FigureDataset
from cell_pipelines.datasets.tidy_table_dataset import OptionalTableDataset, OptionalTablesDataset, TidyTableDataset
from cell_pipelines.report.page.embedding import embed


def test_a_table_comes_back_with_its_types_and_lies_there_twice(tmp_path):
    table = pd.DataFrame(
        {"image": ["a", None], "count": pd.array([1, None], dtype="Int64"), "share": [0.5, float("nan")]}
    )
    dataset = TidyTableDataset(filepath=str(tmp_path / "viability" / "fields.v1"), model="truth")
    assert not dataset.exists()
    dataset.save(table)
    pd.testing.assert_frame_equal(dataset.load(), table.astype({"image": "str"}))
    assert {path.name for path in (tmp_path / "viability").iterdir()} == {"fields.v1.csv", "fields.v1.parquet"}
    assert dataset.preview()["data"][0][:2] == ["a", 1.0]


def test_a_table_that_was_not_made_says_what_to_run(tmp_path):
    with pytest.raises(DatasetError, match="run the pipeline that makes it"):
        TidyTableDataset(filepath=str(tmp_path / "no"), model="truth").load()


def test_a_table_that_is_named_must_be_there_and_a_default_need_not(tmp_path):
    default = str(tmp_path / "fields.csv")
    assert OptionalTableDataset(default=default).load().empty
    with pytest.raises(DatasetError, match="expected a CSV"):
        OptionalTableDataset(default=default, filepath=str(tmp_path / "mine.csv")).load()
    (tmp_path / "mine.csv").write_text("image,dose\na,1\n")
    assert OptionalTableDataset(default=default, filepath=str(tmp_path / "mine.csv")).load()["dose"].tolist() == [1]
    with pytest.raises(DatasetError, match="only read"):
        OptionalTableDataset(default=default).save(pd.DataFrame())


def test_a_figure_is_written_for_screen_and_paper_and_always_the_same(tmp_path):
    def figure():
        drawn = Figure(figsize=(2, 1))
        drawn.add_subplot().plot([0, 1], label="a")
        return drawn

    dataset = FigureDataset(filepath=str(tmp_path / "doses"), model="truth")
    dataset.save(figure())
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    dataset.save(figure())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    assert set(first) == {"doses.png", "doses.svg"} and first["doses.svg"].startswith(b"<?xml")
    assert dataset.exists() and dataset.preview()


def test_a_page_shows_a_figure_as_it_was_drawn(tmp_path):
    drawn = Figure(figsize=(3, 2), layout="constrained")
    drawn.add_subplot().plot([0, 1])
    dataset = FigureDataset(filepath=str(tmp_path / "doses"), model="truth")
    with pytest.raises(DatasetError, match="run the pipeline that draws it first"):
        dataset.load()
    expected = embed(drawn)
    dataset.save(drawn)
    assert dataset.load() == expected
    assert (expected.width, expected.height, expected.is_figure) == (300, 200, True)


def test_tables_that_are_not_there_are_empty_and_the_others_are_text(tmp_path):
    (tmp_path / "plan.csv").write_text("what,value\nepochs,007\n")
    tables = {"plan": str(tmp_path / "plan.csv"), "commands": str(tmp_path / "commands.csv")}
    notes = OptionalTablesDataset(tables=tables).load()
    assert notes["plan"].to_dict("records") == [{"what": "epochs", "value": "007"}]
    assert notes["commands"].empty
