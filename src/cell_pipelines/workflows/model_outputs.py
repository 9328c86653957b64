"""Read all that a model's stored scores say of an image: its cells, less certain candidates, and probability maps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.analysis.active_learning.probabilities import (
    LEAST_PROBABILITY,
    from_probabilities,
    to_probabilities,
)
from cell_pipelines.analysis.active_learning.uncertainty import Uncertainty, map_uncertainty, object_uncertainty
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score, select_objects
from cell_pipelines.failures import MistakeError
from cell_pipelines.representations.heat import heat_map
from cell_pipelines.typing import Float32Array, FloatArray
from cell_pipelines.workflows.reading import StoredImage, read_image, read_scores
from cell_pipelines.workflows.trained_model import TrainedModel

Maps = Mapping[str, Float32Array]


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """Output of a model for one image.

    Attributes:
        cells: The cells by its own thresholds.
        candidates: These and less certain ones, down to a probability of 0.1; of networks with maps only the cells.
        uncertainty: How undecided it is.
        maps: For each class the probability (H, W) of being in a cell, in [0, 1]; none where the model has no maps.
    """

    cells: AnnotationSet
    candidates: AnnotationSet
    uncertainty: Uncertainty
    maps: Maps


@dataclass(frozen=True, eq=False)
class OutputReader:
    """Reads what is stored of a model's work; the network itself is never loaded.

    Attributes:
        model: A tuned model.
        reach_px: How far from a possible cell a pixel is near it.
    """

    model: TrainedModel
    reach_px: int = 3

    def __post_init__(self) -> None:
        if not self.model.is_scored:
            raise MistakeError(
                f"{self.model.path.name}: this model gives cells without scores, so nothing says how sure it is; "
                "choose another one."
            )

    @property
    def categories(self) -> tuple[str, ...]:
        """Class names of the model."""
        return self.model.categories

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """From which score on an object, or a pixel, counts, by class."""
        return {name: one.score for name, one in self.model.thresholds.classes.items()}

    def read(self, row: Mapping[str, Any], folder: Path) -> ModelOutput:
        """Return what the model says of the image of a row of the table of `score_images`."""
        stored = (dict(row), folder / row["file"])
        if self.model.has_maps:
            return self._read_maps(stored)
        every = read_image(self._permissive, stored)
        least, scores = self._least_scores(every), every.scores.astype(np.float64)
        probable = select_objects(every, to_probabilities(scores, least) >= LEAST_PROBABILITY)
        decoded = self.model.thresholds.decoded
        cells = read_image(self.model, stored) if decoded else filter_by_score(every, self.model.thresholds)
        return ModelOutput(cells, every if decoded else probable, object_uncertainty(scores, least), {})

    def _read_maps(self, stored: StoredImage) -> ModelOutput:
        cells, uncertainty, maps = read_image(self.model, stored), Uncertainty(), {}
        record = cells.images.to_pylist()[0]
        size = (record["height"], record["width"])
        for name, scores in read_scores(self.model, stored[1]).items():
            decided = scores["cell"] if "cell" in scores else scores["foreground"]
            uncertainty += map_uncertainty(decided, self.thresholds[name], reach_px=self.reach_px)
            assert self.model.representation is not None
            maps[name] = heat_map(self.model.representation, scores, size)
        return ModelOutput(cells, cells, uncertainty, maps)

    @cached_property
    def _permissive(self) -> TrainedModel:
        """The model with thresholds so low that candidates are kept, too; a detector's objects all are anyway."""
        if not self.model.thresholds.decoded:
            return self.model
        classes = self.model.thresholds.classes
        low = {
            name: replace(one, score=from_probabilities(LEAST_PROBABILITY, self.thresholds[name]))
            for name, one in classes.items()
        }
        return self.model.with_thresholds(replace(self.model.thresholds, classes=low))

    def _least_scores(self, objects: AnnotationSet) -> FloatArray:
        scores = self.model.thresholds.scores(objects.categories)
        return np.asarray(scores[objects.category])
