"""Describe a network as a package of BioImage.IO (spec 0.5) does: axes, preprocessing, weights, people."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FORMAT_VERSION = "0.5.3"
#: Key of what this project writes about itself below ``config``.
RECORD_KEY = "cell_pipelines"
_EPS = 1e-12
_RGB = ("red", "green", "blue")
_PERCENTILES = {"percentile": (0.1, 99.9), "percentile_1_to_99_8": (1.0, 99.8)}


@dataclass(frozen=True)
class Origin:
    """Statements of people about a model, which its file can't make.

    Attributes:
        licence: SPDX identifier of the weights' licence, such as ``CC-BY-4.0``; None for none.
        authors: Names of people.
        description: What the model is for; None for a sentence made of its classes.
    """

    licence: str | None = None
    authors: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True)
class Facts:
    """Facts that a description is made of.

    Attributes:
        name: Of the model.
        record: Of `DeployedNetwork`.
        shape: C, H and W of the images.
        step: Heights and widths are multiples of it; None where only those of `shape` fit.
        least: Least height and width.
        dtype: Type of the images' pixels.
        channels: Names of the output's channels for one class.
        torch_version: Of PyTorch, which wrote the weights.
        opset: Of ONNX.
    """

    name: str
    record: Mapping[str, Any]
    shape: tuple[int, int, int]
    step: int | None
    least: int
    dtype: str
    channels: tuple[str, ...]
    torch_version: str
    opset: int


def describe(facts: Facts, origin: Origin, folder: Path, attachments: Sequence[str]) -> dict[str, Any]:
    """Return the content of ``rdf.yaml`` for files that lie in a folder.

    Args:
        facts: Of the network.
        origin: Of the people.
        folder: Holds test tensors, weights, cover, documentation and attachments.
        attachments: Names of files.
    """
    classes = ", ".join(facts.record["categories"])
    about = origin.description or f"A segmentation network that finds {classes} in microscopy images."
    content: dict[str, Any] = {
        "type": "model", "format_version": FORMAT_VERSION, "name": _name(facts.name), "description": about,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"), "documentation": "README.md",
        "covers": ["cover.png"], "tags": ["2d", "instance-segmentation", "cells", "pytorch"],
        "authors": [{"name": name} for name in origin.authors],
        "inputs": [_input(facts, folder)], "outputs": [_output(facts, folder)],
        "weights": _weights(facts, folder),
        "attachments": [_file(folder, name) for name in attachments],
        "config": {RECORD_KEY: dict(facts.record)},
    }  # fmt: skip
    content |= {"license": origin.licence} if origin.licence else {}
    return content | _training_data(facts.record)


def preprocessing(normalisation: str, dtype: str) -> list[dict[str, Any]]:
    """Return how images in their own intensities become what the network takes.

    Args:
        normalisation: As in `intensity.to_unit`.
        dtype: Type of the pixels: ``uint8``, ``uint16`` or ``float32``.
    """
    chosen = "percentile" if normalisation == "percentile_above_8_bit" and dtype != "uint8" else normalisation
    return [_ensured(), *_scaled(chosen, dtype), _ensured()]


def _scaled(normalisation: str, dtype: str) -> Iterator[dict[str, Any]]:
    if normalisation in _PERCENTILES:
        low, high = _PERCENTILES[normalisation]
        kwargs = {"axes": ["channel", "y", "x"], "min_percentile": low, "max_percentile": high, "eps": _EPS}
        yield {"id": "scale_range", "kwargs": kwargs}
    else:
        whole = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
        yield {"id": "scale_linear", "kwargs": {"gain": 1 / whole, "offset": 0.0}}
    if normalisation != "percentile_1_to_99_8":
        yield {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}}


def _ensured() -> dict[str, Any]:
    return {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}


def _input(facts: Facts, folder: Path) -> dict[str, Any]:
    sizes = facts.shape[1:]
    step = facts.step
    space = [
        {"type": "space", "id": axis, "size": {"min": max(facts.least, step), "step": step} if step else side}
        for axis, side in zip("yx", sizes, strict=True)
    ]
    names = [f"channel{place}" for place in range(facts.shape[0])]
    channel = {
        "type": "channel",
        "id": "channel",
        "channel_names": ["red", "green", "blue"] if len(names) == 3 else names,
    }
    return {
        "id": "image", "description": "the image, in its own intensities", "data": {"type": facts.dtype},
        "test_tensor": _file(folder, "test_input.npy"), "axes": [{"type": "batch"}, channel, *space],
        "preprocessing": preprocessing(facts.record["normalisation"], facts.dtype),
    }  # fmt: skip


def _output(facts: Facts, folder: Path) -> dict[str, Any]:
    stride = int(facts.record["stride"])
    space = [
        {"type": "space", "id": axis, "size": {"tensor_id": "image", "axis_id": axis}, "scale": float(stride)}
        for axis in "yx"
    ]
    classes = facts.record["categories"]
    names = [f"{one}_{name}" if len(classes) > 1 else name for one in classes for name in facts.channels]
    channel = {"type": "channel", "id": "channel", "channel_names": _identifiers(names)}
    return {
        "id": "scores", "description": f"{facts.record['representation']['name']}, decoded by decode.py",
        "data": {"type": "float32"}, "test_tensor": _file(folder, "test_output.npy"),
        "axes": [{"type": "batch"}, channel, *space],
    }  # fmt: skip


def _weights(facts: Facts, folder: Path) -> dict[str, Any]:
    script = {**_file(folder, "weights.pt"), "pytorch_version": facts.torch_version.partition("+")[0]}
    onnx = {**_file(folder, "weights.onnx"), "opset_version": facts.opset, "parent": "torchscript"}
    return {"torchscript": script, "onnx": onnx}


def _training_data(record: Mapping[str, Any]) -> dict[str, Any]:
    if "data_sha256" not in record:
        return {}
    digest = record["data_sha256"]
    about = {
        "type": "dataset", "format_version": "0.3.0", "name": "annotated training images",
        "description": f"The annotated data have the SHA-256 {digest}; they are not part of this package.",
    }  # fmt: skip
    return {"training_data": about}


def _file(folder: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}


def _name(text: str) -> str:
    """Return a name as the specification allows it: of 5 to 128 letters, digits and few signs."""
    return re.sub(r"[^A-Za-z0-9_+()\- ]", "_", text).ljust(5, "_")[:128]


def _identifiers(names: Sequence[str]) -> list[str]:
    found = [re.sub(r"\W", "_", name, flags=re.ASCII) for name in names]
    found = [f"c{name}" if not name or name[0].isdigit() else name for name in found]
    return [name if found.count(name) == 1 else f"{name}_{place}" for place, name in enumerate(found)]
