"""Compare names of images that systems and tools write differently: accents, capitals, percent signs, endings."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

# Endings that say twice what a file is.
_CORE = re.compile(r"\.(ome|companion)$", re.IGNORECASE)
_SCENE = re.compile(r"scene \d+")
# Folders that say what lies in them, not which images.
_ROLE_WORDS = {"images", "image", "img", "imgs", "jpegimages", "labels", "label", "annotations", "annotation"}

Parts = tuple[str, ...]


def plain_text(text: str) -> str:
    r"""Return a name with composed accents; bytes that are no UTF-8, as old systems leave them, are read as Latin-1.

    >>> plain_text("Ze\u0301lle") == "Z\u00e9lle", plain_text("Z\udce9lle") == "Z\u00e9lle"
    (True, True)
    """
    if text.isascii():
        return text
    if any("\udc80" <= letter <= "\udcff" for letter in text):
        text = re.sub("[\udc80-\udcff]", lambda found: chr(ord(found[0]) - 0xDC00), text)
    return unicodedata.normalize("NFC", text)


def core_name(name: str) -> str:
    """Return the last part of a path without its endings, ``film`` for ``film.ome.tif``."""
    return _CORE.sub("", PurePosixPath(name).stem)


class NameLookup:
    """Find the one image that a path, or the end of a path, with or without its ending, stands for.

    Args:
        names: Paths of the images below their folder, with ``/``.
        fold: Whether capitals don't count.
    """

    def __init__(self, names: Iterable[str], *, fold: bool) -> None:
        self._fold = fold
        self._lookup: dict[tuple[str, Parts], list[str]] = defaultdict(list)
        stems = []
        for name in names:
            path = PurePosixPath(self._spell(name))
            stems.append(path.with_suffix("").parts)
            for kind, parts in self._forms(path):
                for length in range(1, len(parts) + 1):
                    self._lookup[kind, parts[-length:]].append(name)
        self._telling = _telling_length(stems)

    def _spell(self, name: str) -> str:
        return plain_text(name).casefold() if self._fold else plain_text(name)

    @staticmethod
    def _forms(path: PurePosixPath) -> Iterator[tuple[str, Parts]]:
        yield "full", path.parts
        yield "stem", path.with_suffix("").parts
        yield "core", (*path.parts[:-1], core_name(path.name))

    def find(self, path: PurePosixPath) -> str | None:
        """Return the name of the image; None where there is none or more than one."""
        path = PurePosixPath(self._spell(str(path)))
        core = (*path.parts[:-1], core_name(path.name))
        asked = [("full", path.parts), ("stem", path.parts), ("stem", path.with_suffix("").parts)]
        for kind, parts in [*asked, ("core", path.with_suffix("").parts), ("core", core)]:
            for length in range(len(parts), 0, -1):
                name = self._choose(kind, parts, length)
                if name is not None:
                    return name
        return None

    def _choose(self, kind: str, parts: Parts, length: int) -> str | None:
        found = self._lookup.get((kind, parts[-length:]), [])
        whole = [name for name in found if name.count("/") + 1 == length]
        for chosen in (whole, found):
            if len(chosen) == 1:
                rest = PurePosixPath(chosen[0]).parts[:-length], parts[:-length]
                # Where one file name stands for many images, folders that differ mean another image.
                agree = any({part.lower() for part in side} <= _ROLE_WORDS for side in rest)
                return chosen[0] if length >= self._telling or agree else None
        return None


def _telling_length(paths: list[Parts]) -> int:
    """Return how many last parts of the paths it takes to distinguish all of them."""
    longest = max(map(len, paths), default=0)
    for length in range(1, longest + 1):
        if len({path[-length:] for path in paths}) == len(paths):
            return length
    return longest + 1


def spellings(name: str) -> list[str]:
    """Return a name as it stands, and as an address with percent signs means it.

    >>> spellings("my%20cells.png")
    ['my%20cells.png', 'my cells.png']
    """
    return list(dict.fromkeys([name, unquote(name)]))


def scene_file(name: str) -> str | None:
    """Return the file of an image that is one of several in it, such as ``a.tif`` for ``a.tif/scene 0``."""
    path = PurePosixPath(name)
    return str(path.parent) if _SCENE.fullmatch(path.name) else None


def name_forms(name: str) -> set[str]:
    """Return what the last part of an image's name may be written as, with and without endings, in small letters."""
    path = PurePosixPath(name)
    forms = {path.name, path.stem, core_name(name), PurePosixPath(scene_file(name) or "").stem}
    return {plain_text(form).casefold() for form in forms}


def describe_match(said: str, name: str) -> str:
    """Say how the image that was matched is called otherwise than an annotation says; nothing where it isn't."""
    of_file = scene_file(name)
    file = of_file if of_file is not None and PurePosixPath(said).name != PurePosixPath(name).name else name
    if file != name:
        return f"{said!r} holds several images; the label is taken for the largest, {name!r}."
    wanted, real = (plain_text(PurePosixPath(text.replace("\\", "/")).name) for text in (said, name))
    forms = {real, PurePosixPath(real).stem, core_name(real)}
    written = {wanted, PurePosixPath(wanted).stem, core_name(wanted)}
    if forms & written:
        return ""
    if {form.casefold() for form in forms} & {form.casefold() for form in written}:
        return f"the image is called {real!r}, not {wanted!r}; capitals don't count where a name is unique."
    if "%" not in wanted:
        return ""
    return f"the image is called {real!r}, not {wanted!r}; percent signs are read as in an address."
