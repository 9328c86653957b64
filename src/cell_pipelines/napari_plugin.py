"""The napari plugin: find cells in a layer, save what was corrected for a training, open annotations of a study.

napari reads ``napari.yaml`` beside this module, and makes a widget of each function by its type hints.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.failures import MistakeError
from cell_pipelines.typing import AnyArray, LabelImage

if TYPE_CHECKING:
    import napari.layers
    import napari.types
    import pandas as pd

_STORED = ("images.parquet", "objects.parquet")
# Each is a layer, of which a viewer shows some tens.
_MOST_LAYERS = 50
_MOST_IN_16_BIT = 65_535


def find_cells(
    image: napari.layers.Image, model: str = "nuclei", diameter: float = 0, threshold: float = 0
) -> napari.types.LayerDataTuple:
    """Find the cells of an image layer and return them as a layer of labels, with a table of their features.

    Args:
        image: Rows and columns, or more axes before them, of which each plane is an image of its own; or red, green
            and blue.
        model: Name of a starter, path of a model file, or ``study/model`` of a project in the working folder.
        diameter: Of a cell in pixels; 0 for what the model knows or estimates.
        threshold: Least score of a cell; 0 for the model's own.

    Raises:
        MistakeError: There is no such model, or it takes no diameter.
        ImageFormatError: The layer holds what is no image.
    """
    from cell_pipelines.api import count

    planes, stacked = _planes(np.asarray(image.data), is_rgb=bool(image.rgb))
    result = count(planes, model, diameter=diameter or None, threshold=threshold or None)
    numbered, start = list[LabelImage](), 0
    for one in iterate_images(result.annotations):
        labels, _ = objects_to_labels(one)
        # A number stands for one cell in the whole layer, as its row in the features says, hidden or not.
        numbered.append(np.where(labels > 0, labels + start, 0))
        start += one.n_objects
    features = _features(result.cells, len(planes))
    told = {"model": str(result.model.path), "counts": result.table.to_dict("records")}
    arguments = {
        "name": f"{image.name} cells", "features": features, "metadata": {"cell_pipelines": told},
        "scale": image.scale, "translate": image.translate,
    }  # fmt: skip
    _tell("; ".join([repr(result).splitlines()[0], *dict.fromkeys(filter(None, result.table["warning"]))]))
    return (np.stack(numbered).reshape(stacked).astype(np.int32), arguments, "labels")


def _planes(pixels: AnyArray, *, is_rgb: bool) -> tuple[list[AnyArray], tuple[int, ...]]:
    """Return the images of a layer, and the shape of their labels."""
    rest = 3 if is_rgb else 2
    if pixels.ndim < rest:
        raise MistakeError(f"expected an image of rows and columns, got the shape {pixels.shape}.")
    stacked = pixels.shape[:-1] if is_rgb else pixels.shape
    return list(pixels.reshape(-1, *pixels.shape[pixels.ndim - rest :])), stacked


def _features(cells: pd.DataFrame, planes: int) -> pd.DataFrame:
    """Return one row per label, the background's first, as napari has it."""
    import pandas as pd

    kept = ["category", "score", "area_px2", "diameter_px"]
    columns = cells[["image", *kept]] if planes > 1 else cells[kept]
    table = pd.concat([pd.DataFrame([{}]), columns], ignore_index=True)
    return table.assign(index=np.arange(len(table)))


def save_corrections(
    image: napari.layers.Image, labels: napari.layers.Labels, folder: Annotated[pathlib.Path, {"mode": "d"}]
) -> str:
    """Write an image and its corrected labels below ``images`` and ``labels`` of a folder, as a training takes them.

    Args:
        image: The image layer; of a stack each plane is an image of its own.
        labels: The layer of labels, of the same size; 0 is background.
        folder: Existing or new; images of the same name in it are refused.

    Returns:
        What was written, and the command that trains on it.

    Raises:
        MistakeError: The sizes differ, or a file is there already.
    """
    planes, stacked = _planes(np.asarray(image.data), is_rgb=bool(image.rgb))
    drawn = np.asarray(labels.data)
    if drawn.shape != stacked:
        raise MistakeError(
            f"the labels have the shape {drawn.shape}, but the image {stacked}; choose those of one image."
        )
    stem = re.sub(r"[^\w.-]+", "_", image.name).strip("._") or "image"
    names = [stem] if len(planes) == 1 else [f"{stem}_{number:04d}" for number in range(len(planes))]
    folder = folder.expanduser()
    taken = [name for name in names if (folder / "images" / f"{name}.tif").exists()]
    if taken:
        raise MistakeError(
            f"{folder / 'images' / taken[0]}.tif is there already; rename the layer, or choose another folder."
        )
    for name, plane, found in zip(names, planes, drawn.reshape(-1, *stacked[-2:]), strict=True):
        _write(folder, name, plane, found)
    said = (
        f"{len(names)} image{'' if len(names) == 1 else 's'} with labels in {folder}. To train: "
        f"cell-pipelines train --images {folder / 'images'} --annotations {folder / 'labels'}"
    )
    _tell(said)
    return said


def _tell(message: str) -> None:
    """Show a message in the viewer, where there is one."""
    notifications = sys.modules.get("napari.utils.notifications")
    if notifications is not None:
        notifications.show_info(message)


def _write(folder: Path, name: str, plane: AnyArray, labels: LabelImage) -> None:
    from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
    from cell_pipelines.imaging.writing import write_image

    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    narrow = labels.astype(np.uint16 if labels.max(initial=0) <= _MOST_IN_16_BIT else np.uint32)
    write_raster(narrow, folder / "labels" / f"{name}.tif")
    write_image(plane[..., :3] if plane.ndim == 3 else plane, folder / "images" / f"{name}.tif")


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Any]] | None:
    """Return what opens the annotations or predictions that a study stores as Parquet; None for any other path."""
    several = path if isinstance(path, list) else [path]
    return read_annotations if all(_is_stored(Path(one)) for one in several) else None


def _is_stored(path: Path) -> bool:
    return path.is_dir() and all((path / name).is_file() for name in _STORED)


def read_annotations(path: str | list[str]) -> list[Any]:
    """Return a layer of labels for each image of stored annotations.

    Raises:
        MistakeError: There are more images than a viewer shows.
    """
    from cell_pipelines.annotations.storage import read_parquet

    several = path if isinstance(path, list) else [path]
    return [layer for one in several for layer in _layers(read_parquet(Path(one)), one)]


def _layers(annotations: AnnotationSet, path: str) -> Iterator[Any]:
    import pandas as pd

    if annotations.n_images > _MOST_LAYERS:
        raise MistakeError(
            f"{path}: expected at most {_MOST_LAYERS} images, as each is a layer; there are {annotations.n_images}."
        )
    for one in iterate_images(annotations):
        names = np.array(one.categories, dtype=object)[one.category]
        rows = pd.DataFrame({"category": ["", *names], "score": [np.nan, *one.scores]})
        features = rows.assign(index=np.arange(len(rows)))
        yield (objects_to_labels(one)[0], {"name": one.names[0], "features": features}, "labels")
