"""Find the images of an annotation file: named in its rows, or one image for the whole file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.images import split_of


class FileImages:
    """The images that one file names, each looked up once; objects of one that is left out are counted together.

    Args:
        collector: Where they go.
        file: The file, relative to the source's folder.
    """

    def __init__(self, collector: AnnotationCollector, file: str) -> None:
        self._collector = collector
        self._file = file
        self._near = str(PurePosixPath(file).parent)
        self._split = split_of(file, file_name=True)
        self._rows: dict[str, int | None] = {}
        self._left_out: Counter[str] = Counter()

    def row(self, name: str, size: tuple[int, int] | None = None, split: str | None = None) -> int | None:
        """Return the row of the image called `name`; None where it is left out, which is listed."""
        if name not in self._rows:
            row = self._collector.image(self._file, name, near=self._near, split=split or self._split, size=size)
            if row is not None and self._collector.refuse_second_label(self._file, row):
                row = None
            self._rows[name] = row
        return self._rows[name]

    def leave_out(self, name: str) -> None:
        """Count an object whose image is left out."""
        self._left_out[name] += 1

    def finish(self) -> None:
        """List the objects that were left out with their images."""
        for name, objects in self._left_out.items():
            self._collector.drop(self._file, name, "the objects of an image that is left out.", objects)


def split_files_first(folder: Path, paths: Sequence[Path]) -> list[Path]:
    """Return `paths` with those that name a split first: tables of all images often lie beside those of a split."""
    names = {path: path.relative_to(folder).as_posix() for path in paths}
    return sorted(paths, key=lambda p: (split_of(names[p], file_name=True) is None, names[p]))


def choose_name(collector: AnnotationCollector, file: str, said: str | None, own: str = "") -> str:
    """Return the name of the one image that a file is about: what it says, or its own where there is no such image.

    A file that was renamed with its image keeps the image's old name inside. Where that is the name of another image,
    it counts, and is suspect.

    Args:
        collector: Whose images.
        file: The file, relative to the source's folder.
        said: The image's name in the file.
        own: The file's own name for its image; empty for the file's stem.
    """
    own = own or PurePosixPath(file).stem
    if not said:
        return own
    near = str(PurePosixPath(file).parent)
    by_content, by_name = collector.images.find(said, near), collector.images.find(own, near)
    if by_name is None or by_name == by_content:
        return said
    if by_content is None:
        reason = f"names the image {said!r}, which is not there; taken as the label of {by_name.name!r}."
        collector.note(file, "", "noted", reason, 0)
        return by_name.name
    reason = f"names the image {by_content.name!r}, which is taken, but is called like {by_name.name!r}."
    collector.note(file, "", "suspect", reason, 0)
    return said
