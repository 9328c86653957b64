"""One unlabelled image as all models see it: how far they agree, how sure they are, how many cells there are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.active_learning.disagreement import count_spread, disagreement, turned_back
from cell_pipelines.analysis.active_learning.features import FEATURES, image_features
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import Image, ImageFile
from cell_pipelines.pipelines.next_images.views import VIEWS
from cell_pipelines.workflows.model_outputs import OutputReader

_MOST_PIXELS: Final = 1 << 24
_PART: Final = 1024  # side in pixels of the parts that larger images are described by


@dataclass(frozen=True, eq=False)
class Measuring:
    """One image whose scores are stored.

    Attributes:
        name: The image.
        file: The image file.
        rows: The rows of the table of scores, one row per model and view; view -1 is the image as it is.
        models: What reads each model's scores.
        folder: Where the stored scores lie.
        iou: Least overlap of two cells that are one.
    """

    name: str
    file: ImageFile
    rows: tuple[Mapping[str, Any], ...]
    models: Mapping[str, OutputReader]
    folder: Path
    iou: float

    def run(self) -> dict[str, Any]:
        """Return the image's row of the table of measures."""
        errors = [str(row["error"]) for row in self.rows if row["error"]]
        read = [row for row in self.rows if not row["error"]]
        whole = [row for row in read if row["view"] < 0]
        row: dict[str, Any] = {"image": self.name, "error": "; ".join(dict.fromkeys(errors)) if not whole else ""}
        if not whole:
            return row
        seen = {str(one["model"]): self.models[str(one["model"])].read(one, self.folder) for one in whole}
        cells = {model: output.cells for model, output in seen.items()}
        counts = [found.n_objects for found in cells.values()]
        row |= {"height": whole[0]["height"], "width": whole[0]["width"], "cells": float(np.median(counts))}
        row |= {f"cells_{model}": found.n_objects for model, found in cells.items()}
        row |= {f"uncertainty_{model}": output.uncertainty.mean for model, output in seen.items()}
        compared = cells if len(cells) > 1 else cells | self._views(read)
        spread = count_spread([found.n_objects for found in compared.values()])
        row |= {"disagreement": disagreement(compared, iou=self.iou), "count_spread": spread}
        return row | dict(zip(FEATURES, describe_look(self.file).tolist(), strict=True))

    def _views(self, rows: list[Mapping[str, Any]]) -> dict[str, AnnotationSet]:
        """Return the cells that the model found in each view, where they lie in the image itself."""
        size = next((int(row["height"]), int(row["width"])) for row in rows if row["view"] < 0)
        found = {}
        for row in (row for row in rows if row["view"] >= 0):
            turns, mirrored = VIEWS[int(row["view"])]
            cells = self.models[str(row["model"])].read(row, self.folder).cells
            found[f"view {row['view']}"] = turned_back(cells, size, turns=turns, mirrored=mirrored)
        return found


def measurings(
    scores: pd.DataFrame, images: Mapping[str, ImageFile], models: Mapping[str, OutputReader], folder: Path, iou: float
) -> Iterator[Measuring]:
    """Yield the images of a table of scores, in the order of `images`."""
    rows = scores.astype(object).where(scores.notna(), None).to_dict(orient="records")
    by_image: dict[str, list[Mapping[str, Any]]] = {name: [] for name in images}
    for row in rows:
        by_image[str(row["image"])].append({str(key): value for key, value in row.items()})
    for name, own in by_image.items():
        yield Measuring(name, images[name], tuple(own), models, folder, iou)


def describe_look(file: ImageFile) -> Any:
    """Return an image's features; of a large one those of nine parts side by side, spread evenly."""
    info = file.info()
    if info.height * info.width <= _MOST_PIXELS:
        return image_features(file())
    return image_features(_sampled(file, info.height, info.width))


def _sampled(file: ImageFile, height: int, width: int) -> Image:
    sides = min(_PART, height), min(_PART, width)
    tops, lefts = (
        np.linspace(0, total - side, 3).astype(int) for total, side in zip((height, width), sides, strict=True)
    )
    parts = [file.region(int(top), int(left), *sides) for top in tops for left in lefts]
    return np.concatenate(parts, axis=0)
