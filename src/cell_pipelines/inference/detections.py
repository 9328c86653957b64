"""Hold the detections of a YOLO in one image: boxes with scores, and masks where its network outlines cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.columns import RunLengths


class DetectionLimitError(ValueError):
    """A detector returned as many boxes as it may, so cells may have been cut off."""


_BOXES = ("boxes", "scores", "categories")
_MASKS = ("mask_counts", "mask_starts")


@dataclass(frozen=True)
class Detections:
    """Detections in one image.

    Attributes:
        boxes: (N, 4) x_min, y_min, x_max, y_max in pixels of the image, inside it.
        scores: (N,) in [0, 1], descending.
        categories: (N,) int.
        masks: COCO run lengths of the image, column by column, of each object; one whose mask has no pixel is all
            background. None where the network gives boxes only.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int64]
    masks: RunLengths | None = None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name; masks are ``mask_counts`` (R,) and ``mask_starts`` (N + 1,)."""
        arrays: dict[str, npt.NDArray[Any]] = {name: getattr(self, name) for name in _BOXES}
        if self.masks is not None:
            arrays |= {"mask_counts": self.masks.values, "mask_starts": self.masks.starts}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Detections":
        """Return what `arrays` gave.

        Raises:
            ValueError: The arrays are those of another family of models.
        """
        if set(arrays) not in ({*_BOXES}, {*_BOXES, *_MASKS}):
            raise ValueError(f"expected stored boxes, scores and categories, got the arrays {', '.join(arrays)}.")
        masks = RunLengths(arrays["mask_counts"], arrays["mask_starts"]) if "mask_starts" in arrays else None
        return cls(arrays["boxes"], arrays["scores"], arrays["categories"], masks)

    def take(self, rows: npt.NDArray[np.int64]) -> "Detections":
        """Return the objects of `rows`, in that order."""
        masks = None if self.masks is None else RunLengths.from_lists([self.masks.of(row) for row in rows.tolist()])
        return Detections(self.boxes[rows], self.scores[rows], self.categories[rows], masks)

    @classmethod
    def concatenate(cls, parts: Sequence["Detections"]) -> "Detections":
        """Return the objects of all parts of one image, one part or more, one after the other."""
        boxes, scores, categories = (np.concatenate([getattr(part, name) for part in parts]) for name in _BOXES)
        masks = [part.masks for part in parts if part.masks is not None]
        if not masks:
            return cls(boxes, scores, categories)
        counts = [part.of(row) for part in masks for row in range(len(part))]
        return cls(boxes, scores, categories, RunLengths.from_lists(counts))
