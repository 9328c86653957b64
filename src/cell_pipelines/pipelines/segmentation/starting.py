"""Choose what a study leaves to its images (`auto`): where the training of a network starts, and its recipe."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects, select_split
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.workflows.planning.data_facts import DataFacts, gather_facts
from cell_pipelines.workflows.planning.plan import Decision
from cell_pipelines.workflows.planning.recipe import GROUP, PLANNED, plan_recipe
from cell_pipelines.workflows.planning.start import (
    AUTO,
    STARTER,
    TrainedStart,
    choose_start,
    learning_settings,
    model_name,
    network_settings,
    open_wish,
    pixel_settings,
)
from cell_pipelines.workflows.planning.starter_fit import gather_cell_facts, merge_settings
from cell_pipelines.workflows.survey import is_grey

logger = logging.getLogger(__name__)

_OWN = ("architecture", "encoder", "encoder_weights", "options")


@dataclass(frozen=True)
class ChosenNetwork:
    """The network that is trained.

    Attributes:
        own: Its parameters, where the training starts included.
        note: Where the training starts and why; empty where the study says it.
        recipe: What the images decided, and what was given, with the reasons; empty where the study says all.
    """

    own: NetworkParameters
    note: str = ""
    recipe: tuple[Decision, ...] = ()


def choose_network(
    annotations: AnnotationSet,
    images: Mapping[str, ImageFile],
    shared: SegmentationParameters,
    own: NetworkParameters,
) -> ChosenNetwork:
    """Return the network of a study with all that is ``auto`` decided by its training images.

    Raises:
        WeightsError: Encoder weights are asked for and can't be had, and the starter is not for these images.
        PlanError: The images have different numbers of channels, and the study leaves these to them.
    """
    started = _choose_start(annotations, images, shared, own)
    parameters = started.own.merged(shared)
    if not parameters.planned:
        return started
    who = "The study" if parameters.start_from is None else "The study, or what the training starts from,"
    facts = _gather_facts(annotations, images, parameters.categories)
    recipe = plan_recipe(facts, _given(parameters), who, is_started=parameters.start_from is not None)
    values = {name: value for one in recipe for name, value in one.settings.items()}
    chosen = {name: values[f"{GROUP}{name}"] for name in parameters.planned}
    training = merge_settings(started.own.training, chosen)
    return replace(started, own=replace(started.own, training=training), recipe=tuple(recipe))


def _given(parameters: SegmentationParameters) -> dict[str, Any]:
    """Return the settings of the recipe that are not left to the images, by dotted names."""
    values = asdict(parameters)
    given = {}
    for name in sorted(set(PLANNED) - set(parameters.planned)):
        group, _, last = name.rpartition(".")
        given[f"{GROUP}{name}"] = (values[group] if group else values)[last]
    return given


def _gather_facts(
    annotations: AnnotationSet, images: Mapping[str, ImageFile], categories: tuple[str, ...] | None
) -> DataFacts:
    """Return the facts of the training and validation images that a recipe follows from."""
    used = select_split(annotations, "train", "val")
    learnt = np.array([categories is None or name in categories for name in used.categories], dtype=bool)
    used = select_objects(used, learnt[used.category])
    columns = ("width", "height", "dtype", "channels")
    rows = [{"name": name, **{key: getattr(images[name].info(), key) for key in columns}} for name in used.names]
    return gather_facts(used, pd.DataFrame(rows), split_source="the study", annotation_format=("", ""),
                        are_grey=all(is_grey(images[name]) for name in used.names), brightness=np.nan)  # fmt: skip


def _choose_start(
    annotations: AnnotationSet,
    images: Mapping[str, ImageFile],
    shared: SegmentationParameters,
    own: NetworkParameters,
) -> ChosenNetwork:
    """Return the network of a study; another one only where `start_from` is ``auto``.

    Encoder weights that are asked for and can be had are taken. Else the training starts from the starter where the
    images suit it and the network is of its architecture, with the starter's network, channels, intensities, cell
    diameter, representation and loss; else from random weights where the study asks for no encoder weights.

    Raises:
        WeightsError: Encoder weights are asked for and can't be had, and the starter is not for these images.
    """
    if own.merged(shared).start_from != AUTO:
        return ChosenNetwork(own)
    missing = _missing_weights(own)
    if own.encoder_weights is not None and missing is None:
        note = f"The training starts from the encoder weights {own.encoder_weights!r}, which can be had."
        return ChosenNetwork(_random(own), note)
    used = select_split(annotations, "train", "val")
    facts = gather_cell_facts(used, images, own.merged(shared).categories or annotations.categories)
    trained, why = choose_start(facts, model_name(own.architecture, own.merged(shared).representation.name),
                                open_wish())  # fmt: skip
    if trained is not None:
        return ChosenNetwork(_as_started(own, trained), _describe(own, missing))
    if missing is not None:
        raise type(missing)(f"{missing} `start_from: {AUTO}` did not help: {why}") from missing
    return ChosenNetwork(_random(own), f"The training starts from random weights. {why}")


def _describe(own: NetworkParameters, missing: Exception | None) -> str:
    reason = f" The encoder weights {own.encoder_weights!r} can't be had." if missing is not None else ""
    return (
        f"The training starts from the starter {STARTER}, since the images show one class of roundish, bright cells in "
        f"grey.{reason} Network, channels, intensities, cell diameter, representation, loss and learning rate are the "
        "starter's and not the study's; `segmentation.start_from: null` leaves it out."
    )


def _missing_weights(own: NetworkParameters) -> Exception | None:
    """Return why the encoder weights that are asked for can't be had; None if they can, or none are asked for."""
    import torch

    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec
    from cell_pipelines.models.ultralytics_home import WeightsError

    if own.encoder_weights is None:
        return None
    spec = NetworkSpec(own.architecture, encoder=own.encoder, options=own.options)
    try:
        with torch.random.fork_rng(devices=[]):
            create_network(spec, encoder_weights=own.encoder_weights)
    except WeightsError as error:
        return error
    return None


def _random(own: NetworkParameters) -> NetworkParameters:
    return replace(own, training={**own.training, "start_from": None})


def _as_started(own: NetworkParameters, trained: TrainedStart) -> NetworkParameters:
    settings = {**network_settings(trained), **pixel_settings(trained), **learning_settings(trained)}
    nested = merge_settings({}, settings)
    mine, shared = nested[trained.model], nested["segmentation"]
    training: dict[str, Any] = {**own.training, **shared, **mine["training"], "resize": None}
    return NetworkParameters(**{key: mine[key] for key in _OWN}, training=training)
