"""What a model saw in an image, from its stored scores: its cells, what may be one, and its probability maps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.analysis.active_learning.probabilities import (
    LEAST_PROBABILITY,
    from_probabilities,
    to_probabilities,
)
from cell_pipelines.analysis.active_learning.uncertainty import Uncertainty, map_uncertainty, object_uncertainty
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.workflows.applied_thresholds import applied_thresholds
from cell_pipelines.workflows.reading import Reader, cell_reader

Maps = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Sight:
    """What a model saw in one image.

    Attributes:
        cells: The cells by its own thresholds.
        candidates: These and what is less sure, down to a probability of 0.1; of networks with maps only the cells.
        uncertainty: How undecided it is.
        maps: For each class the probability (H, W) of being in a cell, in [0, 1]; none where the model has no maps.
    """

    cells: AnnotationSet
    candidates: AnnotationSet
    uncertainty: Uncertainty
    maps: Maps


class ModelSight:
    """A model file, and how what is stored of its work is read; the network itself is never loaded.

    Args:
        path: A tuned model.
        reach_px: How far from a possible cell a pixel is near it.
    """

    def __init__(self, path: Path, *, reach_px: int = 3) -> None:
        from cell_pipelines.models.model_file import model_family, read_record

        self._path, self._reach = path, reach_px
        self.record: dict[str, Any] = read_record(path)
        self._is_detector = model_family(path) == "yolo"
        self._read, self.categories = cell_reader(path, {})

    def see(self, row: Mapping[str, Any], folder: Path) -> Sight:
        """Return what the model saw in the image of a row of the table of `image_scoring`."""
        job = (dict(row), folder / row["file"])
        if self._is_detector:
            return self._detected(self._read(job))
        cells = self._read(job)
        if self._network.representation.is_sparse:
            candidates = self._low_reader(job)
            return Sight(cells, candidates, object_uncertainty(candidates.scores, self._cutoffs(candidates)), {})
        return self._mapped(cells, job[1])

    def _detected(self, found: AnnotationSet) -> Sight:
        limits, scores = self._cutoffs(found), found.scores.astype(np.float64)
        possible = to_probabilities(scores, limits) >= LEAST_PROBABILITY
        uncertainty = object_uncertainty(scores, limits)
        return Sight(select_objects(found, scores >= limits), select_objects(found, possible), uncertainty, {})

    def _mapped(self, cells: AnnotationSet, path: Path) -> Sight:
        from cell_pipelines.inference.stored import read_arrays

        stored = dict(zip(self.categories, self._network.scores(read_arrays(path)[0]), strict=True))
        uncertainty, maps = Uncertainty(), {}
        for name, scores in stored.items():
            decided = scores["cell"] if "cell" in scores else scores["foreground"]
            uncertainty += map_uncertainty(decided, self.thresholds[name], reach_px=self._reach)
            maps[name] = (scores.get("foreground", decided) / np.float32(65535)).astype(np.float32)
        return Sight(cells, cells, uncertainty, maps)

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """From which score on an object, or a pixel, counts, by class."""
        applied = applied_thresholds(self.record, self.categories)
        defaults = {} if self._is_detector else dict(zip(self.categories, self._network.decodings, strict=True))
        found = {name: (value["cutoff"] if isinstance(value, dict) else value) for name, value in applied.items()}
        # A network that was never tuned has the cut-off of its representation, not a detector's.
        untuned = {} if self.record.get("decoding") else {name: d.cutoff for name, d in defaults.items()}
        return {name: float({**found, **untuned}[name]) for name in self.categories}

    @cached_property
    def _network(self) -> Any:
        from cell_pipelines.inference.predictor import create_reader

        return create_reader(self._path)

    @cached_property
    def _low_reader(self) -> Reader:
        decodings = dict(zip(self.categories, self._network.decodings, strict=True))
        low = {
            name: replace(one, cutoff=from_probabilities(LEAST_PROBABILITY, self.thresholds[name]))
            for name, one in decodings.items()
        }
        return cell_reader(self._path, low)[0]

    def _cutoffs(self, found: AnnotationSet) -> npt.NDArray[np.float64]:
        limits = np.array([self.thresholds[name] for name in found.categories])
        return np.asarray(limits[found.category])
