"""The images that are really there, and how an annotation file's words find them."""

import copy
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cell_pipelines.annotations.image_names import NameLookup, name_forms, plain_text, scene_file, spellings

SPLITS = ("train", "val", "test")
SPLIT_WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
# What may stand beside a split in the name of a folder, as in train_images or stage1_train.
_BESIDE_SPLIT = re.compile(r"imgs?|images?|labels?|masks?|annotations?|gt|raw|data|(data)?set|split|stage\d|20\d\d|")
# How many times more pixels per image has than the thumbnails in its file.
_THUMBNAIL = 4


@dataclass(frozen=True)
class FilePlane:
    """Plane of a file that is an image.

    Attributes:
        file: Name of the file; the image's own name where the file gives one image.
        lengths: How many time points (T), depths (Z) and channels (C) the file has.
        time: Number of the time point, from 0.
        z: Number of the depth, from 0; None for a projection of all.
    """

    file: str
    lengths: tuple[int, int, int] = (1, 1, 1)
    time: int = 0
    z: int | None = 0


@dataclass(frozen=True)
class ImageRecord:
    """An image that was read.

    Attributes:
        name: Path below the image folder, with ``/``.
        width: In pixels; 0 for an image that can't be read.
        height: In pixels; 0 for an image that can't be read.
        sha256: Hash of the decoded pixels.
        pixel_size_um: Height and width of a pixel in µm; None where the image doesn't say.
        orientation: The camera's mark (EXIF, 1 to 8) by which the picture in the file was turned upright; 1 for none.
        plane: Where in its file the image lies; None where that isn't known.
    """

    name: str
    width: int
    height: int
    sha256: str | None = None
    pixel_size_um: tuple[float, float] | None = None
    orientation: int = 1
    plane: FilePlane | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether the image is known by name only."""
        return self.width <= 0 or self.height <= 0

    @property
    def has_one_plane(self) -> bool:
        """Whether its file is known to have one time point and one depth."""
        return self.plane is not None and self.plane.lengths[:2] == (1, 1)


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
        self._by_name = {record.name: record for record in everything}
        self._names = [record.name for record in everything]
        self._lookups: dict[bool, NameLookup] = {}
        self._scenes: dict[str, list[ImageRecord]] | None = None
        self._forms: set[str] | None = None

    def with_splits(self, splits: Mapping[str, str]) -> "ImageIndex":
        """Return the same images with the split that lists state, by image name."""
        index = copy.copy(self)
        index.splits = dict(splits)
        return index

    def without(self, names: Collection[str]) -> "ImageIndex":
        """Return the images but those called so; the others keep their splits."""
        index = ImageIndex(record for name, record in self._by_name.items() if name not in names)
        return index.with_splits(self.splits)

    def find(self, name: str, near: str = "") -> ImageRecord | None:
        """Return the image that `name` stands for, or None where there is none or more than one.

        Accents may be composed or not. Where no image is called so, capitals don't count, percent signs are read as in
        an address, and the name of a file that holds a large image and small ones stands for the large one.

        Args:
            name: Path or file name as an annotation file gives it, with ``/`` or a backslash.
            near: Folder of that annotation file; it distinguishes images of one name in several folders.
        """
        paths = [path for spelling in spellings(name) if (path := _relative(spelling, near)) is not None]
        for fold in (False, True):
            for path in paths:
                found = self._lookup(fold).find(path)
                if found is not None:
                    return self._by_name[found]
        return self._largest_scene(paths)

    def planes(self, name: str, near: str = "") -> list[ImageRecord]:
        """Return the image that `name` stands for, or all that were read of the film or stack of this name."""
        record = self.find(name, near)
        if record is not None:
            return [record]
        films: dict[str, list[ImageRecord]] = defaultdict(list)
        for other in self.records:
            if other.plane is not None and other.plane.file != other.name:
                films[other.plane.file].append(other)
        paths = [path for spelling in spellings(name) if (path := _relative(spelling, near)) is not None]
        lookup = NameLookup(films, fold=True)
        return films.get(next(filter(None, map(lookup.find, paths)), ""), []) if films else []

    def _lookup(self, fold: bool) -> NameLookup:
        if fold not in self._lookups:
            self._lookups[fold] = NameLookup(self._names, fold=fold)
        return self._lookups[fold]

    def _largest_scene(self, paths: Sequence[PurePosixPath]) -> ImageRecord | None:
        """Return the large image of a file that holds it with small ones, such as a scanner's thumbnail."""
        if self._scenes is None:
            self._scenes = defaultdict(list)
            for record in self._by_name.values():
                if (file := scene_file(record.name)) is not None:
                    self._scenes[file].append(record)
            self._scene_lookup = NameLookup(self._scenes, fold=True)
        chosen = next(filter(None, map(self._scene_lookup.find, paths)), None)
        scenes = list(self._scenes[chosen]) if chosen is not None else []
        scenes.sort(key=lambda record: record.width * record.height, reverse=True)
        is_small = [_THUMBNAIL * r.width * r.height <= scenes[0].width * scenes[0].height for r in scenes[1:]]
        return scenes[0] if scenes and all(is_small) and not any(r.is_damaged for r in scenes) else None

    def is_called(self, name: str) -> bool:
        """Say quickly whether any image may be called so, with or without endings; capitals don't count."""
        if self._forms is None:
            self._forms = {form for known in self._names for form in name_forms(known)}
        return plain_text(name).casefold() in self._forms


def _relative(name: str, near: str) -> PurePosixPath | None:
    """Return the path that a name means, seen from the folder of the images; None for a name without a file."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.name:
        return None
    # The folders of an absolute path are those of another machine.
    return PurePosixPath(path.name) if path.is_absolute() or ":" in path.parts[0] else PurePosixPath(near, path)


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
