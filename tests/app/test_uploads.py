import io
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_pipelines.app.uploads import UploadLimits, harmless_name, store_uploads
from cell_pipelines.failures import MistakeError

_PNG = b"\x89PNG\r\n\x1a\n"


def _limits(megabytes: float = 10.0, files: int = 10) -> UploadLimits:
    return UploadLimits(megabytes, files)


def _archive(**entries: bytes) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    content.seek(0)
    return content


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., list[str]]:
    """Give a function that stores files, given by name and content, in the folder ``in``."""

    def run(files: list[tuple[str, io.BytesIO]], limits: UploadLimits | None = None) -> list[str]:
        (tmp_path / "received").mkdir()
        paths = [(name, tmp_path / "received" / str(number)) for number, (name, _) in enumerate(files)]
        for (_, path), (_, content) in zip(paths, files, strict=True):
            path.write_bytes(content.getvalue())
        try:
            return store_uploads(paths, tmp_path / "in", limits or _limits())
        finally:
            shutil.rmtree(tmp_path / "received")

    return run


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@given(st.text(max_size=300))
def test_a_name_never_leads_out_of_its_folder_and_fits_every_file_system(name: str) -> None:
    clean = harmless_name(name)
    parts = clean.split("/")
    assert parts
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)
    assert not set(clean) & set('\x00<>:"\\|?*')
    assert not Path(clean).is_absolute()
    assert not any(part.endswith((" ", ".")) for part in parts)


@pytest.mark.parametrize(
    ("given_name", "clean"),
    [
        ("day 1/Zelle ü,1.png", "day 1/Zelle ü,1.png"),
        ("../../../etc/passwd.png", "etc/passwd.png"),
        ("C:\\Users\\me\\a.tif", "Users/me/a.tif"),
        ("/abs/a.png", "abs/a.png"),
        ("con.png", "_con.png"),
        ("a\u202egnp.exe.png", "a_gnp.exe.png"),
        ("", "image"),
    ],
)
def test_names_stay_as_they_are_but_for_what_does_harm(given_name: str, clean: str) -> None:
    assert harmless_name(given_name) == clean


def test_a_long_name_keeps_its_ending(tmp_path: Path, store: Any) -> None:
    names = store([("ü" * 400 + ".png", io.BytesIO(_PNG))])
    assert names[0].endswith("ü.png")
    assert _files(tmp_path / "in") == names


def test_two_files_of_one_name_are_both_kept(tmp_path: Path, store: Any) -> None:
    names = store([("a.png", io.BytesIO(b"1")), ("A.PNG", io.BytesIO(b"2"))])
    assert names == ["a.png", "A_2.PNG"]
    assert [(tmp_path / "in" / name).read_bytes() for name in names] == [b"1", b"2"]


def test_folders_and_archives_keep_their_folders(tmp_path: Path, store: Any) -> None:
    archive = _archive(**{"x/a.png": b"1", "y/a.png": b"2", "x/notes.txt": b"-", "__MACOSX/x/._a.png": b"-"})
    names = store([("treated.zip", archive), ("z/a.png", io.BytesIO(b"3"))])
    assert names == ["x/a.png", "y/a.png", "z/a.png"]


@pytest.mark.parametrize("name", ["a.exe", "a", "a.png.svg", "run.sh", "a.html"])
def test_what_is_no_image_is_named_and_nothing_stays(tmp_path: Path, store: Any, name: str) -> None:
    with pytest.raises(MistakeError, match="expected an image") as error:
        store([("b.png", io.BytesIO(_PNG)), (name, io.BytesIO(b"x"))])
    assert str(error.value).startswith(name)
    assert not (tmp_path / "in").exists()


def test_an_archive_does_not_write_outside(tmp_path: Path, store: Any) -> None:
    store([("a.zip", _archive(**{"../../evil.png": b"1"}))])
    assert _files(tmp_path) == ["in/evil.png"]


def test_an_archive_with_a_link_is_refused(tmp_path: Path, store: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    content.seek(0)
    with pytest.raises(MistakeError, match="it is a link"):
        store([("a.zip", content)])


def test_an_archive_that_becomes_huge_is_refused_before_it_is_unpacked(tmp_path: Path, store: Any) -> None:
    content = _archive(**{"a.png": bytes(600_000_000)})
    with pytest.raises(MistakeError, match="are refused"):
        store([("a.zip", content)], _limits(10_000))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"not an archive"])
def test_a_damaged_archive_is_named(store: Any, content: bytes) -> None:
    with pytest.raises(MistakeError, match=r"a\.zip: this archive can't be read: it is damaged"):
        store([("a.zip", io.BytesIO(content))])


def test_limits_hold_for_files_and_for_what_archives_hold(tmp_path: Path, store: Any) -> None:
    with pytest.raises(MistakeError, match="at most 2 files"):
        store([("a.zip", _archive(**{f"{i}.png": b"1" for i in range(3)}))], _limits(files=2))
    with pytest.raises(MistakeError, match="at most 1 MB"):
        store([("a.png", io.BytesIO(bytes(1_000_001)))], _limits(megabytes=1))
    assert not (tmp_path / "in").exists()


def test_an_upload_without_images_is_refused(tmp_path: Path, store: Any) -> None:
    with pytest.raises(MistakeError, match="there is no image"):
        store([("a.zip", _archive(**{"notes.txt": b"-"}))])


def test_a_file_and_a_folder_of_one_name_are_both_kept(store: Any) -> None:
    files = [("a.png", io.BytesIO(b"1")), ("a.png/b.png", io.BytesIO(b"2")), ("A.PNG/c.png", io.BytesIO(b"3"))]
    assert store(files) == ["a.png", "a_2.png/b.png", "a_2.png/c.png"]


def test_entries_of_one_name_in_an_archive_are_both_kept(store: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.png", b"1")
        archive.writestr("a.png", b"2")
    assert store([("a.zip", content)]) == ["a.png", "a_2.png"]


def test_thousands_of_files_take_no_longer_each(store: Any) -> None:
    names = store([("a.png", io.BytesIO(b"1"))] * 3000, _limits(files=3000))
    assert len(set(names)) == 3000
