"""Open QuPath's GeoJSON: plain files, gzipped ones, and zip archives of one file, as QuPath exports them."""

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.formats.sources.archives import list_members, read_member
from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.text import read_bytes
from cell_pipelines.unpacking import most_unpacked

MAX_UNPACKED_BYTES = 1 << 27
_SMALL_BYTES = 1 << 24
_ENDINGS = (".geojson", ".geojson.gz", ".geojson.zip", ".json", ".zip")
_LONGEST_FIRST = sorted((*_ENDINGS, ".json.zip"), key=len, reverse=True)
_PEEK_BYTES = 1 << 16


def geojson_files(folder: Path) -> list[Path]:
    """Return the files below `folder` that may hold GeoJSON; of zip archives those that hold one such file."""
    found = {path for ending in _ENDINGS for path in files_below(folder, ending)}
    return sorted(path for path in found if path.suffix.lower() != ".zip" or _is_packed(path))


def bare_name(file: str) -> str:
    """Return a file's name without the endings of GeoJSON, which is that of its image.

    >>> bare_name("a/slide 1.geojson.zip"), bare_name("b.json")
    ('slide 1', 'b')
    """
    name = PurePosixPath(file).name
    ending = next((e for e in _LONGEST_FIRST if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)]


def _is_packed(path: Path) -> bool:
    try:
        return len(list_members(path, ".geojson", ".json")[0]) == 1
    except ValueError:
        return path.name.lower().endswith(".geojson.zip")


def geojson_beginning(path: Path) -> bytes:
    """Return the beginning of a file, unpacked; nothing where it can't be read."""
    if path.suffix.lower() not in (".gz", ".zip"):
        return peek_utf8(path, _PEEK_BYTES)
    try:
        return read_geojson(path)[:_PEEK_BYTES]
    except ValueError:
        return b""


def read_geojson(path: Path) -> bytes:
    """Return a file's content, unpacked.

    Raises:
        ValueError: It can't be read, or unpacks to more than the limit.
    """
    if path.suffix.lower() == ".zip":
        return _unzip(path)
    if path.suffix.lower() != ".gz":
        return read_bytes(path)
    try:
        with gzip.open(path) as file:
            content = file.read(_most(path) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the file can't be unpacked: {error}.") from error
    if len(content) > _most(path):
        raise ValueError(f"the file has more than {_most(path)} bytes when unpacked.")
    return content


def _most(path: Path) -> int:
    """Return how many bytes a packed file may become; JSON is packed to a twentieth, and takes ten times the memory."""
    return min(MAX_UNPACKED_BYTES, most_unpacked(path.stat().st_size, _SMALL_BYTES))


def _unzip(path: Path) -> bytes:
    members, _ = list_members(path, ".geojson", ".json")
    if len(members) != 1:
        raise ValueError(f"expected one GeoJSON file in the archive, got {len(members)}; unpack it.")
    with zipfile.ZipFile(path) as archive:
        return read_member(archive, members[0], _most(path))
