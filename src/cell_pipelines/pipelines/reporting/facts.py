"""Collect facts about a study besides its numbers: training images, commands, and the machine."""

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.machine import processor_name, total_memory_gb
from cell_pipelines.models.accelerators import available_kinds, gpu_name
from cell_pipelines.provenance import code_versions
from cell_pipelines.study import foreign_members

_SPLITS = {"train": "for training", "val": "for validation", "test": "for the test"}
_NETWORK = ("architecture", "encoder")
_TRAINING = ("loss", "weight_map", "optimizer", "learning_rate", "weight_decay", "batch", "tile", "epochs", "minutes",
             "seed", "precision", "encoder_weights")  # fmt: skip
# What Ultralytics calls the same.


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def machine() -> dict[str, str]:
    """Return what this report was made on: system, processor, cores, memory, GPU."""
    found = {
        "machine.system": f"{platform.system()} {platform.release()}",
        "machine.processor": processor_name(),
        "machine.cores": str(os.cpu_count()),
        "machine.python": platform.python_version(),
        "machine.memory": f"{total_memory_gb():.0f} GB",
    }
    kind = available_kinds()[0]
    if kind != "cpu":
        found["machine.gpu"] = gpu_name(kind)
    return found


def study_origin(
    truth: AnnotationSet, models: Mapping[str, Path], seeds: Mapping[str, Any], project: Path
) -> dict[str, str]:
    """Return code, packages, data, models, seeds and machine by name."""
    hashes = {f"model.{name}.sha256": file_sha256(path) for name, path in models.items()}
    known = {f"seed.{name}": str(value) for name, value in seeds.items() if value is not None}
    return {
        **code_versions(project), "data.sha256": truth.fingerprint(), **hashes, **known, **machine()
    }  # fmt: skip


def run_commands(models: Sequence[str], log: pd.DataFrame, invocation: Invocation) -> dict[str, list[str]]:
    """Return how the study's models and pages are made again, by what each command does.

    Args:
        models: By name.
        log: One row per command that was run for the study to its end, the latest last: `command` and `pipeline`.
        invocation: The command that is running.

    Returns:
        The latest commands in the log that trained each model, with their parameters; a command without parameters
        stands for one that is not in the log. The last is the command that is running.
    """
    run = study_command(invocation)
    own = [name for name in models if name not in foreign_members()]
    training = [_latest(log, f"train_{name}") or f"{run} --pipelines=train_{name}" for name in own]
    tuning = _latest(log, "evaluation")
    return {
        **({"Train the models, from the raw data on:": list(dict.fromkeys(training))} if training else {}),
        **({"Choose thresholds, evaluate on test images:": [tuning]} if tuning and tuning not in training else {}),
        "Write this page:": [invocation.command()],
    }


def _latest(log: pd.DataFrame, pipeline: str) -> str | None:
    """Return the latest command in the log that ran a pipeline, by itself or as part of the full one."""
    if log.empty:
        return None
    names = log["pipeline"].astype(str).str.split("+")
    rows = log[[pipeline in every or every == ["__default__"] for every in names]]
    return str(rows["command"].iloc[-1]) if len(rows) else None


def study_command(invocation: Invocation) -> str:
    """Return ``kedro run`` with the study of a command."""
    return f"kedro run --env={invocation.environment}" if invocation.environment else "kedro run"


def study_models(models: Sequence[str]) -> str:
    """Return the models by name as a sentence takes them."""
    return models[0] if len(models) == 1 else f"{', '.join(models[:-1])} and {models[-1]}"


def data_sentence(truth: AnnotationSet) -> str:
    """Return in words how many images and cells there are for training, validation and the test."""
    split = pd.Series(truth.images["split"].to_pylist())
    cells = truth.counts().sum(axis=1)
    parts = [
        f"{_count((split == name).sum(), 'image')} with {_count(cells[split == name].sum(), 'cell')} {words}"
        for name, words in _SPLITS.items()
        if (split == name).any()
    ]
    classes = ", ".join(truth.categories)
    return f"The study has {_count(truth.n_images, 'annotated image')} ({classes}): {'; '.join(parts)}."


def _count(number: int, noun: str) -> str:
    return f"{int(number)} {noun if number == 1 else f'{noun}s'}"


def _start(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what the training of a detector began with; files of earlier versions name the network only."""
    weights, from_scratch = record.get("weights"), record.get("from_scratch")
    if not weights:
        return {}
    if from_scratch is None:
        return {"network": weights}
    return {"started from": f"random weights of the network of {weights}" if from_scratch else weights}


def training_notes(record: Mapping[str, Any]) -> str:
    """Return what must be known of a training, such as test images that its start was trained on; empty if nothing."""
    return " ".join(record.get("training_notes") or [])


def training_facts(name: str, record: Mapping[str, Any], history: pd.DataFrame) -> dict[str, str]:
    """Return what is known of a model's training by name: network, settings, time, epochs, device."""
    training, network = record.get("training") or {}, record.get("network") or {}
    cost = record.get("training_cost") or {}
    facts: dict[str, Any] = {"model": name}
    facts |= {key: network[key] for key in _NETWORK if network.get(key)}
    if record.get("representation"):
        facts["stands for cells as"] = record["representation"]["name"]
    facts |= _start(record)
    if record.get("image_size"):
        facts["image size"] = f"{record['image_size']} px"
    facts |= {key.replace("_", " "): training[key] for key in _TRAINING if training.get(key) is not None}
    if not history.empty:
        facts["epochs trained"] = int(history["epoch"].max())
    if record.get("epoch"):
        facts["epoch kept"] = record["epoch"]
    seconds = cost.get("seconds") or float(history["seconds"].max())
    facts["training time"] = "not known" if pd.isna(seconds) else f"{seconds / 60:.1f} min"
    facts |= {key: cost[key] for key in ("device", "images") if cost.get(key) is not None}
    if cost.get("memory_mb"):
        facts["training memory"] = f"{cost['memory_mb']:.0f} MB"
    if record.get("run_id"):
        facts["MLflow run"] = record["run_id"]
    if notes := training_notes(record):
        facts["to be known"] = notes
    return {key: str(value) for key, value in facts.items()}
