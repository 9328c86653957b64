"""Find the cells in a network's output: ``python decode.py output.npy labels.npz``.

It needs no installation of cell_pipelines: what it takes from there lies in ``decoding.zip`` beside it, and thresholds
in ``decoding.json``. Licence of both: AGPL-3.0-or-later.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent


def decode(output: Any) -> dict[str, Any]:
    """Return label images by class: int32, 0 for background, 1 to N for cells.

    Args:
        output: The network's output for one image, (channels, height, width), or with a batch of one before.

    Raises:
        ValueError: It has another shape.
    """
    if (FOLDER / "decoding.zip").is_file() and "cell_pipelines" not in sys.modules:
        sys.path.insert(0, str(FOLDER / "decoding.zip"))
    return decode_by(json.loads((FOLDER / "decoding.json").read_text(encoding="utf-8")), output)


def decode_by(known: dict[str, Any], output: Any) -> dict[str, Any]:
    """Return what `decode` returns, by the content of a ``decoding.json``."""
    from cell_pipelines.representations.registry import create_representation
    from cell_pipelines.thresholds import Threshold

    classes, chosen = known["thresholds"], known["representation"]
    representation = create_representation(chosen["name"], **chosen["options"])
    array = np.asarray(output, np.float32)
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    channels = len(classes) * len(representation.channels)
    if array.ndim != 3 or len(array) != channels:
        raise ValueError(f"expected an output ({channels}, height, width), got {np.shape(output)}.")
    parts = np.split(np.ascontiguousarray(array), len(classes))
    return {
        name: representation.decode(representation.reduce(part), Threshold(**threshold)).labels
        for part, (name, threshold) in zip(parts, classes.items(), strict=True)
    }


if __name__ == "__main__":
    np.savez_compressed(sys.argv[2], **decode(np.load(sys.argv[1])))
