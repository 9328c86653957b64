"""A model file's network as it predicts: of one size, images in, scores out, and what one must know to use it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cell_pipelines.inference.pixels import trained_normalisation
from cell_pipelines.models.model_file import Family, model_family

if TYPE_CHECKING:
    import torch

Size = tuple[int, int]
_DEFAULT_TILE = 256
_CHANNELS = {1: "grey", 3: "RGB"}


@dataclass(frozen=True, eq=False)
class DeployedNetwork:
    """A network ready to predict, on the processor.

    Attributes:
        network: Takes images (B, C, H, W) float32 in [0, 1] and returns a tuple of tensors, one for each of `outputs`.
        shape: C, H and W of its images.
        outputs: Names of what it returns.
        record: What one must know to use it, in plain values.
    """

    network: "torch.nn.Module"
    shape: tuple[int, int, int]
    outputs: tuple[str, ...]
    record: Mapping[str, Any]


def load_deployed(checkpoint: Path, size: Size | None = None) -> DeployedNetwork:
    """Load a model file for prediction.

    A YOLO has its normalisation folded into its convolutions, and gives ``output0`` (B, 4 + categories + coefficients
    of masks, places): centre x, centre y, width and height in pixels, then scores in [0, 1]; boxes that overlap are yet
    to be suppressed. One with masks gives its prototypes as ``output1`` (B, 32, H / 4, W / 4). Any other network gives
    ``scores`` (B, categories times channels of the representation, H, W), activated; H and W divided by the
    representation's ``stride``, rounded up.

    Args:
        checkpoint: A model file of this project, or any other YOLO.
        size: Height and width of its images; None for those that it was trained with.

    Raises:
        ValueError: The file is no model, or `size` doesn't fit.
    """
    family = model_family(checkpoint)
    if family == "cellpose":
        raise ValueError(f"{checkpoint}: a model of Cellpose runs by Cellpose only, so it can't be exported.")
    load = _load_yolo if family == "yolo" else _load_segmentation
    found = load(checkpoint, size)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    return DeployedNetwork(
        found.network,
        found.shape,
        found.outputs,
        {**_common(family, found), **found.record, "checkpoint_sha256": digest},
    )


def _common(family: Family, found: DeployedNetwork) -> dict[str, Any]:
    channels, height, width = found.shape
    return {
        "family": family,
        "input": {
            "name": "images", "shape": ["batch", channels, height, width], "type": "float32", "range": [0, 1],
            "channels": _CHANNELS.get(channels, "as in the image"),
        },
        "outputs": list(found.outputs),
    }  # fmt: skip


def _load_segmentation(checkpoint: Path, size: Size | None) -> DeployedNetwork:
    from cell_pipelines.models.checkpoint import read_checkpoint
    from cell_pipelines.representations.registry import create_representation

    network, description = read_checkpoint(checkpoint)
    chosen = description["representation"]
    representation = create_representation(chosen["name"], **chosen.get("options", {}))
    tile = description.get("training", {}).get("tile", _DEFAULT_TILE)
    height, width = size or description.get("resize") or (tile, tile)
    if min(height, width) < 1:
        raise ValueError(f"`size` must be a height and a width of 1 or more, got {(height, width)}.")
    kept = ("categories", "representation", "decoding", "thresholds", "colour", "resize", "channels",
            "pixel_size_um", "training_images", "started_from", "data_sha256", "run_id")  # fmt: skip
    record = {key: description[key] for key in kept if key in description}
    record["normalisation"] = trained_normalisation(description, "segmentation")
    record |= {"activations": list(representation.activations), "stride": representation.stride}
    shape = (int(description["network"]["in_channels"]), int(height), int(width))
    return DeployedNetwork(_activated(network, representation.activations), shape, ("scores",), record)


def _load_yolo(checkpoint: Path, size: Size | None) -> DeployedNetwork:
    from cell_pipelines.models.yolo_checkpoint import RECORD_KEY, load_network

    network, content = load_network(checkpoint, fuse=True)
    if hasattr(network.model[-1], "num_queries"):
        raise ValueError(f"{checkpoint}: an RT-DETR predicts by PyTorch only; it can't be exported here.")
    side = int(content.get("train_args", {}).get("imgsz", 640))
    height, width = size or (side, side)
    stride = max(int(network.stride.max()), 32)
    if min(height, width) < 1 or height % stride or width % stride:
        raise ValueError(f"`size` must be multiples of {stride} for {checkpoint.name}, got {(height, width)}.")
    has_masks = hasattr(network.model[-1], "proto")
    # One that suppresses by itself gives as many boxes as it has places, so that no cell is ever cut off.
    places = sum((height // step) * (width // step) for step in (int(s) for s in network.stride))
    network.set_head_attr(export=True, max_det=places)
    own = content.get(RECORD_KEY, {})
    kept = ("thresholds", "tile_size", "channels", "training_images", "started_from", "data_sha256", "run_id")
    record = {
        "categories": [str(network.names[number]) for number in range(len(network.names))],
        "task": "segment" if has_masks else "detect",
        "stride": stride,
        "suppressed": bool(getattr(network, "end2end", False)),
        **{key: own[key] for key in kept if key in own},
        "normalisation": trained_normalisation(own, "yolo"),
    }
    outputs = ("output0", "output1") if has_masks else ("output0",)
    record = json.loads(json.dumps(record))
    return DeployedNetwork(_tupled(network.requires_grad_(False)), (3, height, width), outputs, record)


def _activated(network: "torch.nn.Module", activations: tuple[Any, ...]) -> "torch.nn.Module":
    import torch

    from cell_pipelines.models.activations import activate

    class Activated(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
            return (activate(self.network(images), activations),)

    return Activated().eval().requires_grad_(False)


def _tupled(network: "torch.nn.Module") -> "torch.nn.Module":
    import torch

    class Tupled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = self.network(images)
            return tuple(found) if isinstance(found, tuple | list) else (found,)

    return Tupled().eval()
