"""A trained model as every entry point uses it, opened once; only here are kinds of models distinguished."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score
from cell_pipelines.failures import MistakeError
from cell_pipelines.representations.base import Representation
from cell_pipelines.thresholds import DEFAULT_SCORE, Threshold, Thresholds
from cell_pipelines.workflows.starters import as_model_path

if TYPE_CHECKING:  # it needs torch, which listing the pipelines must not load
    from cell_pipelines.models.model_file import Family

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """Content of a model file; the network itself is not loaded.

    Attributes:
        path: The file.
        kind: ``yolo`` for a detector, ``segmentation`` for a network with score maps or candidates, or the name of the
            tool by whose code another tool's model runs.
        categories: Class names in the order of the model's outputs.
        thresholds: From the file, else the default of the kind, or what `with_score` and `with_thresholds` set.
        record: All that this project wrote into the file.
        representation: How a segmentation network's scores stand for cells; None for a detector.
        has_own_thresholds: Whether the thresholds were chosen, in the file or by the caller.
    """

    path: Path
    kind: "Family"
    categories: tuple[str, ...]
    thresholds: Thresholds
    record: Mapping[str, Any]
    representation: Representation | None = None
    has_own_thresholds: bool = True

    @classmethod
    def open(cls, path: str | Path) -> "TrainedModel":
        """Return the model of a file, a starter by its name, or another tool's by one such as ``stardist:/folder``.

        Raises:
            ValueError: It is no model file.
            FileNotFoundError: There is no such file.
            ImportError: It is another tool's model, whose library is not installed.
        """
        from cell_pipelines.models.foreign.names import import_foreign, is_foreign
        from cell_pipelines.models.model_file import model_family, read_record

        path = import_foreign(path) if is_foreign(path) else as_model_path(path)
        kind, record = model_family(path), read_record(path)
        return _open_detector(path, record) if kind == "yolo" else _open_network(path, kind, record)

    @property
    def run_id(self) -> str | None:
        """The MLflow run that trained it; None where the file does not say."""
        return self.record.get("run_id")

    @cached_property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def normalisation(self) -> Any:
        """Scaling of intensities in training; see `inference.pixels.trained_normalisation`."""
        from cell_pipelines.inference.pixels import trained_normalisation

        return trained_normalisation(self.record, self.kind)

    @property
    def has_maps(self) -> bool:
        """Whether its stored scores are maps of pixels, and not a list of objects or candidates."""
        return self.representation is not None and not self.representation.is_sparse and self.is_scored

    @property
    def is_scored(self) -> bool:
        """Whether its cells have scores; where not, no threshold can be set or chosen."""
        return self.representation is None or self.representation.is_scored

    @property
    def is_tuned(self) -> bool:
        """Whether thresholds or intervals of counts were chosen on annotated images."""
        return any(self.record.get(key) for key in ("validation", "count_interval", "thresholds"))

    def with_thresholds(self, thresholds: Thresholds) -> "TrainedModel":
        """Return the model with other thresholds; classes that are not named keep theirs.

        Raises:
            ValueError: A class is none of the model's.
        """
        unknown = sorted(set(thresholds.classes) - set(self.categories))
        if unknown:
            raise ValueError(f"`thresholds` must be for {', '.join(self.categories)}; got {', '.join(unknown)}.")
        classes = {**self.thresholds.classes, **thresholds.classes}
        return replace(self, thresholds=replace(self.thresholds, classes=classes), has_own_thresholds=True)

    def named_as(self, categories: tuple[str, ...]) -> "TrainedModel":
        """Return another tool's model with the one class that annotations have for its one kind of cell.

        Any other model comes back as it is: its classes are those that it was trained on.
        """
        if not self.record.get("source") or not len(self.categories) == len(categories) == 1:
            return self
        classes = {categories[0]: self.thresholds.classes[self.categories[0]]}
        return replace(self, categories=categories, thresholds=replace(self.thresholds, classes=classes))

    def with_score(self, score: float | None) -> "TrainedModel":
        """Return the model with one score threshold for all classes; unchanged for None.

        Raises:
            MistakeError: The model's cells have no scores.
        """
        if score is not None and not self.is_scored:
            raise MistakeError(
                f"{self.path.name}: this model gives cells without scores, so no threshold can be set; leave it out, "
                f"got {score}."
            )
        return self if score is None else self.with_thresholds(self.thresholds.with_score(score))

    def accept(self, cells: AnnotationSet) -> AnnotationSet:
        """Return the cells that count: all that were decoded, or the objects at or above their class's threshold."""
        if not self.has_own_thresholds and not self.thresholds.decoded:
            logger.warning("%s has no stored thresholds; %.2f is used.", self.path, DEFAULT_SCORE)
        return filter_by_score(cells, self.thresholds)

    def store(self, thresholds: Thresholds, **facts: Any) -> bytes:
        """Return the bytes of the model file with thresholds and further facts inside."""
        key = "thresholds" if self.representation is None else "decoding"
        from cell_pipelines.models.model_file import with_record

        named = {"categories": list(self.categories)} if self.record.get("source") else {}
        return with_record(self.path, {key: thresholds.to_plain(), **named, **facts})


def _open_detector(path: Path, record: Mapping[str, Any]) -> TrainedModel:
    from cell_pipelines.models.yolo_checkpoint import read_categories

    categories, stored = read_categories(path), record.get("thresholds") or {}
    classes = {name: Threshold.from_plain(stored.get(name, DEFAULT_SCORE)) for name in categories}
    return TrainedModel(path, "yolo", categories, Thresholds(classes), record, None, bool(stored))


def _open_network(path: Path, kind: "Family", record: Mapping[str, Any]) -> TrainedModel:
    from cell_pipelines.representations.registry import create_representation

    chosen, stored, area = record["representation"], record.get("decoding") or {}, record.get("mean_area_px")
    # Cellpose's networks were called flows before networks with flows were trained here.
    name = "cellpose" if kind == "cellpose" else chosen["name"]
    representation: Representation = create_representation(name, **chosen.get("options", {}))
    default = representation.default_threshold(float(area)) if area else Threshold()
    categories = tuple(record["categories"])
    classes = {name: Threshold.from_plain(stored[name]) if name in stored else default for name in categories}
    thresholds = Thresholds(classes, decoded=True)
    return TrainedModel(path, kind, categories, thresholds, record, representation, bool(stored))
