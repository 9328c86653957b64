"""Pages on disk: HTML for readers and JSON for the study's page, and the pages below a folder."""

import logging
from pathlib import Path

import pytest
from kedro.io import DatasetError

from cell_pipelines.datasets.page_dataset import PageDataset, PageFolderDataset
from cell_pipelines.report.page.html import Page, Section, Text, embedded_page


def _page(title: str) -> Page:
    return embedded_page(title, {"Images": "3"}, [Section("One", [Text("All came in.")])])


def _save(folder: Path, title: str = "A page") -> None:
    PageDataset(filepath=str(folder / "report.html")).save(_page(title))


def test_a_page_is_written_as_html_and_loaded_as_data(tmp_path: Path) -> None:
    dataset = PageDataset(filepath=str(tmp_path / "new" / "report.html"))
    assert not dataset.exists()
    dataset.save(_page("A <page>"))
    assert dataset.exists()
    assert "<h1>A &lt;page&gt;</h1>" in (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    loaded = dataset.load()
    assert (loaded.title, dict(loaded.cards)) == ("A <page>", {"Images": "3"})
    assert [(one.title, list(one.items)) for one in loaded.sections] == [("One", [Text("All came in.")])]


def test_pages_below_a_folder_have_the_names_of_their_folders(tmp_path: Path) -> None:
    for place in ("unet", "truth/viability", "too/deep/here"):
        _save(tmp_path / place, place)
    pages = PageFolderDataset(path=str(tmp_path)).load()
    assert {place: page.title for place, page in pages.items()} == {
        "unet": "unet",
        "truth/viability": "truth/viability",
    }
    assert PageFolderDataset(path=str(tmp_path / "nothing")).load() == {}


def test_a_page_of_an_earlier_version_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _save(tmp_path / "grid")
    (tmp_path / "grid" / "report.json").unlink()
    with caplog.at_level(logging.WARNING):
        assert PageFolderDataset(path=str(tmp_path)).load() == {}
    assert "grid/report.html: an earlier version wrote it" in caplog.text


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    _save(tmp_path)
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"report\.json: expected a page as data"):
        PageDataset(filepath=str(tmp_path / "report.html")).load()


def test_a_missing_page_and_a_save_into_the_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run the pipeline that makes it first"):
        PageDataset(filepath=str(tmp_path / "report.html")).load()
    with pytest.raises(DatasetError, match="saved one by one"):
        PageFolderDataset(path=str(tmp_path)).save({})
