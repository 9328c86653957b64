"""Nodes of the training of segmentation networks."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_split
from cell_pipelines.imaging.reading import Image, ImageFile
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.pipelines.segmentation.lengths import common_pixel_size, to_pixels
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.pipelines.segmentation.starting import ChosenNetwork, choose_network
from cell_pipelines.training.segmentation.settings import SegmentationSettings, SegmentationTraining
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters
from cell_pipelines.workflows.planning.plan import to_table
from cell_pipelines.workflows.seen_images import describe_seen, inherited_images, signatures_of
from cell_pipelines.workflows.starters import starter_path, starters
from cell_pipelines.workflows.training_images import Intensities, describe_training_images

logger = logging.getLogger(__name__)

# Tiles on the contact sheet of what the network learns from.
_TILES = 12


def train_network(
    annotations: AnnotationSet,
    images: dict[str, ImageFile],
    folder: Path,
    shared: SegmentationParameters,
    own: NetworkParameters,
    subset: SubsetParameters,
) -> tuple[bytes, pd.DataFrame]:
    """Train on full images; return the best checkpoint with its record, and one row per epoch."""
    from cell_pipelines.models.checkpoint_file import with_description
    from cell_pipelines.pipelines.segmentation.live_tracking import LiveTracking
    from cell_pipelines.training.cost import training_cost
    from cell_pipelines.training.segmentation.train import train_segmentation

    selection = next(iter(images.values())).selection
    network = choose_network(annotations, images, shared, own)
    resume = own.merged(shared).resume
    tracking = LiveTracking(folder, resume=resume)
    training, chosen = to_training(shared, network.own, annotations), subset.take(annotations)
    started_from = inherited_images(training.start_from, training.encoder_weights)
    notes = [*_describe_start(network, annotations, images, started_from), *_notes(chosen, training)]
    learnt = _labelled(chosen, images, "train")
    seen = Intensities(training.normalisation, training.colour)
    _, history = train_segmentation(
        training,
        learnt,
        _labelled(annotations, images, "val"),
        folder,
        resume=resume,
        on_epoch=tracking,
        description={
            "data_sha256": annotations.fingerprint(),
            "pixel_size_um": common_pixel_size(annotations),
            "channels": list(selection.channels) if selection.channels else None,
            "z": selection.z,
            "run_id": tracking.run_id,
            "started_from": started_from,
            "training_images": describe_training_images(
                chosen, images, seen, categories=training.categories, cell_diameter_px=training.cell_diameter_px
            ),
        },
    )
    tracking.complete(history)
    record: dict[str, Any] = {"training_cost": training_cost(history, len(learnt)), "training_notes": notes}
    if training.cell_diameter_px is not None:
        record["usual_score"] = _usual_score(folder / "best.pt", annotations, images, training.categories or ())
    if network.recipe:
        record["recipe"] = to_table(network.recipe).to_dict(orient="records")
    return with_description(folder / "best.pt", record), history


def _usual_score(
    model: Path, annotations: AnnotationSet, images: dict[str, ImageFile], categories: Sequence[str]
) -> float | None:
    """Return the mean score of cells at the scale that the network knows: of the median validation image."""
    from cell_pipelines.inference.segmentation import SegmentationPredictor
    from cell_pipelines.training.segmentation.resizing import median_diameter_px

    predictor, scores = SegmentationPredictor(model), []
    learnt = [number for number, name in enumerate(annotations.categories) if name in categories]
    for one in iterate_images(select_split(annotations, "val")):
        diameter = median_diameter_px(one, np.isin(one.category, learnt))
        scores.append(None if diameter is None else predictor.mean_score(images[one.names[0]](), diameter))
    known = [score for score in scores if score is not None]
    return float(np.median(known)) if known else None


def _describe_start(
    network: ChosenNetwork,
    annotations: AnnotationSet,
    images: dict[str, ImageFile],
    started_from: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return the sentences about where a training starts, and log them."""
    tested = signatures_of(images, select_split(annotations, "test").names) if started_from else []
    seen = describe_seen(tested, started_from, "test")
    if network.note:
        logger.info("%s", network.note)
    for decision in network.recipe:
        logger.info("%s: %s. %s", decision.what, decision.value, decision.why)
    if seen:
        logger.warning("%s", seen)
    return [note for note in (network.note, seen) if note]


