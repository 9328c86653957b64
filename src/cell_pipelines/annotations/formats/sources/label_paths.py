"""Label files, one an image: what they are called when written, and which lie in a folder when read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.formats.sources.encodings import peek_utf8
from cell_pipelines.inside_paths import resolve_inside

PEEK_FILES = 30
PEEK_BYTES = 1 << 16


def label_paths(names: Sequence[str], ending: str) -> list[str]:
    """Return the path of each image's label: its own with another ending, added to it where two would be the same.

    >>> label_paths(["a/b.png", "c.png", "c.jpg"], ".json")
    ['a/b.json', 'c.png.json', 'c.jpg.json']
    """
    short = [str(PurePosixPath(name).with_suffix(ending)) for name in names]
    times = Counter(short)
    paths = [path if times[path] == 1 else f"{name}{ending}" for name, path in zip(names, short, strict=True)]
    for path, count in Counter(paths).items():
        if count > 1:
            raise ValueError(f"{path}: two images would be labelled by this file; their names must differ more.")
    return paths


def resolve_all(folder: Path, paths: Sequence[str]) -> list[Path]:
    """Return where label files lie in `folder`.

    Raises:
        UnsafePathError: A name leads out of it.
    """
    return [resolve_inside(folder, path) for path in paths]


def files_below(folder: Path, ending: str) -> Iterator[Path]:
    """Yield the files with an ending, in any case, below `folder`, without hidden ones and links that lead out."""
    home = folder.resolve()
    for path in sorted(path for path in folder.rglob("*") if path.name.lower().endswith(ending)):
        if not path.name.startswith(".") and path.is_file() and _is_inside(path, home):
            yield path


def child(folder: Path, name: str) -> Path:
    """Return the file or folder at the path `name` in `folder`; parts that aren't there may differ in capitals.

    A name that climbs out of the folder comes back as it stands, for whoever checks that.
    """
    exact = folder / name
    if exact.exists() or ".." in exact.parts:
        return exact
    path = folder
    for part in PurePosixPath(name).parts:
        beside = path.iterdir() if path.is_dir() and not (path / part).exists() else iter(())
        found = [other for other in beside if other.name.lower() == part.lower()]
        path = found[0] if len(found) == 1 else path / part
    return path


def _is_inside(path: Path, home: Path) -> bool:
    try:
        return not path.is_symlink() or path.resolve().is_relative_to(home)
    except (OSError, RuntimeError):
        return False


def peek(folder: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """Yield name, and beginning and end of the content as UTF-8, of the first files with an ending below `folder`."""
    for path in islice(files_below(folder, ending), PEEK_FILES):
        yield path.relative_to(folder).as_posix(), peek_utf8(path, PEEK_BYTES, end=True)
