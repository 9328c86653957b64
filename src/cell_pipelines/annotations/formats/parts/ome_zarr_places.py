"""The place of a label image of OME-Zarr in its image, from their `coordinateTransformations`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.typing import FloatArray
from cell_pipelines.zarr_folders import read_ome


def check_place(multiscale: Mapping[str, Any], axes: str, image: Path) -> None:
    """Refuse labels that are shifted against their image, such as those of a part of it.

    Less than a pixel of the labels is no shift: programs state half of one where the labels are of lower resolution.

    Args:
        multiscale: The description of the labels, an entry of `multiscales`.
        axes: One letter for each of their axes.
        image: The folder of the image; one without pixels lies at the origin.

    Raises:
        ValueError: They are shifted, or a description is damaged.
    """
    scale, start = _scale_and_start(multiscale, axes)
    if not start.any():
        return
    origin = _origin(image)
    expected = np.array([origin.get(axis, 0.0) for axis in axes])
    if (np.abs(start - expected) >= np.abs(scale)).any():
        raise AnnotationFormatError(
            f"expected labels that begin where their image does, at {_described(axes, expected)}; their `translation` "
            f"is {_described(axes, start)}, as of a part of it."
        )


def _origin(image: Path) -> dict[str, float]:
    """Return where an image begins along each axis; nothing where no image is described."""
    multiscales = read_ome(image).get("multiscales")
    if not isinstance(multiscales, list) or not multiscales:
        return {}
    described = multiscales[0].get("axes") or ()
    axes = [str(axis.get("name") if isinstance(axis, Mapping) else axis).lower() for axis in described]
    _, start = _scale_and_start(multiscales[0], axes)
    return dict(zip(axes, start.tolist(), strict=True))


def _scale_and_start(multiscale: Mapping[str, Any], axes: Any) -> tuple[FloatArray, FloatArray]:
    """Return the size of a pixel at full resolution and the place of the first, for each axis."""
    scale, start = np.ones(len(axes)), np.zeros(len(axes))
    for stated in (multiscale["datasets"][0], multiscale):
        for one in stated.get("coordinateTransformations") or ():
            kind = one.get("type")
            if kind not in ("scale", "translation"):
                continue
            numbers = np.asarray(one.get(kind), float)
            if numbers.shape != scale.shape or not np.isfinite(numbers).all():
                raise AnnotationFormatError(f"expected a `{kind}` of {len(axes)} numbers, got {one.get(kind)!r}.")
            if kind == "scale":
                scale, start = scale * numbers, start * numbers
            else:
                start = start + numbers
    return scale, start


def _described(axes: str, numbers: FloatArray) -> str:
    return ", ".join(f"{axis} {number:g}" for axis, number in zip(axes, numbers, strict=True))
