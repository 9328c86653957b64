"""The image that an address of Label Studio stands for."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cell_pipelines.annotations.images import ImageIndex

_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")


def image_name(data: Mapping[str, Any], upload: Any, images: ImageIndex, near: str) -> str | None:
    """Return the name by which the image is found, the first that is given where none is found."""
    texts = [data.get("image"), *(value for key, value in data.items() if key != "image"), upload]
    names = [name for text in texts if isinstance(text, str) and 0 < len(text) < 4096 for name in _names(text)]
    return next((name for name in names if images.find(name, near) is not None), names[0] if names else None)


def _names(address: str) -> Iterator[str]:
    """Yield the names an address may stand for.

    >>> list(_names("/data/upload/1/0a1b2c3d-a%20b.png")), list(_names("/data/local-files/?d=x/a.png"))
    (['data/upload/1/0a1b2c3d-a b.png', 'a b.png'], ['x/a.png'])
    """
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get("d") if address.startswith(("/", "http")) else None
    except ValueError:
        return
    is_address = bool(parts.scheme) or address.startswith("/")
    path = local[0] if local else unquote(parts.path) if is_address else address
    path = path.replace("\\", "/").lstrip("/")
    if not path or "\0" in path:
        return
    yield path
    last = PurePosixPath(path).name
    if _UPLOAD_PREFIX.match(last):
        yield _UPLOAD_PREFIX.sub("", last)
