"""Inject known label errors into correct annotations, so that a search for errors can be evaluated."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.typing import FloatArray

#: Kinds of errors that can be injected.
ERROR_KINDS: Final = ("deleted", "moved", "reclassified", "duplicated", "invented")
#: What is known of each injected error.
COLUMNS: Final = ("image", "kind", "label", "x_min", "y_min", "x_max", "y_max")


def inject_label_errors(
    annotations: AnnotationSet, shares: Mapping[str, float], *, seed: int = 0
) -> tuple[AnnotationSet, pd.DataFrame]:
    """Return annotations with errors, and what was done.

    Args:
        annotations: Boxes and masks, all right.
        shares: For each of `ERROR_KINDS` the share of objects that it befalls, together at most 1: ``deleted``; ``moved``
            by 0.4 to 0.7 of its size; ``reclassified``, where there is another class; ``duplicated``, a second one
            moved by up to a tenth; ``invented``, a copy put where no object is.
        seed: Of all draws.

    Returns:
        The annotations, and one row per error: `image`, `kind`, `label` (the place of the wrong object among those of its
        image, -1 where it is gone) and its box, that of a deleted one as it was. An object for which there is no room
        to be moved or copied to is left as it is.

    Raises:
        ValueError: A kind is unknown, shares are negative or more than 1 together, or an object is no box or mask.
    """
    if set(shares) - set(ERROR_KINDS) or any(v < 0 for v in shares.values()) or sum(shares.values()) > 1:
        raise ValueError(
            f"`shares` must be of {', '.join(ERROR_KINDS)}, 0 or more, at most 1 in all; got {dict(shares)}."
        )
    kinds = set(annotations.objects["geometry"].to_pylist()) - {GEOMETRIES.index("box"), GEOMETRIES.index("mask")}
    if kinds:
        raise ValueError(f"`annotations` must be boxes and masks, got {', '.join(GEOMETRIES[k] for k in kinds)}.")
    rng = np.random.default_rng(seed)
    builder, rows = AnnotationBuilder(annotations.categories), []
    for one in iterate_images(annotations):
        image = builder.add_image(**one.images.to_pylist()[0])
        fates = rng.choice(
            [*shares, "kept"], size=one.n_objects, p=[*shares.values(), max(0.0, 1 - sum(shares.values()))]
        )
        changed = _Image(one, rng, lambda *args, row=image, **extra: builder.add_object(row, *args, **extra))
        rows += [{"image": one.names[0], **error} for error in changed.run([str(fate) for fate in fates])]
    return builder.build(), pd.DataFrame(rows, columns=list(COLUMNS))


class _Image:
    """One image whose objects are written one after the other."""

    def __init__(self, annotations: AnnotationSet, rng: np.random.Generator, add: Callable[..., None]) -> None:
        self._records = annotations.objects.to_pylist()
        self._boxes, self._names = annotations.boxes, annotations.categories
        self._size = int(annotations.images["height"][0].as_py()), int(annotations.images["width"][0].as_py())
        self._rng, self._add, self._count = rng, add, 0

    def run(self, fates: list[str]) -> Iterator[dict[str, Any]]:
        """Write all objects and yield what was done to some."""
        for row, fate in enumerate(fates):
            record, box = self._records[row], self._boxes[row]
            if fate == "deleted":
                yield _error("deleted", -1, box)
            elif fate == "reclassified" and len(self._names) > 1:
                others = [code for code in range(len(self._names)) if code != record["category"]]
                yield _error(fate, self._write({**record, "category": int(self._rng.choice(others))}, (0, 0)), box)
            elif fate == "moved" and (step := self._step(row, 0.4, 0.7)) is not None:
                yield _error(fate, self._write(record, step), _moved(box, step))
            else:
                self._write(record, (0, 0))
                step = self._second(row, fate)
                if step is not None:
                    yield _error(fate, self._write(record, step), _moved(box, step))

    def _second(self, row: int, fate: str) -> tuple[int, int] | None:
        """Return where a second object goes, None where the fate asks for none or there is no room."""
        if fate == "duplicated":
            return self._step(row, 0.0, 0.1)
        return self._far(row) if fate == "invented" else None

    def _step(self, row: int, least: float, most: float) -> tuple[int, int] | None:
        """Return a step down and right, by a share of the object's size, that leaves it inside the image."""
        width, height = self._boxes[row, 2:] - self._boxes[row, :2]
        for _ in range(20):
            angle, share = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(least, most)
            step = round(share * height * np.sin(angle)), round(share * width * np.cos(angle))
            if self._is_inside(_moved(self._boxes[row], step)):
                return step
        return None

    def _far(self, row: int) -> tuple[int, int] | None:
        """Return a step to where no object is."""
        for _ in range(50):
            target = self._rng.uniform((0, 0), self._size)
            step = round(target[0] - self._boxes[row, 1]), round(target[1] - self._boxes[row, 0])
            box = _moved(self._boxes[row], step)
            low, high = np.maximum(self._boxes[:, :2], box[:2]), np.minimum(self._boxes[:, 2:], box[2:])
            if self._is_inside(box) and not (high > low).all(axis=1).any():
                return step
        return None

    def _is_inside(self, box: FloatArray) -> bool:
        return bool(box[0] >= 0 and box[1] >= 0 and box[2] <= self._size[1] and box[3] <= self._size[0])

    def _write(self, record: Mapping[str, Any], step: tuple[int, int]) -> int:
        """Write an object, moved by a step, and return its place."""
        box = _moved(np.array([record[side] for side in ("x_min", "y_min", "x_max", "y_max")]), step)
        name = self._names[record["category"]]
        counts: npt.NDArray[np.uint32] | None = None
        if record["counts"]:
            mask = np.roll(run_lengths_to_mask(record["counts"], *self._size), step, axis=(0, 1))
            box, counts = np.asarray(mask_box(mask), dtype=np.float64), mask_to_run_lengths(mask)
        self._add(name, GEOMETRIES[record["geometry"]], box, counts=counts, crowd=record["crowd"])
        self._count += 1
        return self._count - 1


def _moved(box: FloatArray, step: tuple[int, int]) -> FloatArray:
    down, right = step
    return np.asarray(box + np.array([right, down, right, down], dtype=np.float64))


def _error(kind: str, label: int, box: FloatArray) -> dict[str, Any]:
    edges = dict(zip(("x_min", "y_min", "x_max", "y_max"), (float(edge) for edge in box), strict=True))
    return {"kind": kind, "label": label, **edges}