def _notes(annotations: AnnotationSet, training: Any) -> list[str]:
    """Return what must be known of a training, in sentences, and log them."""
    from cell_pipelines.training.segmentation.sampling import rules_without_effect

    learnt = select_split(annotations, "train")
    categories = (learnt.categories[number] for number in learnt.category.tolist())
    notes = rules_without_effect(
        training.oversampling, learnt.names, categories, learnt.objects["attributes"].to_pylist()
    )
    for note in notes:
        logger.warning("%s", note)
    return notes


def to_training(
    shared: SegmentationParameters, own: NetworkParameters, annotations: AnnotationSet
) -> SegmentationTraining:
    """Return what the library trains by, with all lengths in pixels."""
    parameters = own.merged(shared)
    pixel_size = common_pixel_size(annotations)
    settings = {setting.name: getattr(parameters, setting.name) for setting in fields(SegmentationSettings)}
    for key in ("representation", "loss", "weight_map"):
        settings[key] = replace(settings[key], options=to_pixels(settings[key].options, pixel_size))
    settings["categories"] = parameters.categories or annotations.categories
    settings["start_from"] = _start_file(parameters.start_from)
    network = NetworkSpec(own.architecture, encoder=own.encoder, options=own.options)
    return SegmentationTraining(network=network, encoder_weights=own.encoder_weights, **settings)


def _start_file(named: str | None) -> str | None:
    """Return the model file that a training starts from: a starter by its name, or a path."""
    if named is None:
        return None
    return str(starter_path(named) if named in starters() else Path(named).expanduser())


def _labelled(annotations: AnnotationSet, images: dict[str, ImageFile], split: str) -> list[Any]:
    from cell_pipelines.training.segmentation.samples import LabelledImage

    return [
        LabelledImage(one.names[0], images[one.names[0]], one)
        for one in iterate_images(select_split(annotations, split))
    ]


def draw_training_tiles(
    annotations: AnnotationSet, images: dict[str, ImageFile], shared: SegmentationParameters, own: NetworkParameters
) -> Image:
    """Return a contact sheet of tiles as the network sees them, with the outlines of their cells."""
    from cell_pipelines.report.figures.training_panels import tile_sheet
    from cell_pipelines.training.segmentation.previews import draw_tiles

    own = choose_network(annotations, images, shared, own).own
    training = to_training(shared, own, annotations)
    return tile_sheet(draw_tiles(training, _labelled(annotations, images, "train"), _TILES))


def plot_weights(
    annotations: AnnotationSet, images: dict[str, ImageFile], shared: SegmentationParameters, own: NetworkParameters
) -> Any:
    """Return a figure of the weights of a tile's pixels: of those tiles that are looked at, the one with most cells."""
    from cell_pipelines.report.figures.panels import create_note
    from cell_pipelines.report.figures.weight_map import plot_weight_map
    from cell_pipelines.training.segmentation.previews import draw_tiles
    from cell_pipelines.training.segmentation.weight_previews import preview_weights

    own = choose_network(annotations, images, shared, own).own
    training = to_training(shared, own, annotations)
    tiles = draw_tiles(training, _labelled(annotations, images, "train"), _TILES)
    fullest = max((plane for _, labels in tiles for plane in labels), key=lambda plane: np.unique(plane).size)
    found = preview_weights(training, fullest)
    if found is None:
        return create_note("This training has no weight map: every pixel counts alike.")
    return plot_weight_map(found.labels, found.weights, found.line, found.profiles)


def plot_history(history: pd.DataFrame, shared: SegmentationParameters, own: NetworkParameters) -> Any:
    """Return a figure of losses and validation metrics over epochs, with the epoch that was kept."""
    from cell_pipelines.report.figures.curves import plot_training_history

    return plot_training_history(history, best_by=own.merged(shared).monitor)
