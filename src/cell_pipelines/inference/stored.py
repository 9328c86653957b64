"""One image's predictions in a file, so that work that was stopped goes on where it was."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.files import atomic_path
from cell_pipelines.inference.detections import Detections

Arrays = Mapping[str, npt.NDArray[Any]]

_SIZE = "size"


def write_arrays(arrays: Arrays, size: tuple[int, int], path: Path) -> None:
    """Write arrays by name, and the image's height and width, as compressed NPZ, whole or not at all.

    Raises:
        ValueError: An array is named ``size``, or isn't plain numbers.
    """
    if _SIZE in arrays:
        raise ValueError(f"`arrays` must not hold {_SIZE!r}, which is the image's; got {', '.join(arrays)}.")
    with (
        atomic_path(path) as temporary,
        # NumPy's own writer compresses at a level that takes four times as long for a tenth of the size.
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, array in {**arrays, _SIZE: np.array(size, np.int64)}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], tuple[int, int]]:
    """Read what `write_arrays` wrote.

    Raises:
        ValueError: The file is damaged or something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        height, width = (int(v) for v in arrays.pop(_SIZE))
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
    return arrays, (height, width)


def write_detections(detections: Detections, size: tuple[int, int], path: Path) -> None:
    """Write detections and the image's height and width, whole or not at all."""
    write_arrays(detections.arrays(), size, path)


def read_detections(path: Path) -> tuple[Detections, tuple[int, int]]:
    """Read what `write_detections` wrote."""
    arrays, size = read_arrays(path)
    return Detections.from_arrays(arrays), size
