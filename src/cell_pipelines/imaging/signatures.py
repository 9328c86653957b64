"""Recognise an image by a thumbnail of 256 bytes, also as a copy in another file, type, size or orientation."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.intensity import to_uint8
from cell_pipelines.imaging.regions import LargeImage
from cell_pipelines.typing import BoolMask

_SIDE = 16
# Thumbnails are compared without what is broader than this, so that the light's slope over a field is no resemblance.
_COARSE = 5
# Longer side of what is looked at of an image that is read part by part, about.
_LARGE_SIDE = 2048
# Thumbnails whose details are taken at once, and pairs that are compared at once.
_BLOCK, _PAIRS = 1000, 4_000_000
#: Correlation of the details of two thumbnails from which on they count as the same image.
SAME = 0.95


def image_signature(image: npt.NDArray[np.generic] | LargeImage) -> str:
    """Return the thumbnail of an image as text of 344 characters.

    Args:
        image: (H, W) or (H, W, C) of any type; channels are averaged, intensities stretched to percentiles. Of one that
            is read part by part every so many pixels are taken.
    """
    if isinstance(image, LargeImage):
        step = max(1, max(image.shape[:2]) // _LARGE_SIDE)
        image = np.concatenate([band[-row % step :: step, ::step] for row, band in image.bands()])
    grey = image if image.ndim == 2 else image.astype(np.float32).mean(axis=2)
    stretched = np.asarray(to_uint8(grey.astype(np.float32), normalisation="percentile"))
    thumbnail = cv2.resize(stretched, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return base64.b64encode(thumbnail.tobytes()).decode("ascii")


def find_alike(signatures: Sequence[str]) -> dict[int, int]:
    """Return for each image that looks the same as an earlier one the first of these, in the same orientation.

    Args:
        signatures: Of N images. An image without any detail looks like none.
    """
    if not signatures:
        return {}
    details, found = _details(_decode(signatures)), dict[int, int]()
    block = max(1, _PAIRS // len(details))
    for start in range(0, len(details), block):
        rows = np.arange(start, min(start + block, len(details)))
        alike = (details[rows] @ details[: rows[-1] + 1].T >= SAME) & (np.arange(rows[-1] + 1) < rows[:, None])
        found |= {int(rows[i]): int(alike[i].argmax()) for i in np.flatnonzero(alike.any(axis=1))}
    return found


def find_known(signatures: Sequence[str], known: Sequence[str]) -> BoolMask:
    """Return which images look the same as one of the known images, (N,) bool, also rotated by 90° or mirrored.

    Args:
        signatures: Of N images.
        known: Of M others. An image without any detail looks like none.
    """
    if not signatures or not known:
        return np.zeros(len(signatures), dtype=bool)
    there = _details(_decode(known))
    images = _decode(signatures)
    turned = [np.rot90(one, turns, axes=(1, 2)) for one in (images, images[:, :, ::-1]) for turns in range(4)]
    best = np.max([(_details(one) @ there.T).max(axis=1) for one in turned], axis=0)
    return np.asarray(best >= SAME, dtype=bool)


def _decode(signatures: Sequence[str]) -> npt.NDArray[np.uint8]:
    data = b"".join(base64.b64decode(text) for text in signatures)
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, _SIDE, _SIDE)


def _details(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return (N, 256) details of mean 0 and length 1; 0 where there are none."""
    parts = np.array_split(thumbnails, max(1, len(thumbnails) // _BLOCK))
    return np.concatenate([_details_of(part.astype(np.float32)) for part in parts])


def _details_of(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    blurred = [cv2.blur(one, (_COARSE, _COARSE), borderType=cv2.BORDER_REFLECT) for one in values]
    details = (values - np.stack(blurred)).reshape(len(values), -1)
    details -= details.mean(axis=1, keepdims=True)
    return np.asarray(details / np.maximum(np.linalg.norm(details, axis=1, keepdims=True), 1e-3), dtype=np.float32)
