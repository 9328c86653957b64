"""Measure what a planned network costs on this machine, before anything is trained."""

from collections.abc import Mapping
from typing import Any

from cell_pipelines.training.speed import StepTimes, choose_format, measure_formats, measure_step
from cell_pipelines.workflows.planning.own_study import DETECTORS
from cell_pipelines.workflows.planning.starter_fit import merge_settings


def measure_model(
    base: Mapping[str, Any], categories: int, model: str, settings: Mapping[str, Any], shape: tuple[int, int, int, int]
) -> StepTimes:
    """Return what a training step of a model takes, in the number format that it will be trained in.

    Args:
        base: Parameters of the base by model, with ``architecture``, ``encoder``, ``options`` and ``training``.
        categories: Classes to learn.
        model: Name of the model.
        settings: What the plan changes of them, by dotted names.
        shape: Of a batch: images, channels, height, width.
    """
    if model in DETECTORS:
        from cell_pipelines.models.untrained import create_untrained_yolo

        return measure_step(create_untrained_yolo(str(settings["weights"]), categories), shape)
    own = merge_settings(base[model], settings)
    times = measure_formats(_create_network(own, categories, shape[1]), shape)
    return times[choose_format(times)]


def _create_network(own: Mapping[str, Any], categories: int, channels: int) -> Any:
    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec
    from cell_pipelines.representations.registry import create_representation

    chosen = own.get("training", {}).get("representation") or {"name": "binary"}
    representation = create_representation(chosen["name"], **chosen.get("options", {}))
    shape, options = (channels, categories * len(representation.channels)), own.get("options") or {}
    spec = NetworkSpec(own["architecture"], own.get("encoder"), *shape, representation.stride, options=options)
    return create_network(spec)
