"""A list of images leaves nothing out without saying so: other formats, links, closed folders, odd names."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.imaging.listing import UNREAD_SUFFIXES
from cell_pipelines.imaging.opening import IMAGE_SUFFIXES
from cell_pipelines.imaging.reading import ImageFormatError, list_image_files, write_image


def _image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(np.zeros((4, 5), np.uint8), path)


def _reasons(folder: Path) -> dict[str, str]:
    """Return why each image below a folder isn't read; those that are have no reason."""
    reasons = {}
    for name, file in list_image_files(folder).items():
        try:
            file()
            reasons[name] = ""
        except ImageFormatError as error:
            reasons[name] = str(error)
    return reasons


@pytest.mark.parametrize("suffix", [".webp", ".GIF", ".vsi", ".dcm"])
def test_images_of_other_formats_are_listed_with_their_reason(suffix: str, tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"c{suffix}").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    reasons = _reasons(tmp_path)
    assert list(reasons) == ["a.png", f"b/c{suffix}"]
    assert f"images ending in {suffix.lower()} are not read" in reasons[f"b/c{suffix}"]
    assert not reasons["a.png"]


def test_no_ending_is_both_read_and_not() -> None:
    assert not set(UNREAD_SUFFIXES) & set(IMAGE_SUFFIXES)


def test_a_zarr_folder_without_a_description_is_not_entered(tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    _image(tmp_path / "b.zarr" / "0" / "c.png")
    assert [name for name, reason in _reasons(tmp_path).items() if "expected OME-Zarr" in reason] == ["b.zarr"]


def test_links_are_followed_to_images_and_listed_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    _image(folder / "a.png")
    _image(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "notes").mkdir()
    (folder / "linked.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    (folder / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    (folder / "folder").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "no images").symlink_to(tmp_path / "notes", target_is_directory=True)
    reasons = _reasons(folder)
    assert [name for name, reason in reasons.items() if not reason] == ["a.png", "linked.png"]
    assert "leads nowhere" in reasons["nowhere.png"]
    assert "leads nowhere" in reasons["circle.png"]
    assert "a link to a folder is not followed" in reasons["folder"]
    assert set(reasons) == {"a.png", "linked.png", "nowhere.png", "circle.png", "folder"}


def test_a_folder_that_cant_be_opened_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _image(tmp_path / "a.png")
    _image(tmp_path / "closed" / "b.png")
    real = os.scandir

    def scan(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    reasons = _reasons(tmp_path)
    assert "can't be opened: Permission denied" in reasons["closed"]
    assert not reasons["a.png"]
    with pytest.raises(ImageFormatError, match="closed: the folder can't be opened"):
        list_image_files(tmp_path / "closed")


def test_one_image_file_may_be_given_instead_of_a_folder(tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    _image(tmp_path / "b.png")
    assert list(list_image_files(tmp_path / "a.png")) == ["a.png"]
    (tmp_path / "labels.json").write_text("{}")
    with pytest.raises(ImageFormatError, match="expected a folder with images; it is a file"):
        list_image_files(tmp_path / "labels.json")


def test_a_folder_with_nothing_that_is_read_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(b"x")
    with pytest.raises(ImageFormatError, match=r"found no image.* 1 are not read, the first .*a\.webp"):
        list_image_files(tmp_path)


def test_a_name_that_is_no_utf_8_is_readable_and_never_hides_another(tmp_path: Path) -> None:
    _image(tmp_path / "zélle.png")
    try:
        _image(tmp_path / "other" / "z\udce9lle.png")
        _image(tmp_path / "z\udce9lle.png")
    except OSError:
        pytest.skip("this file system knows Unicode names only")
    names = list(list_image_files(tmp_path))
    assert len(names) == 3
    assert "other/zélle.png" in names
    assert all(name.encode() for name in names)


@pytest.mark.parametrize("name", ["50%.png", "100%25.png", "a b#c.png", "=1+1.png", "ü/é.png"])
def test_odd_names_are_read(name: str, tmp_path: Path) -> None:
    _image(tmp_path / name)
    assert _reasons(tmp_path) == {name: ""}
