"""List what no reader looks at in a source's folder: links that lead out of it or nowhere, and closed folders."""

import os
from collections.abc import Collection
from pathlib import Path

from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.images import ImageIndex

_LEADS_OUT = "a link that leads out of the source's folder is not followed; put what it shows here, or name its folder."
_LINKED_FOLDER = "a link to a folder is not followed; name that folder, or put what lies in it here."
_NOWHERE = "a link that leads nowhere."


def find_unfollowed(folder: Path) -> dict[str, str]:
    """Return the links and folders below `folder` that no reader follows, hidden ones apart, each with the reason."""
    found: dict[str, str] = {}
    home = folder.resolve()

    def refuse(error: OSError) -> None:
        found[_name(Path(error.filename), folder)] = f"the folder can't be opened: {error.strerror}."

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [*folders, *files]:
            path = Path(parent, name)
            if path.is_symlink() and not name.startswith(".") and (reason := _reason(path, home)):
                found[_name(path, folder)] = reason
    return found


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _reason(path: Path, home: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return _NOWHERE
    if target.is_dir():
        return _LINKED_FOLDER
    return "" if target.is_relative_to(home) else _LEADS_OUT


def list_unfollowed(folder: Path, images: ImageIndex) -> tuple[Finding, ...]:
    """Return a finding for each link or folder that isn't followed, but for links to images, which are read as such."""
    found = find_unfollowed(folder)
    names = {record.name for record in images.records} if found else set()
    return tuple(
        Finding(file, "", "skipped", reason, 0) for file, reason in found.items() if not _is_image(file, names)
    )


def _is_image(file: str, names: Collection[str]) -> bool:
    """Say whether a link is one of the images, which may lie in a folder of the source."""
    folders = file.split("/")[:-1]
    tails = [file, *(file.split("/", depth + 1)[-1] for depth in range(len(folders)))]
    return file in names or (not Naming().lies_in_labels(folders) and any(tail in names for tail in tails))
