"""Say in words what a file holds that is no image, by its first bytes."""

from pathlib import Path

_LOOKED_AT = 512
# First bytes, and what begins so.
_KINDS = (
    (b"PK\x03\x04", "a ZIP archive, or a document made of one"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"),
)
# Pictures, which are read whatever picture's ending they have, and no other.
_PICTURES = ((b"\x89PNG\r\n", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"))
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_WEB_PAGE = (b"<!doctype html", b"<html")


def describe_contents(path: Path) -> str:
    """Return what a file is, such as ``a web page (HTML)``, where it is no image of its ending's kind; else nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
    except OSError:
        return ""
    pictures = () if path.suffix.lower() in _PICTURE_SUFFIXES else _PICTURES
    for start, kind in (*_KINDS, *pictures):
        if head.startswith(start):
            return str(kind)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.lower().startswith(_WEB_PAGE):
        return "a web page (HTML), as a failed download leaves it"
    return f"text that begins with {_start(text)}" if text and _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    """Say whether bytes are UTF-8 without control characters; one that is cut at the end may be incomplete."""
    text = head.decode("utf-8", errors="replace")
    return "\ufffd" not in text[:-3] and all(sign.isprintable() or sign in "\t\r\n\f" for sign in text[:-3])


def _start(text: bytes) -> str:
    return repr(text.decode("utf-8", errors="replace").splitlines()[0][:40])
