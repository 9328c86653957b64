"""Put several trained networks into one model file, whose scores are the mean of theirs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cell_pipelines.failures import MistakeError
from cell_pipelines.workflows.trained_model import TrainedModel

#: What all members must agree in, so that their scores stand for the same of the same pixels.
_SHARED = ("representation", "categories", "colour", "normalisation", "resize", "cell_diameter_px", "channels", "z")
_NETWORK = ("in_channels", "out_channels", "out_stride")
#: What the file says of each member, beside its name and hash.
_OF_MEMBER = ("run_id", "data_sha256", "network", "training", "training_cost", "pixel_size_um")


def combine_models(models: Sequence[TrainedModel], **facts: Any) -> bytes:
    """Return the bytes of one model file that averages the scores of networks before cells are decoded.

    Args:
        models: Networks of this project with the same representation, classes, colour and normalisation; architectures
            may differ. Of a detector boxes would have to be fused, which is not done.
        facts: Further plain values for the file, such as ``run_id``.

    Returns:
        A file like that of any network; ``members`` says of each one its name, hash, MLflow run and training. It holds
        no thresholds but the defaults for cells of the members' average size.

    Raises:
        MistakeError: There are fewer than two models, one is no network of this project, or they don't agree.
    """
    from cell_pipelines.models.checkpoint_file import load_content, save_content, to_plain
    from cell_pipelines.models.ensemble import ensemble_spec

    _check(models)
    records = [model.record for model in models]
    first = models[0]
    assert first.representation is not None
    spec = ensemble_spec([record["network"] for record in records], list(first.representation.activations))
    description = {
        "network": spec.to_dict(),
        **{name: first.record[name] for name in _SHARED if name in first.record},
        "mean_area_px": _mean(records, "mean_area_px"),
        "usual_score": _mean(records, "usual_score"),
        "training_images": _seen_by(records),
        "started_from": [start for record in records for start in record.get("started_from") or []],
        "training_cost": _cost(records),
        "members": [_describe(model) for model in models],
        **facts,
    }
    weights = {
        f"members.{number}.{name}": value
        for number, model in enumerate(models)
        for name, value in load_content(model.path)["weights"].items()
    }
    return save_content(to_plain(description, "description"), weights)


def _mean(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return the mean of a number that some of the records have; None where none has it."""
    values = [float(record[name]) for record in records if record.get(name)]
    return float(np.mean(values)) if values else None


def _check(models: Sequence[TrainedModel]) -> None:
    if len(models) < 2:
        raise MistakeError(f"an ensemble takes 2 models or more, got {len(models)}.")
    for model in models:
        if model.kind != "segmentation":
            raise MistakeError(
                f"{model.path}: an ensemble is made of segmentation networks of this project, whose scores can be "
                f"averaged pixel by pixel; this is a model of the kind {model.kind}."
            )
        different = _differences(models[0], model)
        if different:
            raise MistakeError(f"{model.path}: can't be put together with {models[0].path}: it has {different}.")


def _differences(first: TrainedModel, other: TrainedModel) -> str:
    ours, theirs = _settings(first), _settings(other)
    return ", ".join(
        f"{name} {theirs[name]!r} instead of {ours[name]!r}" for name in ours if ours[name] != theirs[name]
    )


def _settings(model: TrainedModel) -> dict[str, Any]:
    """Return all that must be the same, with the defaults of what a file leaves out."""
    record = model.record
    own = {name: record.get(name) or None for name in _SHARED}
    own |= {"colour": record.get("colour", "rgb"), "normalisation": model.normalisation}
    network = {name: record["network"].get(name) for name in _NETWORK}
    return {**own, "representation": model.representation, **network}


def _describe(model: TrainedModel) -> dict[str, Any]:
    known = {name: model.record[name] for name in _OF_MEMBER if name in model.record}
    return {"name": model.path.stem, "sha256": model.sha256, **known}


def _seen_by(records: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what the images of the member with most of them are like, with the signatures of all that any has seen."""
    described = [record["training_images"] for record in records if record.get("training_images")]
    if not described:
        return None
    largest = max(described, key=lambda one: int(one.get("images", 0)))
    signatures = dict.fromkeys(signature for one in described for signature in one.get("signatures", ()))
    return {**largest, "signatures": list(signatures)}


def _cost(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the members' trainings took together; memory is that of the largest."""
    costs = [record["training_cost"] for record in records if record.get("training_cost")]
    if not costs:
        return {}
    return {
        "seconds": sum(cost["seconds"] for cost in costs),
        "memory_mb": max(cost["memory_mb"] for cost in costs),
        "images": max(cost["images"] for cost in costs),
        "epochs": sum(cost["epochs"] for cost in costs),
        "device": costs[0]["device"],
    }
