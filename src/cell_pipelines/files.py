"""Files and folders that appear whole or not at all."""

import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cell_pipelines.processes import ProcessIdentity, this_process
from cell_pipelines.unfinished import noted

# Names of what is being written: hidden, and with the process that writes it.
_TEMPORARY = re.compile(rf"\.tmp-({ProcessIdentity.PATTERN})-[0-9a-f]{{8}}(\.[^/]*)?")
# Names of folders that are being replaced; what they were called stands in front.
_REPLACED = re.compile(rf"\.(?P<name>.+)\.replaced-({ProcessIdentity.PATTERN})-[0-9a-f]{{8}}")
# Folders with fewer files are made durable file by file.
_FEW_FILES = 100
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk space of this user is used up",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EROFS: "it lies on a disk that can only be read",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "a folder lies where a file belongs",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an error",
}
# What writing runs into without naming the file.
_UNNAMED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_ALMOST_NOTHING = 1 << 20
# What replacing a folder runs into when another process replaces it at the same moment.
_MEANWHILE = {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.EACCES if os.name == "nt" else errno.EEXIST}
_TRIES = 100


class WriteError(OSError):
    """A file or folder that can't be written; says which and why in a sentence, and keeps the system's number."""

    def __str__(self) -> str:
        """Return the sentence without the number."""
        return str(self.strerror)


@contextmanager
def atomic_path(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary file path beside `path` that takes its place when the block ends well.

    When the block raises, the temporary file is removed and an earlier `path` stays as it was.

    Args:
        path: The file.
        durable: Wait until it is on the disk, so that it is also whole after a power failure.

    Raises:
        WriteError: The file can't be written: a full disk, no permission, a file where a folder belongs.
    """
    # The temporary name keeps the suffix, since many writers choose the format by it.
    temporary = path.with_name(temporary_name() + path.suffix)
    with explained(path, temporary), noted(temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if durable:
                _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a new empty folder beside `path` that takes its place when the block ends well.

    An earlier `path` is replaced as a whole, so no stale file of a larger run stays behind.

    Args:
        path: The folder.
        durable: Wait until it is on the disk, so that it is also whole after a power failure.

    Raises:
        NotADirectoryError: `path` is a file.
        WriteError: The folder can't be written: a full disk, no permission, a file where a folder belongs.
    """
    if path.is_file():  # one look: between two, another process may put the folder in its place
        raise NotADirectoryError(f"{path}: expected a folder or nothing; it is a file.")
    temporary = path.with_name(temporary_name())
    with explained(path, temporary), noted(temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            yield temporary
            if durable:
                _sync_folder(temporary)
            _replace_folder(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def temporary_name() -> str:
    """Return a new hidden name for what is being written, with the process that writes it."""
    return f".tmp-{this_process()}-{uuid.uuid4().hex[:8]}"


def _replace_folder(new: Path, path: Path) -> None:
    retired = path.with_name(f".{path.name}.replaced-{this_process()}-{uuid.uuid4().hex[:8]}")
    for left in reversed(range(_TRIES)):
        try:
            if path.is_dir():
                path.replace(retired)
            new.replace(path)
            break
        except OSError as error:
            if error.errno not in _MEANWHILE or not left:
                if retired.exists() and not path.exists():
                    retired.replace(path)
                raise
            _remove(retired)
            time.sleep(0.01)
    _remove(retired)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    if len(files) > _FEW_FILES and hasattr(os, "sync"):
        os.sync()
        return
    for file in files:
        _sync(file)


@contextmanager
def explained(path: Path, temporary: Path) -> Iterator[None]:
    """Say in a sentence why `path` can't be written, where that is why the block failed."""
    try:
        yield
    except WriteError as error:
        # Of a file within a folder that is being written: as it will be called.
        raise WriteError(error.errno, str(error).replace(str(temporary), str(path))) from error
    except OSError as error:
        reason = _reason(error, path, temporary)
        if reason is None:
            raise
        raise WriteError(error.errno, f"{path}: can't be written: {reason}.") from error
    except RuntimeError as error:
        # PyTorch doesn't tell why it could not write.
        existing = next(parent for parent in path.absolute().parents if parent.exists())
        if shutil.disk_usage(existing).free > _ALMOST_NOTHING:
            raise
        raise WriteError(errno.ENOSPC, f"{path}: can't be written: {_REASONS[errno.ENOSPC]}.") from error


def _reason(error: OSError, path: Path, temporary: Path) -> str | None:
    """Return why `path` can't be written; None where the error is about something else, such as a file that is read."""
    if error.filename is None:
        return _REASONS.get(error.errno or 0) if error.errno in _UNNAMED else None
    named = Path(os.fsdecode(error.filename))
    if named not in (path, *path.parents) and temporary not in (named, *named.parents):
        return None
    blocking = next((parent for parent in path.parents if parent.exists() and not parent.is_dir()), None)
    return f"{blocking} is a file, and a folder belongs there" if blocking else _REASONS.get(error.errno or 0)


def remove_abandoned(folder: Path, *, skip: tuple[str, ...] = ()) -> list[Path]:
    """Remove what processes that are certainly gone were writing below `folder`; return where it was.

    A folder that was being replaced when its process ended, and whose place is empty, is put back.

    Args:
        folder: Searched with all below it, but not through links.
        skip: Names of folders that are not searched.
    """
    removed = []
    for place, folders, files in os.walk(folder):
        hidden = [name for name in (*folders, *files) if name.startswith(".")]
        removed += [path for name in hidden if _is_cleared(path := Path(place) / name)]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in skip]
    return removed


def _is_cleared(path: Path) -> bool:
    temporary, replaced = _TEMPORARY.fullmatch(path.name), _REPLACED.fullmatch(path.name)
    owner = ProcessIdentity.parse(temporary[1] if temporary else replaced[2] if replaced else "")
    if owner is None or not owner.is_gone():
        return False
    if replaced and not path.with_name(replaced["name"]).exists():
        path.replace(path.with_name(replaced["name"]))
    else:
        _remove(path)
    return True


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
