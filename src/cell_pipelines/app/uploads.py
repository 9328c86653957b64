"""Take uploaded files into a job's folder: under harmless names, within limits, archives unpacked."""

import re
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import IMAGE_SUFFIXES
from cell_pipelines.unpacking import most_unpacked

_MOST_DEPTH, _MOST_BYTES = 6, 180
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_CHUNK = 1 << 20
# What systems put beside images.
_IGNORED = re.compile(r"(__MACOSX/.*|(.*/)?(\._.*|\.DS_Store|Thumbs\.db|desktop\.ini))", re.IGNORECASE)


class UploadLimits:
    """What one upload may still take; each file that is taken makes it less."""

    def __init__(self, megabytes: float, files: int) -> None:
        """Begin with all of it."""
        self._megabytes, self._files = megabytes, files
        self._bytes_left, self._files_left = int(megabytes * 1e6), files

    def take_file(self) -> None:
        """Count a file.

        Raises:
            MistakeError: It is one too many.
        """
        self._files_left -= 1
        if self._files_left < 0:
            raise MistakeError(f"an upload may have at most {self._files} files; send them in several.")

    def take_bytes(self, count: int) -> None:
        """Count bytes.

        Raises:
            MistakeError: They are too many.
        """
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise MistakeError(f"an upload may have at most {self._megabytes:.0f} MB; send the images in several.")


def harmless_name(name: str) -> str:
    r"""Return a relative path that no system takes for anything else, as close to `name` as can be.

    >>> harmless_name("../../etc/passwd.png"), harmless_name("C:\\images\\a?.tif"), harmless_name("Zelle ü,1.png")
    ('etc/passwd.png', 'images/a_.tif', 'Zelle ü,1.png')
    """
    text = unicodedata.normalize("NFC", re.sub(r"^[A-Za-z]:", "", name)).replace("\\", "/")
    parts = [_harmless_part(part) for part in PurePosixPath("/" + text).parts[1:] if part.strip(". ")]
    return "/".join(parts[-_MOST_DEPTH:]) or "image"


def _harmless_part(part: str) -> str:
    clean = _FORBIDDEN.sub("_", part.encode("utf-8", "replace").decode("utf-8")).strip(" .") or "_"
    clean = f"_{clean}" if _DEVICES.fullmatch(clean) else clean
    stem, dot, ending = clean.rpartition(".")
    if len(clean.encode()) <= _MOST_BYTES:
        return clean
    kept = (stem if dot else clean).encode()[: _MOST_BYTES - len(ending.encode()) - 1] if len(ending) < 20 else b""
    return (kept.decode("utf-8", "ignore") or "image") + (f".{ending}" if dot and len(ending) < 20 else "")


def store_uploads(files: Iterable[tuple[str, BinaryIO]], folder: Path, limits: UploadLimits) -> list[str]:
    """Write uploaded files below a new folder.

    Args:
        files: Name and content of each; ``.zip`` archives are unpacked.
        folder: Must not be there yet. Nothing of it stays when anything is refused.
        limits: What the upload may take.

    Returns:
        The names below the folder, in the order of the files.

    Raises:
        MistakeError: There is no image, a file is no image, an archive is damaged or holds something else, or the
            limits are passed; the sentence names the file.
    """
    folder.mkdir(parents=True)
    try:
        stored = [name for given, content in files for name in _store(given, content, folder, limits)]
        if not stored:
            raise MistakeError("there is no image in the upload; choose at least one.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return stored


def _store(given: str, content: BinaryIO, folder: Path, limits: UploadLimits) -> list[str]:
    if _IGNORED.fullmatch(given):
        return []
    if harmless_name(given).lower().endswith(".zip"):
        return _unpack(given, content, folder, limits)
    limits.take_file()
    path = _free_path(folder, given, given)
    _copy(content, path, limits)
    return [path.relative_to(folder).as_posix()]


def _free_path(folder: Path, name: str, shown: str) -> Path:
    """Return where a file goes; a number is added where its name is taken.

    Raises:
        MistakeError: It is no image.
    """
    clean = PurePosixPath(harmless_name(name))
    if not clean.name.lower().endswith(IMAGE_SUFFIXES):
        ending = f"ends in {clean.suffix!r}" if clean.suffix else "has no ending"
        raise MistakeError(
            f"{shown}: expected an image ({', '.join(IMAGE_SUFFIXES)}) or a .zip of images; it {ending}."
        )
    # Some systems don't tell capitals apart.
    taken = {path.name.casefold() for path in (folder / clean.parent).glob("*")}
    stem, ending, number, free = clean.stem, clean.suffix, 2, clean.name
    while free.casefold() in taken:
        free, number = f"{stem}_{number}{ending}", number + 1
    path = folder / clean.parent / free
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _copy(content: BinaryIO, path: Path, limits: UploadLimits) -> None:
    with path.open("xb") as target:
        while chunk := content.read(_CHUNK):
            limits.take_bytes(len(chunk))
            target.write(chunk)


def _unpack(given: str, content: BinaryIO, folder: Path, limits: UploadLimits) -> list[str]:
    try:
        with zipfile.ZipFile(content) as archive:
            return [
                name for entry in archive.infolist() for name in _unpack_entry(given, archive, entry, folder, limits)
            ]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zipfile.LargeZipFile) as error:
        if isinstance(error, MistakeError):
            raise
        reason = "it is protected by a password" if "password" in str(error) else "it is damaged"
        raise MistakeError(f"{given}: this archive can't be read: {reason}.") from error


def _unpack_entry(
    given: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, limits: UploadLimits
) -> list[str]:
    name = entry.filename
    if entry.is_dir() or _IGNORED.fullmatch(name) or not name.lower().endswith(IMAGE_SUFFIXES):
        return []  # text files and the like that lie beside images
    shown = f"{given}, {name}"
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise MistakeError(f"{shown}: expected an image; it is a link.")
    if entry.file_size > most_unpacked(entry.compress_size):
        raise MistakeError(
            f"{shown}: {entry.compress_size / 1e6:.1f} MB that would become {entry.file_size / 1e6:.0f} MB are refused."
        )
    limits.take_file()
    path = _free_path(folder, name, shown)
    with archive.open(entry) as content:
        _copy(content, path, limits)  # type: ignore[arg-type]  # an open entry is a binary file
    return [path.relative_to(folder).as_posix()]
