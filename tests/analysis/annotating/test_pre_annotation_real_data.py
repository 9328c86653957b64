"""Proposals for real nuclei."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.analysis.annotating.pre_annotation import PreAnnotationOptions, pre_annotate
from cell_pipelines.imaging.reading import read_image

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))


def true_positives(truth: NDArray[np.integer], labels: NDArray[np.int32]) -> int:
    """Cells found at IoU above 0.5, which makes a match the only one."""
    shape = int(truth.max()) + 1, int(labels.max()) + 1
    shared = np.bincount((truth.astype(np.int64) * shape[1] + labels).ravel(), minlength=shape[0] * shape[1]).reshape(
        shape
    )
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return int((shared / np.maximum(union, 1) > 0.5)[1:, 1:].sum())


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
@pytest.mark.parametrize(
    ("folder", "step", "least"),
    [("nuclei_fluorescence_dsb2018", 5, 0.78), ("nuclei_fluorescence_16bit_bbbc039", 6, 0.85)],
)
def test_real_nuclei_are_found(folder: str, step: int, least: float) -> None:
    found = true = proposed = 0
    for path in sorted((DATA / folder / "images").iterdir())[::step]:
        truth = _real_labels(DATA / folder, path.stem)
        labels = pre_annotate(read_image(path), PreAnnotationOptions())
        found += true_positives(truth, labels)
        true, proposed = true + len(np.unique(truth)) - 1, proposed + int(labels.max())
    assert true > 100
    assert 2 * found / (true + proposed) > least


def _real_labels(folder: Path, stem: str) -> NDArray[np.integer]:
    import PIL.Image

    if (folder / "labels").is_dir():
        return read_image(folder / "labels" / f"{stem}.png")
    # The red channel tells touching nuclei apart, but uses a value again elsewhere.
    with PIL.Image.open(folder / "masks" / f"{stem}.png") as picture:
        red = np.array(picture)[..., 0]
    truth = np.zeros(red.shape, dtype=np.int32)
    for value in np.unique(red[red > 0]):
        pieces = ndimage.label(red == value)[0]
        truth[pieces > 0] = pieces[pieces > 0] + truth.max()
    return truth
