"""Take uploaded files into a job's folder: under harmless names, within limits, archives unpacked."""

import lzma
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import IMAGE_SUFFIXES
from cell_pipelines.unpacking import most_unpacked

_MOST_DEPTH, _MOST_BYTES = 6, 180
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_CHUNK = 1 << 20
# More entries of an archive would take much memory merely to be listed.
_MOST_ENTRIES = 100_000
# What reading an archive runs into where its bytes are not what they should be.
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error,
    NotImplementedError, RuntimeError, EOFError, ValueError, KeyError, IndexError,
)  # fmt: skip
# A name in a sentence is cut after so many characters.
_MOST_SHOWN = 80
# What systems put beside images.
_IGNORED = re.compile(r"(__MACOSX/.*|(.*/)?(\._.*|\.DS_Store|Thumbs\.db|desktop\.ini))", re.IGNORECASE)


class TooLargeError(MistakeError):
    """More was sent than is taken at once."""


class UploadLimits:
    """Limits of one upload: the rest that it may still take, less with each file."""

    def __init__(self, megabytes: float, files: int) -> None:
        """Begin with all of it."""
        self._megabytes, self._files = megabytes, files
        self._bytes_left, self._files_left = int(megabytes * 1e6), files

    def take_file(self) -> None:
        """Count a file.

        Raises:
            TooLargeError: It is one too many.
        """
        self._files_left -= 1
        if self._files_left < 0:
            raise TooLargeError(f"an upload may have at most {self._files} files; send them in several.")

    def take_bytes(self, count: int) -> None:
        """Count bytes.

        Raises:
            TooLargeError: They are too many.
        """
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise TooLargeError(f"an upload may have at most {self._megabytes:.0f} MB; send the images in several.")


def harmless_name(name: str) -> str:
    r"""Return a relative path that no system takes for anything else, as close to `name` as can be.

    >>> harmless_name("../../etc/passwd.png"), harmless_name("C:\\images\\a?.tif"), harmless_name("Zelle ü,1.png")
    ('etc/passwd.png', 'images/a_.tif', 'Zelle ü,1.png')
    """
    text = unicodedata.normalize("NFC", re.sub(r"^[A-Za-z]:", "", name)).replace("\\", "/")
    parts = [_harmless_part(part) for part in PurePosixPath("/" + text).parts[1:] if part.strip(". ")]
    return "/".join(parts[-_MOST_DEPTH:]) or "image"


def shown_name(name: str) -> str:
    """Return a name as a sentence says it: without what changes how the sentence looks, and not too long."""
    clean = _FORBIDDEN.sub("_", name.replace("\\", "/")).strip() or "a file without a name"
    return clean if len(clean) <= _MOST_SHOWN else f"…{clean[1 - _MOST_SHOWN :]}"


def _harmless_part(part: str) -> str:
    clean = _FORBIDDEN.sub("_", part.encode("utf-8", "replace").decode("utf-8")).strip(" .") or "_"
    clean = f"_{clean}" if _DEVICES.fullmatch(clean) else clean
    stem, dot, ending = clean.rpartition(".")
    if len(clean.encode()) <= _MOST_BYTES:
        return clean
    kept = (stem if dot else clean).encode()[: _MOST_BYTES - len(ending.encode()) - 1] if len(ending) < 20 else b""
    return (kept.decode("utf-8", "ignore") or "image") + (f".{ending}" if dot and len(ending) < 20 else "")


