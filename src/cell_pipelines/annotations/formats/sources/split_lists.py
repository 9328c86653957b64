"""Read the split that a source of any format states: by lists such as ``train.txt``, a ``data.yaml``, or folders."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.formats.sources.class_names import yaml_files
from cell_pipelines.annotations.formats.sources.label_paths import files_below
from cell_pipelines.annotations.formats.sources.text import read_text, read_yaml
from cell_pipelines.annotations.images import SPLIT_WORDS, SPLITS, ImageIndex, ImageRecord, split_of
from cell_pipelines.inside_paths import is_file_inside


def read_split_lists(folder: Path, images: ImageIndex) -> tuple[dict[str, str], list[Finding]]:
    """Return the split of each image that a list in `folder` names, and what was wrong with the lists.

    A list is a text file called like a split (``train.txt``, ``validation.txt``) with one image per line, as Pascal
    VOC keeps them in ``ImageSets``, or what a ``data.yaml`` names under ``train``, ``val`` and ``test``: a folder, a
    list, or several of them. An image in two splits keeps the first of train, val and test; where two splits list the
    same images, as for a first try of a program, neither states anything.

    Args:
        folder: The source's folder.
        images: The images that are there.
    """
    findings: list[Finding] = []
    lists = sorted(_lists(folder, images, findings), key=lambda item: SPLITS.index(item[1]))
    splits: dict[str, str] = {}
    for file, split, names in lists:
        if any(set(names) == set(others) for _, other, others in lists if other != split):
            findings.append(Finding(file, split, "noted", "the same images are listed for another split as well.", 0))
            continue
        for first in SPLITS:
            twice = [name for name in names if splits.setdefault(name, split) == first != split]
            if twice:
                reason = f"{len(twice)} images are in {split} and in {first}; {first} counts. The first is {twice[0]}."
                findings.append(Finding(file, split, "suspect", reason, 0))
    return splits, findings


def _lists(folder: Path, images: ImageIndex, findings: list[Finding]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield file, split and image names of each list; a list that can't be read is added to `findings`."""
    for path in files_below(folder, ".txt"):
        split = SPLIT_WORDS.get(path.stem.lower())
        if split is None:
            continue
        file = path.relative_to(folder).as_posix()
        try:
            yield file, split, _listed(path, images)
        except ValueError as error:
            findings.append(Finding(file, "", "skipped", str(error), 0))
    for path in yaml_files(folder):
        yield from _described(folder, path, images)


def _listed(path: Path, images: ImageIndex) -> list[str]:
    records = (images.find(line.strip()) for line in read_text(path).splitlines())
    return list(dict.fromkeys(record.name for record in records if record is not None))


def _described(folder: Path, path: Path, images: ImageIndex) -> Iterator[tuple[str, str, list[str]]]:
    try:
        content = read_yaml(path)
    except ValueError:
        # Whoever reads the class names from it says so.
        return
    if not isinstance(content, Mapping):
        return
    for word, split in SPLIT_WORDS.items():
        given = content.get(word)
        entries = [entry for entry in (given if isinstance(given, list) else [given]) if isinstance(entry, str)]
        names = [name for entry in entries for name in _of_entry(folder, entry, images)]
        if names:
            yield path.name, split, names


def _of_entry(folder: Path, entry: str, images: ImageIndex) -> Iterable[str]:
    """Return the images of one entry of a ``data.yaml``: those of a list, or those below a folder."""
    parts = tuple(p for p in PurePosixPath(entry.replace("\\", "/")).parts if p not in ("..", ".", "/"))
    if parts and parts[-1].lower().endswith(".txt"):
        tails = (folder.joinpath(*parts[start:]) for start in range(len(parts)))
        found = next((path for path in tails if is_file_inside(folder, path)), None)
        try:
            return _listed(found, images) if found else []
        except ValueError:
            return []
    tails_of_folder = [parts[start:] for start in range(len(parts))]
    return [
        record.name
        for record in images.records
        if any(PurePosixPath(record.name).parent.parts[: len(tail)] == tail for tail in tails_of_folder)
    ]


class StatedSplits:
    """Decide which split an image has where lists, a file's content and folders may each state one.

    Args:
        listed: Split by image name, from `read_split_lists`.
    """

    def __init__(self, listed: Mapping[str, str]) -> None:
        self._listed = listed
        self._first: dict[str, str] = {}

    def of(self, record: ImageRecord, file: str, said: str | None) -> tuple[str | None, Finding | None]:
        """Return the split of an image, None where the source states none, and a finding where it contradicts itself.

        Lists count first, then the file's content, then the folders of the file and those of the image.

        Args:
            record: The image.
            file: The annotation file that is about it.
            said: What the file's content or name says.
        """
        explicit, folders = (self._listed.get(record.name), said), (split_of(file), split_of(record.name))
        first = self._first.get(record.name)
        stated = _different(first, *explicit) if any(explicit) else _different(first, *folders)
        if not stated:
            return None, None
        split = self._first.setdefault(record.name, stated[0])
        others = stated[1:] or [other for other in _different(*folders) if other != split]
        if not others:
            return split, None
        reason = f"{record.name} is said to be in {split} and in {' and in '.join(others)}; {split} counts."
        # Lists may well overrule folders; two folders or two files that disagree are an error of somebody's.
        return split, Finding(file, "", "suspect" if stated[1:] else "noted", reason, 0)


def _different(*stated: str | None) -> list[str]:
    return list(dict.fromkeys(filter(None, stated)))
