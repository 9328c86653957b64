"""Labels behind links and in closed folders: not followed out of the source, and never left out silently."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, 20, 16) for name in names)


def _label(path: Path) -> None:
    labels = np.zeros((16, 20), np.uint8)
    labels[2:5, 2:5], labels[9:12, 9:12] = 1, 2
    write_raster(labels, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _label(tmp_path / "set" / "masks" / "a.png")
    _label(tmp_path / "elsewhere" / "b.png")
    return tmp_path / "set"


def test_links_that_are_not_followed_are_listed(folder: Path) -> None:
    (folder / "masks" / "b.png").symlink_to(folder.parent / "elsewhere" / "b.png")
    (folder / "masks" / "c.png").symlink_to(folder / "gone.png")
    (folder / "masks" / "d.png").symlink_to(folder / "masks" / "a.png")
    (folder / "more").symlink_to(folder.parent / "elsewhere", target_is_directory=True)
    conversion = read_annotations(folder, _index("a.png", "b.png", "d.png"))
    assert conversion.annotations.names == ["a.png", "d.png"]
    reasons = {f.file: f.reason for f in conversion.findings if f.action == "skipped"}
    assert "leads out of the source's folder" in reasons["masks/b.png"]
    assert "leads nowhere" in reasons["masks/c.png"]
    assert "a link to a folder" in reasons["more"]


def test_links_to_images_are_no_findings_of_the_annotations(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "a.png").symlink_to(folder.parent / "elsewhere" / "b.png")
    assert not read_annotations(folder, _index("images/a.png")).findings
    assert not read_annotations(folder, _index("a.png")).findings


def test_a_source_of_links_alone_says_so(tmp_path: Path) -> None:
    _label(tmp_path / "elsewhere" / "masks" / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "masks").symlink_to(tmp_path / "elsewhere" / "masks", target_is_directory=True)
    with pytest.raises(AnnotationFormatError, match="Not looked at: masks: a link to a folder is not followed"):
        read_annotations(tmp_path / "set", _index("a.png"))


def test_a_closed_folder_is_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "closed").mkdir()
    real = os.scandir

    def scan(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    [finding] = read_annotations(folder, _index("a.png")).findings
    assert (finding.file, finding.action) == ("closed", "skipped")
