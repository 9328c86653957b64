"""The images that are really there, and how an annotation file's words find them."""

import copy
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

SPLITS = ("train", "val", "test")
SPLIT_WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
# Folders that say what lies in them, not which images.
_ROLE_WORDS = {"images", "image", "img", "imgs", "jpegimages", "labels", "label", "annotations", "annotation"}
# What may stand beside a split in the name of a folder, as in train_images or stage1_train.
_BESIDE_SPLIT = re.compile(r"imgs?|images?|labels?|masks?|annotations?|gt|raw|data|(data)?set|split|stage\d|20\d\d|")


@dataclass(frozen=True)
class ImageRecord:
    """An image that was read.

    Attributes:
        name: Path below the image folder, with ``/``.
        width: In pixels; 0 for an image that can't be read.
        height: In pixels; 0 for an image that can't be read.
        sha256: Hash of the decoded pixels.
        pixel_size_um: Height and width of a pixel in µm; None where the image doesn't say.
    """

    name: str
    width: int
    height: int
    sha256: str | None = None
    pixel_size_um: tuple[float, float] | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether the image is known by name only."""
        return self.width <= 0 or self.height <= 0


class ImageIndex:
    """Finds an image by its path or the end of its path, with or without the ending, where that names exactly one.

    Attributes:
        records: The images that can be read.
        splits: Split by image name, where a list of the source states it.

    >>> index = ImageIndex([ImageRecord("train/a.png", 8, 8)])
    >>> index.find("a.jpg").name
    'train/a.png'
    """

    def __init__(self, records: Iterable[ImageRecord], damaged: Iterable[str] = ()) -> None:
        """Gather the images; damaged ones are known by name, so that their labels go to no other image.

        Args:
            records: The images; one without width or height counts as damaged.
            damaged: Names of further images that can't be read.
        """
        everything = [*records, *(ImageRecord(name, 0, 0) for name in damaged)]
        self.records = [record for record in everything if not record.is_damaged]
        self.splits: Mapping[str, str] = {}
        self._lookup: dict[tuple[str, tuple[str, ...]], list[ImageRecord]] = defaultdict(list)
        for record in everything:
            path = PurePosixPath(record.name)
            for kind, parts in (("full", path.parts), ("stem", path.with_suffix("").parts)):
                for length in range(1, len(parts) + 1):
                    self._lookup[kind, parts[-length:]].append(record)
        self._telling = _telling_length([PurePosixPath(r.name).with_suffix("").parts for r in everything])

    def with_splits(self, splits: Mapping[str, str]) -> "ImageIndex":
        """Return the same images with the split that lists state, by image name."""
        index = copy.copy(self)
        index.splits = dict(splits)
        return index

    def find(self, name: str, near: str = "") -> ImageRecord | None:
        """Return the image that `name` stands for, or None where there is none or more than one.

        Args:
            name: Path or file name as an annotation file gives it, with ``/`` or a backslash.
            near: Folder of that annotation file; it tells images of one name in several folders apart.
        """
        path = PurePosixPath(name.replace("\\", "/"))
        if not path.name:
            return None
        # The folders of an absolute path are those of another machine.
        path = PurePosixPath(path.name) if path.is_absolute() or ":" in path.parts[0] else PurePosixPath(near, path)
        for kind, parts in (("full", path.parts), ("stem", path.parts), ("stem", path.with_suffix("").parts)):
            for length in range(len(parts), 0, -1):
                record = self._choose(kind, parts, length)
                if record is not None:
                    return record
        return None

    def _choose(self, kind: str, parts: tuple[str, ...], length: int) -> ImageRecord | None:
        found = self._lookup.get((kind, parts[-length:]), [])
        whole = [r for r in found if r.name.count("/") + 1 == length]
        for chosen in (whole, found):
            if len(chosen) == 1:
                rest = PurePosixPath(chosen[0].name).parts[:-length], parts[:-length]
                # Where one file name stands for many images, folders that differ mean another image.
                agree = any({part.lower() for part in side} <= _ROLE_WORDS for side in rest)
                return chosen[0] if length >= self._telling or agree else None
        return None


def _telling_length(paths: list[tuple[str, ...]]) -> int:
    """Return how many last parts of the paths it takes to tell all of them apart."""
    longest = max(map(len, paths), default=0)
    for length in range(1, longest + 1):
        if len({path[-length:] for path in paths}) == len(paths):
            return length
    return longest + 1


def split_of(path: str, *, file_name: bool = False) -> str | None:
    """Return train, val or test where a folder of `path` says so, or with `file_name` also a word of the file's name.

    >>> split_of("images/valid/a.png"), split_of("test_1.png"), split_of("instances_train.json", file_name=True)
    ('val', None, 'train')
    >>> split_of("stage1_train/a.png"), split_of("train_masks/a.png"), split_of("drug test 3/a.png")
    ('train', 'train', None)
    """
    pure = PurePosixPath(path)
    words = [_split_word(part) for part in pure.parts[:-1]]
    words += re.split(r"[-_.\s]", pure.stem.lower()) if file_name else []
    found = {SPLIT_WORDS[w] for w in map(_without_year, words) if w in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def _split_word(folder: str) -> str:
    """Return the one word of a folder's name that says more than what lies in it; the whole name where it isn't one."""
    words = [word for word in re.split(r"[-_.\s]", folder.lower()) if not _BESIDE_SPLIT.fullmatch(word)]
    return words[0] if len(words) == 1 else folder.lower()


def _without_year(word: str) -> str:
    return re.sub(r"20\d\d$", "", word)
