"""Eight phase-contrast images of T98G cells with outlines: which are for what, and how they are read."""

from pathlib import Path

import numpy as np
from starter import DATA, Images

from cell_pipelines.imaging.reading import read_image

_FOLDER = DATA / "phase_contrast_instances_t98g" / "train"
#: Which images train the start, which may be corrected, and which are evaluated.
SPLIT = {"prepare": ("set1", "set9", "set25"), "pool": ("set5", "set18", "set30"), "test": ("set14", "set20")}


def read_t98g(part: str) -> Images:
    """Return name, image and true labels of a part of the images."""
    truth = "instances_ids.png"
    return [(f"{one}.tif", read_image(file), read_image(file.with_name(truth))) for one, file in _files(part)]


def t98g_files(part: str) -> dict[str, Path]:
    """Return the files of a part of the images by their names."""
    return {f"{one}.tif": file for one, file in _files(part)}


def median_diameter(images: Images) -> float:
    """Return the median diameter of the cells in pixels, each that of a circle of its area."""
    areas = np.concatenate([np.bincount(labels.ravel())[1:] for *_, labels in images])
    return round(float(np.median(np.sqrt(4 / np.pi * areas[areas > 0]))), 1)


def _files(part: str) -> list[tuple[str, Path]]:
    return [(one, _FOLDER / one / "raw.tif") for one in SPLIT[part]]