def store_uploads(files: Iterable[tuple[str, Path]], folder: Path, limits: UploadLimits) -> list[str]:
    """Move uploaded files into a new folder.

    Args:
        files: Name that was given and file of each; ``.zip`` archives are unpacked.
        folder: Must not be there yet. Nothing of it stays when anything is refused.
        limits: What the upload may take.

    Returns:
        The names below the folder, in the order of the files.

    Raises:
        MistakeError: There is no image, a file is no image, an archive is damaged or holds something else, or the
            limits are passed; the sentence names the file.
    """
    folder.mkdir(parents=True)
    names = _FreeNames(folder)
    try:
        stored = [name for given, file in files for name in _store(given, file, names, limits)]
        if not stored:
            raise MistakeError("there is no image in the upload; choose at least one.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return stored


class _FreeNames:
    """A folder that is being filled: what is called what, where some systems don't distinguish capitals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Names in small letters by their place: what each really is called, None for a file.
        self._taken: dict[str, dict[str, str | None]] = {}
        # The last number that a name was given.
        self._numbers: dict[tuple[str, str], int] = {}

    def take(self, name: str, shown: str) -> str:
        """Return where a file goes, below the folder; a number is added where its name is taken.

        Raises:
            MistakeError: It is no image.
        """
        clean = PurePosixPath(harmless_name(name))
        if not clean.name.lower().endswith(IMAGE_SUFFIXES):
            ending = f"ends in {clean.suffix!r}" if clean.suffix else "has no ending"
            raise MistakeError(
                f"{shown_name(shown)}: expected an image ({', '.join(IMAGE_SUFFIXES)}) or a .zip of images; it "
                f"{ending}."
            )
        place = ""
        for part in clean.parts[:-1]:
            place += f"{self._folder_in(place, part)}/"
        names = self._taken.setdefault(place, {})
        first = self._numbers.get((place, clean.name), 1)
        number, free = next(
            (number, one) for number, one in _numbered(clean.name, first) if one.casefold() not in names
        )
        self._numbers[place, clean.name] = number
        names[free.casefold()] = None
        (self.folder / place).mkdir(parents=True, exist_ok=True)
        return place + free

    def _folder_in(self, place: str, name: str) -> str:
        names = self._taken.setdefault(place, {})
        for _, one in _numbered(name, 1):
            known = names.setdefault(one.casefold(), one)
            if known is not None:  # a folder; a file of that name is in the way
                return known
        raise AssertionError("names with numbers never end")


def _numbered(name: str, first: int) -> Iterator[tuple[int, str]]:
    """Yield a name with each number from the first; 1 is the name itself."""
    clean = PurePosixPath(name)
    for number in count(first):
        yield number, name if number == 1 else f"{clean.stem}_{number}{clean.suffix}"


def _store(given: str, file: Path, names: _FreeNames, limits: UploadLimits) -> list[str]:
    if _IGNORED.fullmatch(given):
        return []
    if harmless_name(given).lower().endswith(".zip"):
        return _unpack(given, file, names, limits)
    limits.take_file()
    limits.take_bytes(file.stat().st_size)
    name = names.take(given, given)
    file.replace(names.folder / name)
    return [name]


def _unpack(given: str, file: Path, names: _FreeNames, limits: UploadLimits) -> list[str]:
    shown = shown_name(given)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                raise MistakeError(
                    f"{shown}: this archive has {len(entries)} entries; at most {_MOST_ENTRIES} are read."
                )
            return [name for entry in entries for name in _unpack_entry(given, archive, entry, names, limits)]
    except MistakeError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise MistakeError(f"{shown}: this archive can't be read: it is damaged.") from error
    except _DAMAGE as error:
        reason = "it is protected by a password" if "password" in str(error) else "it is damaged"
        raise MistakeError(f"{shown}: this archive can't be read: {reason}.") from error


def _unpack_entry(
    given: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, names: _FreeNames, limits: UploadLimits
) -> list[str]:
    name = entry.filename
    if entry.is_dir() or _IGNORED.fullmatch(name) or not harmless_name(name).lower().endswith(IMAGE_SUFFIXES):
        return []  # text files and the like that lie beside images
    shown = f"{shown_name(given)}, {shown_name(name)}"
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise MistakeError(f"{shown}: expected an image; it is a link.")
    if entry.file_size > most_unpacked(entry.compress_size):
        raise MistakeError(
            f"{shown}: {entry.compress_size / 1e6:.1f} MB that would become {entry.file_size / 1e6:.0f} MB are refused."
        )
    limits.take_file()
    stored = names.take(name, name)
    with archive.open(entry) as content, (names.folder / stored).open("xb") as target:
        while chunk := content.read(_CHUNK):
            limits.take_bytes(len(chunk))
            target.write(chunk)
    return [stored]
