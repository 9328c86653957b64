"""Public images with annotations that a person can fetch to try things out: where they are, and what they must hold."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cell_pipelines.annotations.formats.sources.archives import list_members, read_member
from cell_pipelines.downloads import DownloadError, RemoteFile, download
from cell_pipelines.files import atomic_folder

# A picture of these data sets takes less than 1 MB.
_MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class PublicData:
    """A public data set of three archives: images, masks, and lists of the images of each split.

    Attributes:
        title: What it shows.
        licence: Its licence, as its source states it.
        page: Where its source describes it.
        archives: The files; ``images`` and ``masks`` hold pictures of the same names.
        lists: For each split the name of its list in the archive ``metadata``.
    """

    title: str
    licence: str
    page: str
    archives: Mapping[str, RemoteFile]
    lists: Mapping[str, str]


_BROAD = "https://data.broadinstitute.org/bbbc/BBBC039"
#: The sizes and checksums are those that independent projects recorded of these files (torch-em among them): the source
#: publishes none.
PUBLIC_DATA = {
    "bbbc039": PublicData(
        title="200 fields of fluorescent nuclei of U2OS cells, 16 bit, with masks (BBBC039v1, Caicedo et al. 2019)",
        licence="CC0 1.0",
        page="https://bbbc.broadinstitute.org/BBBC039",
        archives={
            "images": RemoteFile(
                f"{_BROAD}/images.zip", 77_915_748, "6f30a5d4fe38c928ded972704f085975f8dc0d65d9aa366df00e5a9d449fddd7"
            ),
            "masks": RemoteFile(
                f"{_BROAD}/masks.zip", 2_753_811, "f9e6043d8ca56344a4886f96a700d804d6ee982f31e2b2cd3194af2a053c2710"
            ),
            "metadata": RemoteFile(
                f"{_BROAD}/metadata.zip", 17_816, "a2c1f900bed9ba92a99553efd4c2ae98598433691c7401d818653ab61110deb2"
            ),
        },
        lists={"train": "training.txt", "val": "validation.txt", "test": "test.txt"},
    )
}


def fetch_public_data(data: PublicData, folder: Path, on_bytes: Callable[[int], None] = lambda count: None) -> Path:
    """Download a data set unless it is there, and unpack it to ``images/`` and ``masks/`` of the source's splits.

    Args:
        data: The data set.
        folder: Where to put it; ``archives/`` in it keeps what was downloaded.
        on_bytes: Called with the number of bytes that came.

    Returns:
        The folder, with ``images/<split>/`` and ``masks/<split>/``.

    Raises:
        DownloadError: An archive could not be had, or does not hold what it should.
    """
    paths = {
        name: download(remote, folder / "archives" / PurePosixPath(remote.url).name, on_bytes)
        for name, remote in data.archives.items()
    }
    splits = _read_splits(paths["metadata"], data.lists)
    for kind in ("images", "masks"):
        _unpack(paths[kind], splits, folder / kind)
    return folder


def _read_splits(path: Path, lists: Mapping[str, str]) -> dict[str, str]:
    """Return the split of each picture, by its name without an ending.

    Raises:
        DownloadError: A list is missing, or two splits share a picture.
    """
    members = {PurePosixPath(member.filename).name: member for member in list_members(path, ".txt")[0]}
    splits: dict[str, str] = {}
    for split, name in lists.items():
        if name not in members:
            raise DownloadError(f"{path}: expected the list {name}; got {', '.join(sorted(members)) or 'no list'}.")
        with zipfile.ZipFile(path) as archive:
            lines = read_member(archive, members[name], _MOST_BYTES).decode("utf-8").split()
        stems = {PurePosixPath(line).stem for line in lines}
        if shared := sorted(stems & splits.keys()):
            raise DownloadError(f"{path}: {shared[0]} is in two splits, {splits[shared[0]]} and {split}.")
        splits |= dict.fromkeys(stems, split)
    return splits


def _unpack(path: Path, splits: Mapping[str, str], target: Path) -> None:
    """Write the pictures of an archive to one folder per split; those of no split are left out.

    Raises:
        DownloadError: A picture of a split is missing, or something else lies where they belong.
    """
    members = {PurePosixPath(member.filename).stem: member for member in list_members(path, ".tif", ".png")[0]}
    if missing := sorted(splits.keys() - members.keys()):
        raise DownloadError(f"{path}: {len(missing)} pictures are missing, among them {missing[0]}.")
    chosen = {Path(splits[stem], PurePosixPath(members[stem].filename).name): members[stem] for stem in splits}
    if target.exists():
        if all(_size(target / place) == member.file_size for place, member in chosen.items()):
            return
        raise DownloadError(f"{target}: something else lies here already; name another folder.")
    with atomic_folder(target) as folder, zipfile.ZipFile(path) as archive:
        for place, member in chosen.items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_bytes(read_member(archive, member, _MOST_BYTES))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
