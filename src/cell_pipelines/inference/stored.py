"""One image's detections in a file, so that work that was stopped goes on where it was."""

from pathlib import Path

import numpy as np

from cell_pipelines.files import atomic_path
from cell_pipelines.inference.detection import Detections


def write_detections(detections: Detections, size: tuple[int, int], path: Path) -> None:
    """Write detections and the image's height and width as NPZ, whole or not at all."""
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            boxes=detections.boxes,
            scores=detections.scores,
            categories=detections.categories,
            size=size,
        )


def read_detections(path: Path) -> tuple[Detections, tuple[int, int]]:
    """Read what `write_detections` wrote."""
    with np.load(path) as content:
        detections = Detections(content["boxes"], content["scores"], content["categories"])
        height, width = (int(v) for v in content["size"])
    return detections, (height, width)
