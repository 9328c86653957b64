"""Find and count the cells of new images, and say what speaks against a count: the same for every entry point."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.training_range import check_objects, check_overlap
from cell_pipelines.annotations.class_columns import class_columns
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.workflows.count_intervals import interval_columns
from cell_pipelines.workflows.left_out import find_left_out, with_left_out
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import DIAMETER_COLUMNS, as_trained, score_images
from cell_pipelines.workflows.trained_model import TrainedModel

logger = logging.getLogger(__name__)

#: Columns of the counts that are not a class's.
RESERVED = (
    "image", "total", "total_low", "total_high", "warning", "left_out", "interval_level", "interval_note",
    "pixel_height_um", "pixel_width_um", "pixel_size_from", "diameter_px", "diameter_from", "engine", "error",
    "model_run_id", "model_sha256", "thresholds",
)  # fmt: skip
_ENDINGS = ("_low", "_high")
# Images whose warnings are told one by one in the log.
_MOST_WARNINGS = 10


@dataclass(frozen=True, eq=False)
class FoundCells:
    """Cells of new images.

    Attributes:
        annotations: The cells at or above their threshold, of the images that are counted.
        failures: One row per image that was not read: `image` and `error`.
        scores: The table of `score_images`, and in the column `left_out` why an image that was read is not counted.
    """

    annotations: AnnotationSet
    failures: pd.DataFrame
    scores: pd.DataFrame


def find_cells(
    images: Mapping[str, ImageFile],
    model: TrainedModel,
    folder: Path,
    inference: InferenceParameters,
    parameters: PredictionParameters,
) -> FoundCells:
    """Find the cells of new images.

    Args:
        images: The images by name.
        model: The model with its own thresholds.
        folder: Where scores are stored; those that lie there already are not made again.
        inference: How the network is run.
        parameters: `confidence` is the threshold in place of the model's own.

    Raises:
        ImageFormatError: No image can be read, or one can't and `strict` is set.
    """
    chosen = model.with_score(parameters.confidence)
    scores = score_images(
        as_trained(dict(images), chosen), {}, chosen, folder, inference, by_blocks=True, parallel=parameters.parallel
    )
    failed = scores.loc[scores["error"] != "", ["image", "error"]].reset_index(drop=True)
    if len(failed) and (parameters.strict or len(failed) == len(images)):
        raise ImageFormatError(_describe_failures(list(failed["error"])))
    scores = with_left_out(scores, *find_left_out(images, scores, folder))
    counted = scores[scores["left_out"] == ""]
    cells = chosen.accept(read_cells(counted, folder, chosen, parallel=parameters.parallel))
    return FoundCells(cells, failed, scores)


def _describe_failures(errors: Sequence[str]) -> str:
    if len(errors) == 1:
        return errors[0]
    return f"{len(errors)} images can't be read; the first: {errors[0]}"


def count_cells(
    found: FoundCells, model: TrainedModel, parameters: PredictionParameters, *, is_own: bool | None = None
) -> pd.DataFrame:
    """Return one row per image: counts by class, warnings, intervals, and the model and threshold they come from.

    Args:
        found: The cells.
        model: The model with its own thresholds.
        parameters: `confidence` is the threshold in place of the model's own.
        is_own: Whether only the model's own thresholds decided what counts, for which its intervals hold; None where
            `confidence` says so.
    """
    annotations, failures = found.annotations, found.failures
    is_own = parameters.confidence is None if is_own is None else is_own
    counts = annotations.counts()
    columns = count_columns(annotations)
    table = pd.DataFrame({"image": annotations.names})
    for number, column in enumerate(columns.values()):
        table[column] = counts[:, number]
    table["total"] = counts.sum(axis=1)
    table["warning"] = _warnings(annotations, found.scores, model, is_own=is_own)
    table = table.join(interval_columns(counts, columns, model, own_thresholds=is_own))
    for side in ("pixel_height_um", "pixel_width_um"):
        table[side] = annotations.images[side].to_pandas()
    for column in [name for name in ("pixel_size_from", *DIAMETER_COLUMNS, "engine") if name in found.scores]:
        table[column] = found.scores.set_index("image").loc[list(annotations.names), column].to_numpy()
    table[["left_out", "error"]] = ""
    scores = found.scores if "left_out" in found.scores else found.scores.assign(left_out="")
    left_out = scores.loc[scores["left_out"] != "", ["image", "left_out"]]
    for others in filter(len, (left_out.assign(error=""), failures.assign(left_out=""))):
        table = pd.concat([table, others.assign(warning="")], ignore_index=True)
    table["model_run_id"] = model.run_id
    table["model_sha256"] = model.sha256
    chosen = model.with_score(parameters.confidence)
    table["thresholds"] = chosen.thresholds.to_text() if chosen.is_scored else "not applicable"
    return table


def _warnings(annotations: AnnotationSet, scores: pd.DataFrame, model: TrainedModel, *, is_own: bool) -> list[str]:
    training = model.record.get("training_images") or {}
    if not training:
        logger.warning(
            "The model file does not say what its training images were like, so counts carry few warnings; a model "
            "that is trained now does."
        )
    untuned = is_own and model.is_scored and not model.is_tuned
    common = ["thresholds are defaults, not chosen on validation images"] if untuned else []
    facts = scores.set_index("image")
    boxes, found = annotations.boxes, list[str]()
    for row, rows in zip(annotations.images.to_pylist(), annotations.rows_by_image(), strict=True):
        fact = facts.loc[row["name"]]
        scale = _scale(model, fact)
        own = check_objects(boxes[rows] * scale, row["height"] * row["width"] * scale**2, training)
        own += check_overlap(boxes[rows], fact["tile_overlap"])
        _log(row["name"], own, len(found))
        found.append("; ".join([*([fact["warning"]] if fact["warning"] else []), *own, *common]))
    return found


def _scale(model: TrainedModel, fact: pd.Series) -> float:
    """Return by which factor the network saw an image larger or smaller, as sizes of training cells are told."""
    diameter, known = fact.get("diameter_px"), model.record.get("cell_diameter_px")
    return known / diameter if known and diameter and not pd.isna(diameter) else 1.0


def _log(name: str, warnings: Sequence[str], number: int) -> None:
    if warnings and number < _MOST_WARNINGS:
        logger.warning("%s: %s.", name, "; ".join(warnings))


def count_columns(annotations: AnnotationSet) -> dict[str, str]:
    """Return for each class the name of its column in the table of counts."""
    return class_columns(annotations.categories, RESERVED, endings=_ENDINGS)
