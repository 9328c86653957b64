"""Paths that stay inside their folder, whatever a name says."""

from pathlib import Path, PurePosixPath


class UnsafePathError(ValueError):
    """A name that would leave the folder it is meant for."""


def resolve_inside(folder: Path, name: str) -> Path:
    r"""Return the path of `name` in `folder`, refusing names that lead out of it.

    Args:
        folder: The folder that must hold the result.
        name: A relative name as written in a file; both ``/`` and ``\`` separate.

    Raises:
        UnsafePathError: `name` is absolute, holds a NUL, or climbs out of `folder`, also through a link.
    """
    relative = PurePosixPath(name.replace("\\", "/"))
    drive = relative.parts[:1] and relative.parts[0].endswith(":")
    if not relative.parts or relative.is_absolute() or drive or ".." in relative.parts or "\0" in name:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; it leads elsewhere.")
    path = folder / relative
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; its link can't be followed.") from error
    if not inside:
        raise UnsafePathError(f"the name {name!r} must lie inside its folder; it is a link that leads elsewhere.")
    return path


def is_file_inside(folder: Path, path: Path) -> bool:
    """Say whether `path` is a file in `folder`, also when links are followed."""
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
