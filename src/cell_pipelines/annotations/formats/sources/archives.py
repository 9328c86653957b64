"""Zip archives of others, unpacked within limits; what can't be unpacked is a `ValueError` that says why."""

import zipfile
from pathlib import Path

from cell_pipelines.annotations.formats.sources.decoding import decoding_errors

MAX_MEMBERS = 1_000_000
_ENCRYPTED = 0x1
_LOCKED = "is encrypted; unpack it with its password and put what it holds in its place"


def list_members(path: Path, *endings: str) -> tuple[list[zipfile.ZipInfo], bool]:
    """Return the members of an archive with one of these endings, in lower case, and whether there are others.

    Raises:
        ValueError: The file is no whole zip archive, or has more members than any tool writes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
    except decoding_errors() as error:
        raise ValueError(f"the file is no whole zip archive: {str(error).rstrip('.')}.") from error
    listed = [m for m in members if m.filename.lower().endswith(endings)]
    if len(listed) > MAX_MEMBERS:
        raise ValueError(f"the archive holds {len(listed)} files; at most {MAX_MEMBERS} are read.")
    return listed, len(listed) < len(members)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """Return what a member holds.

    Raises:
        ValueError: It is encrypted, damaged, or unpacks to more than `limit` bytes.
    """
    if member.flag_bits & _ENCRYPTED:
        raise ValueError(f"the archive {_LOCKED}.")
    try:
        with archive.open(member) as file:
            content = file.read(limit + 1)
    except decoding_errors() as error:
        raise ValueError(f"it can't be unpacked: {str(error).rstrip('.')}.") from error
    # What the archive says of its sizes may be untrue, so what comes out is counted.
    if len(content) > limit:
        raise ValueError(f"it unpacks to more than {limit} bytes.")
    return content
