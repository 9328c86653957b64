import io
import stat
import zipfile
from pathlib import Path

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


def test_a_long_name_keeps_its_ending(tmp_path: Path) -> None:
    names = store_uploads([("ü" * 400 + ".png", io.BytesIO(_PNG))], tmp_path / "in", _limits())
    assert names[0].endswith("ü.png")
    assert _files(tmp_path / "in") == names


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    names = store_uploads([("a.png", io.BytesIO(b"1")), ("A.PNG", io.BytesIO(b"2"))], tmp_path / "in", _limits())
    assert names == ["a.png", "A_2.PNG"]
    assert [(tmp_path / "in" / name).read_bytes() for name in names] == [b"1", b"2"]


def test_folders_and_archives_keep_their_folders(tmp_path: Path) -> None:
    archive = _archive(**{"x/a.png": b"1", "y/a.png": b"2", "x/notes.txt": b"-", "__MACOSX/x/._a.png": b"-"})
    names = store_uploads([("treated.zip", archive), ("z/a.png", io.BytesIO(b"3"))], tmp_path / "in", _limits())
    assert names == ["x/a.png", "y/a.png", "z/a.png"]


@pytest.mark.parametrize("name", ["a.exe", "a", "a.png.svg", "run.sh", "a.html"])
def test_what_is_no_image_is_named_and_nothing_stays(tmp_path: Path, name: str) -> None:
    with pytest.raises(MistakeError, match="expected an image") as error:
        store_uploads([("b.png", io.BytesIO(_PNG)), (name, io.BytesIO(b"x"))], tmp_path / "in", _limits())
    assert str(error.value).startswith(name)
    assert not (tmp_path / "in").exists()


def test_an_archive_does_not_write_outside(tmp_path: Path) -> None:
    store_uploads([("a.zip", _archive(**{"../../evil.png": b"1"}))], tmp_path / "in", _limits())
    assert _files(tmp_path) == ["in/evil.png"]


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    content.seek(0)
    with pytest.raises(MistakeError, match="it is a link"):
        store_uploads([("a.zip", content)], tmp_path / "in", _limits())


def test_an_archive_that_becomes_huge_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    content = _archive(**{"a.png": bytes(600_000_000)})
    with pytest.raises(MistakeError, match="are refused"):
        store_uploads([("a.zip", content)], tmp_path / "in", _limits(10_000))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"not an archive"])
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MistakeError, match=r"a\.zip: this archive can't be read: it is damaged"):
        store_uploads([("a.zip", io.BytesIO(content))], tmp_path / "in", _limits())


def test_limits_hold_for_files_and_for_what_archives_hold(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="at most 2 files"):
        store_uploads([("a.zip", _archive(**{f"{i}.png": b"1" for i in range(3)}))], tmp_path / "in", _limits(files=2))
    with pytest.raises(MistakeError, match="at most 1 MB"):
        store_uploads([("a.png", io.BytesIO(bytes(1_000_001)))], tmp_path / "in", _limits(megabytes=1))
    assert not (tmp_path / "in").exists()


def test_an_upload_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="there is no image"):
        store_uploads([("a.zip", _archive(**{"notes.txt": b"-"}))], tmp_path / "in", _limits())
