"""The labels of a YOLO data set: whether they are boxes or outlines, and what tells one set of labels from another."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cell_pipelines.models.yolo_checkpoint import Task

# A class number and four numbers of a box; Ultralytics takes more for an outline.
_BOX_NUMBERS = 6


def labels_digest(data_yaml: Path) -> str:
    """Return a hash of a data set's description and labels, split included."""
    digest = hashlib.sha256(data_yaml.read_bytes())
    for path in _label_files(data_yaml):
        digest.update(path.relative_to(data_yaml.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def check_labels(data_yaml: Path, weights: str, task: Task) -> None:
    """Refuse labels that a network does not learn from: boxes where it outlines, outlines where it frames.

    Raises:
        ValueError: The labels are of the other kind; the sentence names what fits.
    """
    has_outlines = _have_outlines(data_yaml)
    stem = Path(weights).stem
    if task == "segment" and has_outlines is False:
        raise ValueError(
            f"{weights} outlines cells, but the labels beside {data_yaml} are boxes: train it as `yolo_seg` on masks "
            f"or polygons, or name a network that finds boxes, such as {stem.replace('-seg', '')}.pt."
        )
    if task == "detect" and has_outlines:
        raise ValueError(
            f"{weights} finds boxes only, but the labels beside {data_yaml} are outlines: name a network that outlines "
            "cells, such as yolov8s-seg.pt, or train it as `yolo`."
        )


def check_queries(data_yaml: Path, queries: int) -> None:
    """Refuse images with more cells than an RT-DETR has queries, each of which finds one cell at most.

    Raises:
        ValueError: An image or tile has more; the sentence says which.
    """
    for path in _label_files(data_yaml):
        cells = sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())
        if cells > queries:
            raise ValueError(
                f"{path.relative_to(data_yaml.parent)}: expected at most {queries} cells in an image or tile, as many "
                f"as this RT-DETR can find, got {cells}: cut the images into tiles (`data_preparation.tiling.size`), "
                "or train a `yolo`."
            )


def _have_outlines(data_yaml: Path) -> bool | None:
    """Say whether the first label is an outline; None where there is none at all."""
    for path in _label_files(data_yaml):
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    return len(line.split()) > _BOX_NUMBERS
    return None


def _label_files(data_yaml: Path) -> Iterator[Path]:
    yield from sorted(data_yaml.parent.joinpath("labels").rglob("*.txt"))
