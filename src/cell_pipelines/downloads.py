"""Download a file of known content: what was interrupted goes on where it stopped, and only what is right is kept."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 18
_SECONDS = 60.0
_PARTIAL = 206


class DownloadError(ValueError):
    """A file could not be downloaded, or is not the one that was expected; the message says what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on another host, and what it must hold.

    Attributes:
        url: Where it is.
        size: Its bytes.
        sha256: SHA-256 of its content, in hexadecimal digits.
    """

    url: str
    size: int
    sha256: str


def download(remote: RemoteFile, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> Path:
    """Download a file unless it is there; what an earlier call has of it is kept, and the rest asked for.

    Args:
        remote: The file, whose size and SHA-256 are checked.
        path: Where to put it. Until it is whole it lies beside it, with the ending ``.part``.
        on_bytes: Called with the number of bytes that came, those of earlier calls too.

    Raises:
        DownloadError: The host can't be reached, breaks off, or has another file.
    """
    if path.is_file() and _digest(path) == remote.sha256:
        on_bytes(remote.size)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        _receive(remote, part, on_bytes)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise DownloadError(_describe_failure(remote, part, path, error)) from error
    _check(remote, part)
    part.replace(path)
    return path


def _receive(remote: RemoteFile, part: Path, on_bytes: Callable[[int], None]) -> None:
    """Get what is missing; a host that does not know ranges sends all of it."""
    have = part.stat().st_size if part.is_file() else 0
    if have >= remote.size:  # whole already, or of another file; its content is checked next
        on_bytes(have)
        return
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        goes_on = answer.status == _PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if goes_on else 0
        on_bytes(have)
        with part.open("ab" if goes_on else "wb") as file:
            _copy(answer, file, remote.size - have, on_bytes)


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, missing: int, on_bytes: Callable[[int], None]) -> None:
    """Write at most one byte more than is missing, by which a longer file is recognised.

    Raises:
        ConnectionError: The host sent less.
    """
    left = missing + 1
    while left and (chunk := answer.read(min(_CHUNK, left))):
        file.write(chunk)
        on_bytes(len(chunk))
        left -= len(chunk)
    if left > 1:
        raise ConnectionError("the connection ended early")


def _check(remote: RemoteFile, part: Path) -> None:
    size, digest = part.stat().st_size, _digest(part)
    if (size, digest) == (remote.size, remote.sha256):
        return
    part.unlink()
    raise DownloadError(
        f"{remote.url}: expected {remote.size} bytes with the SHA-256 {remote.sha256}; got {size} bytes with {digest}. "
        "They were removed. The file at that address is another one, or something on the way changed it."
    )


def _describe_failure(remote: RemoteFile, part: Path, path: Path, error: Exception) -> str:
    have = part.stat().st_size if part.is_file() else 0
    kept = (
        f"{have / 1e6:.1f} of {remote.size / 1e6:.1f} MB are kept, and the same command goes on from there"
        if have
        else ("nothing of it came")
    )
    reason = getattr(error, "reason", None) or error
    return (
        f"{remote.url}: could not be downloaded ({reason}); {kept}. Without a network, put the file, "
        f"downloaded elsewhere, at {path}."
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
