"""Names by which label pictures differ from images, and the names that the image of a label may have."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_WORD = r"(?:labels?|labell?ed|lbls?|masks?|masked|instances?|inst|segmentations?|segmented|segs?|gt|ground[ _-]?truth)"
# Folders of the Cell Tracking Challenge besides 01_GT and SEG: silver truth, results, segmentation errors, tracks.
_CHALLENGE = r"\d+_(?:ST|RES|ERR_SEG)|TRA"
_FOLDER = re.compile(rf"(?:(?P<set>.*)[ ._-])?{_WORD}|{_CHALLENGE}", re.IGNORECASE)
_PLAIN_FOLDER = re.compile(_WORD, re.IGNORECASE)
_ENDING = re.compile(
    rf"(?P<name>.+?)[ ._-](?:(?:cp|instance)_)?(?:{_WORD}|annotations?|annotated|instances?_ids|ids)", re.IGNORECASE
)
_BEGINNING = re.compile(rf"(?:man_)?(?:{_WORD}|track)(?:[ ._-]+(?P<name>.+)|(?P<number>\d+))", re.IGNORECASE)
_ONE_CELL = re.compile(rf"(?P<name>.+?)[ ._-]{_WORD}[ ._-]?\d+", re.IGNORECASE)
_ALONE = re.compile(rf"(?:{_WORD}|instances?_ids|ids)", re.IGNORECASE)
_IMAGE_FOLDER = re.compile(
    r"(?:.*[ ._-])?(?:images?|imgs?|jpegimages|pictures?|photos?|raw|originals?|frames?|tiles)", re.IGNORECASE
)
_IMAGE_FOLDERS = ("images", "image", "imgs", "img", "raw", "JPEGImages", "frames", "tiles", "photos", "pictures", "")
_IMAGE_WORDS = ("image", "img", "im", "raw", "photo", "frame", "t")


@dataclass(frozen=True)
class Naming:
    """Difference between the names of labels and of images.

    Attributes:
        folder: Name of the folder of the labels; None for the usual ones.
        suffix: What is added to an image's name; None for the usual ones.
        image: Which image a label without a name of its own belongs to where several lie in its folder.
    """

    folder: str | None = None
    suffix: str | None = None
    image: str = "raw"

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> "Naming":
        """Take ``label_folder``, ``suffix`` and ``image`` out of a reader's options, in place.

        Raises:
            TypeError: One of them is no text.
        """
        given = {key: options.pop(key) for key in ("label_folder", "suffix", "image") if key in options}
        for key, value in given.items():
            if not isinstance(value, str) and (value is not None or key == "image"):
                raise TypeError(f"`{key}` must be a text, got {value!r}.")
        return cls(given.get("label_folder"), given.get("suffix"), given.get("image", "raw"))

    def is_label_folder(self, name: str) -> bool:
        """Say whether a folder of this name holds labels."""
        if self.folder is not None:
            return name.lower() == self.folder.lower()
        return bool(_FOLDER.fullmatch(name))

    def lies_in_labels(self, folders: Sequence[str]) -> bool:
        """Say whether a path's folders make it one of labels: of those that say what they hold, the last one counts.

        Images lie in ``cell_segmentation/images``; but in a folder called labels, masks or the like and nothing else,
        all pictures are labels, since ``masks/images/a.png`` mirrors where the images lie.
        """
        if any(self.is_label_folder(name) and (self.folder or _PLAIN_FOLDER.fullmatch(name)) for name in folders):
            return True
        for name in reversed(folders):
            if self.is_label_folder(name) or _IMAGE_FOLDER.fullmatch(name):
                return self.is_label_folder(name)
        return False

    def bare_name(self, stem: str) -> str | None:
        """Return the image's name in a label's name, empty where it is none; None for a name that isn't a label's."""
        if self.suffix is not None:
            return stem.removesuffix(self.suffix) if self.suffix and stem.endswith(self.suffix) else None
        if _ALONE.fullmatch(stem):
            return ""
        found = _ENDING.fullmatch(stem) or _BEGINNING.fullmatch(stem)
        return (found["name"] or found["number"]) if found else None

    def image_names(self, stem: str) -> list[str]:
        """Return the names that the image of a label called `stem` may have, the likeliest first.

        >>> Naming().image_names("a_mask")[:3]
        ['a_mask', 'a', 'a_image']
        >>> "t007" in Naming().image_names("man_track007")
        True
        """
        bare = self.bare_name(stem)
        if not bare:
            return [stem]
        names = [stem, bare]
        if self.suffix is None:
            names += [f"{bare}{gap}{word}" for word in _IMAGE_WORDS[:-1] for gap in "_- "]
            names += [f"{word}{gap}{bare}" for word in _IMAGE_WORDS for gap in ("", "_", "-", " ")]
        return names

    def image_folders(self, folder: PurePosixPath) -> Iterator[str]:
        """Yield where the image of a label in `folder` may lie, the likeliest first."""
        parts = folder.parts
        for place in range(len(parts) - 1, -1, -1):
            if not self.is_label_folder(parts[place]):
                continue
            above, below = parts[:place], parts[place + 1 :]
            for word in _IMAGE_FOLDERS:
                yield str(PurePosixPath(*above, word, *below))
            found = _FOLDER.fullmatch(parts[place])
            base = (found["set"] or _set_of_challenge(parts[place])) if found and self.folder is None else ""
            for word in ("", "_images", "_image", "_imgs", "_img", "_raw") if base else ():
                yield str(PurePosixPath(*above, base + word, *below))
                yield str(PurePosixPath(*above, base + word))
        yield str(folder)
        yield "images"


def _set_of_challenge(name: str) -> str:
    return name.partition("_")[0] if "_" in name and re.fullmatch(_CHALLENGE, name, re.IGNORECASE) else ""


def image_of_one_cell(stem: str) -> str | None:
    """Return the image's name in that of a mask of one cell, ``a`` for ``a_mask_3``; None for other names."""
    found = _ONE_CELL.fullmatch(stem)
    return found["name"] if found else None


def is_label_word(name: str) -> bool:
    """Say whether a folder is called as folders of labels usually are."""
    return bool(_FOLDER.fullmatch(name))


def is_image_folder(name: str) -> bool:
    """Say whether a folder is called as folders of images usually are."""
    return bool(_IMAGE_FOLDER.fullmatch(name))
