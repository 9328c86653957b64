"""Paths that stay inside their folder, and files and folders that appear whole or not at all."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath


class UnsafePathError(ValueError):
    """A name that would leave the folder it is meant for."""


def resolve_inside(folder: Path, name: str) -> Path:
    r"""Return the path of `name` in `folder`, refusing names that lead out of it.

    Args:
        folder: The folder that must hold the result.
        name: A relative name as written in a file; both ``/`` and ``\`` separate.

    Raises:
        UnsafePathError: `name` is absolute, holds a NUL, or climbs out of `folder`, also through a link.
    """
    relative = PurePosixPath(name.replace("\\", "/"))
    drive = relative.parts[:1] and relative.parts[0].endswith(":")
    if not relative.parts or relative.is_absolute() or drive or ".." in relative.parts or "\0" in name:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; it leads elsewhere.")
    path = folder / relative
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; its link can't be followed.") from error
    if not inside:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; it is a link that leads elsewhere.")
    return path


def is_file_inside(folder: Path, path: Path) -> bool:
    """Say whether `path` is a file in `folder`, also when links are followed."""
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary file path beside `path` that takes its place when the block ends well.

    When the block raises, the temporary file is removed and an earlier `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The temporary name keeps the suffix, since many writers choose the format by it.
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a new empty folder beside `path` that takes its place when the block ends well.

    An earlier `path` is replaced as a whole, so no stale file of a larger run stays behind.

    Raises:
        NotADirectoryError: `path` is a file.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path}: expected a folder or nothing; it is a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.mkdir()
    try:
        yield temporary
        _replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_folder(new: Path, path: Path) -> None:
    if not path.is_dir():
        new.replace(path)
        return
    retired = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    path.replace(retired)
    try:
        new.replace(path)
    except OSError:
        retired.replace(path)
        raise
    if retired.is_symlink():
        retired.unlink()
    shutil.rmtree(retired, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` show the bytes of `source`: a link where the system allows one, else a copy.

    An earlier `target` is replaced; if it was a link, what it led to stays as it was.

    Raises:
        FileNotFoundError: There is no `source`.
    """
    whole = source.resolve(strict=True)
    if target.exists() and target.samefile(whole):
        return
    with atomic_path(target) as temporary:
        try:
            temporary.symlink_to(whole)
        except OSError:
            shutil.copyfile(whole, temporary)
