"""List files that lie or are called as labels are, but in formats that no reader opens."""

from collections.abc import Iterator
from pathlib import Path

from cell_pipelines.annotations.formats.sources.label_naming import Naming
from cell_pipelines.annotations.formats.sources.label_paths import files_below

_UNREAD = (
    ".gif", ".webp", ".jp2", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mrc",
    ".dcm", ".pgm", ".ppm", ".svg",
)  # fmt: skip
# Cellpose's own file, of which `foreign` says more.
_CELLPOSE = "_seg.npy"


def unread_labels(folder: Path, naming: Naming) -> Iterator[tuple[str, str]]:
    """Yield name and reason of the files below `folder` that would be labels, were their format read."""
    root = (folder.resolve().name,)
    for ending in _UNREAD:
        for path in files_below(folder, ending):
            file = path.relative_to(folder)
            stem = path.name[: -len(ending)]
            named = naming.lies_in_labels((*root, *file.parts[:-1])) or bool(naming.bare_name(stem))
            if named and not path.name.lower().endswith(_CELLPOSE):
                yield file.as_posix(), f"labels ending in {ending} are not read; save them as PNG or TIFF."


def describe_unread_labels(folder: Path) -> str | None:
    """Return the sentence about the first such file; None where there is none."""
    first = next(unread_labels(folder, Naming()), None)
    return f"{first[0]}: {first[1]}" if first else None
