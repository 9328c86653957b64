"""Names for arrays, each with one element type; a docstring says the shape."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: float64: measurements, coordinates, statistics.
FloatArray: TypeAlias = npt.NDArray[np.float64]
#: (N, 4) float64, as x_min, y_min, x_max, y_max in pixel edges.
Boxes: TypeAlias = npt.NDArray[np.float64]
#: float32: images, probabilities, targets and weights, usually (H, W) or (C, H, W).
Float32Array: TypeAlias = npt.NDArray[np.float32]
#: (H, W) or (H, W, 3) uint8, as images are shown.
ByteImage: TypeAlias = npt.NDArray[np.uint8]
#: int64: positions, numbers of objects and classes.
IntArray: TypeAlias = npt.NDArray[np.int64]
#: (H, W) int32: the number of each pixel's cell, 0 for background.
LabelImage: TypeAlias = npt.NDArray[np.int32]
#: (H, W) bool: the pixels that are meant.
BoolMask: TypeAlias = npt.NDArray[np.bool_]
#: bool: one flag per object, or any other shape.
BoolArray: TypeAlias = npt.NDArray[np.bool_]
#: Any element type.
AnyArray: TypeAlias = npt.NDArray[Any]
