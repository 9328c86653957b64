"""Nodes of the choice of cells."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cell_pipelines.analysis.metadata import describe_images, metadata_findings
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import filter_by_score, select_objects, select_split
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.cell_selection.parameters import CellSelectionParameters
from cell_pipelines.provenance import code_versions
from cell_pipelines.workflows.origin import Origin
from cell_pipelines.workflows.parameters.prediction import PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel


def select_ground_truth(
    annotations: AnnotationSet, invocation: Invocation, parameters: CellSelectionParameters
) -> tuple[AnnotationSet, Origin]:
    """Return the annotated cells, and where they come from; ignored regions are no cells."""
    chosen = select_split(annotations, parameters.split) if parameters.split else annotations
    origin = Origin(
        "truth",
        data_sha256=annotations.fingerprint(),
        images=_count_images(chosen),
        code=code_versions(invocation.project),
    )
    return select_objects(chosen, ~chosen.crowd), origin


def select_predictions(
    predictions: AnnotationSet,
    model: Path,
    scores: pd.DataFrame,
    invocation: Invocation,
    parameters: CellSelectionParameters,
) -> tuple[AnnotationSet, Origin]:
    """Return the cells that a model accepts by the thresholds in its file, and where they come from."""
    trained = TrainedModel.open(model)
    chosen = select_split(predictions, parameters.split) if parameters.split else predictions
    origin = _origin(model.stem, trained, (chosen, scores))
    return filter_by_score(chosen, trained.thresholds), replace(origin, code=code_versions(invocation.project))


def select_new_cells(
    predictions: AnnotationSet,
    model: Path,
    counts: pd.DataFrame,
    invocation: Invocation,
    prediction: PredictionParameters,
) -> tuple[AnnotationSet, Origin]:
    """Return the cells that `prediction` found in new images, which are accepted ones, and where they come from."""
    trained = TrainedModel.open(model).with_score(prediction.confidence)
    origin = _origin("new", trained, (predictions, counts))
    return predictions, replace(origin, code=code_versions(invocation.project))


def _origin(source: str, model: TrainedModel, chosen: tuple[AnnotationSet, pd.DataFrame]) -> Origin:
    """Return where cells come from; `chosen` are these and the table that may hold warnings about their images."""
    cells, table = chosen
    return Origin(
        source,
        model_run_id=model.run_id,
        model_sha256=model.sha256,
        thresholds=model.thresholds.to_text(),
        data_sha256=model.record.get("data_sha256"),
        images=_count_images(cells),
        warnings=_warnings(cells, table),
    )


def _warnings(cells: AnnotationSet, table: pd.DataFrame) -> dict[str, str]:
    """Return the warnings about images by name; tables of before have none."""
    if "warning" not in table:
        return {}
    warnings = dict(zip(table["image"], table["warning"].fillna(""), strict=True))
    return {name: str(warnings[name]) for name in cells.names if warnings.get(name)}


def _count_images(cells: AnnotationSet) -> str:
    """Return how many images there are, and how many of each split that is known."""
    counts = cells.images["split"].to_pandas().value_counts(sort=False)
    splits = ", ".join(f"{split} {count}" for split, count in counts.items())
    return f"{cells.n_images} ({splits})" if splits else str(cells.n_images)


def join_metadata(
    cells: AnnotationSet, table: pd.DataFrame, parameters: CellSelectionParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the metadata of the images, one row per image, and the names that matched nothing, one row per name."""
    metadata = parameters.metadata
    facts = describe_images(cells.names, pattern=metadata.pattern, table=table, key=metadata.key)
    sizes: pd.DataFrame = cells.images.select(["split", "pixel_height_um", "pixel_width_um"]).to_pandas()
    findings = metadata_findings(cells.names, pattern=metadata.pattern, table=table, key=metadata.key)
    return pd.concat([facts, sizes.drop(columns=[name for name in sizes if name in facts])], axis=1), findings
