"""Hash the files of other people's models, which are used where they lie."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(paths: Sequence[Path]) -> str:
    """Return one SHA-256 for several files, in their order; of a single one its own."""
    found = [hash_file(path) for path in paths]
    return found[0] if len(found) == 1 else hashlib.sha256("\0".join(found).encode()).hexdigest()


def check_unchanged(record: Mapping[str, Any], paths: Sequence[Path]) -> None:
    """Refuse files that are not those that a model file was made of.

    Args:
        record: What the model file says under ``foreign``; `sha256` is `hash_files` of then.
        paths: The files now.

    Raises:
        FileNotFoundError: One is gone.
        ValueError: They changed.
    """
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected a file of a model used before; it is gone.")
    if hash_files(paths) != record["sha256"]:
        raise ValueError(
            f"{record['weights']}: the weights are not those that the model file was made of; name the model again."
        )
