"""One image's predictions in a file, so that work that was stopped goes on where it was."""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.files import atomic_path
from cell_pipelines.inference.detections import Detections

Arrays = Mapping[str, npt.NDArray[Any]]
Named = tuple[str, npt.NDArray[Any]]

_SIZE, _NOTE = "size", "note"


def write_arrays(
    arrays: Arrays | Iterable[Named], size: tuple[int, int], path: Path, *, note: Mapping[str, Any] | None = None
) -> None:
    """Write arrays by name, and the image's height and width, as compressed NPZ, whole or not at all.

    Args:
        arrays: What is stored; of pairs of name and array only one is in memory at a time.
        size: Height and width.
        path: The file.
        note: Plain values about the image, for `read_note`.

    Raises:
        ValueError: An array is named ``size`` or ``note``, or isn't plain numbers.
    """
    text = np.frombuffer(json.dumps(dict(note or {})).encode(), np.uint8)
    with (
        atomic_path(path) as temporary,
        # NumPy's own writer compresses at a level that takes four times as long for a tenth of the size.
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        own = {_SIZE: np.array(size, np.int64), _NOTE: text}
        for name, array in chain(arrays.items() if isinstance(arrays, Mapping) else arrays, own.items()):
            if name in own and array is not own[name]:
                raise ValueError(f"`arrays` must not hold {_SIZE!r} or {_NOTE!r}, the image's own; got {name!r}.")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


@contextmanager
def opened_arrays(path: Path) -> Iterator[Arrays]:
    """Open what `write_arrays` wrote; each array is read when it is asked for.

    Raises:
        ValueError: The file is damaged or something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            yield content
    except FileNotFoundError:
        raise
    except (
        ValueError,
        OSError,
        KeyError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(f"{path}: expected stored predictions, got: {error}.") from error


def read_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], tuple[int, int]]:
    """Read what `write_arrays` wrote.

    Raises:
        ValueError: The file is damaged or something else.
    """
    with opened_arrays(path) as content:
        arrays = {name: content[name] for name in content if name not in (_SIZE, _NOTE)}
        return arrays, read_size(content)


def read_size(arrays: Arrays) -> tuple[int, int]:
    """Return the image's height and width, which stand beside what `opened_arrays` gives."""
    height, width = (int(v) for v in arrays[_SIZE])
    return height, width


def read_note(path: Path) -> dict[str, Any]:
    """Read the note of a file of `write_arrays`; empty where it has none. The arrays are not read.

    Raises:
        ValueError: The file is damaged or something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            note: dict[str, Any] = json.loads(content[_NOTE].tobytes()) if _NOTE in content.files else {}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: expected stored predictions, got: {error}.") from error
    return note


def read_detections(path: Path) -> tuple[Detections, tuple[int, int]]:
    """Read detections, and the image's height and width."""
    arrays, size = read_arrays(path)
    return Detections.from_arrays(arrays), size
