"""A model file's network as it predicts: images in, scores out, and what one must know to use it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cell_pipelines.inference.pixels import trained_normalisation
from cell_pipelines.models.model_file import model_family

if TYPE_CHECKING:
    import torch

Size = tuple[int, int]
_DEFAULT_TILE = 256
_CHANNELS = {1: "grey", 3: "RGB"}
_TOOLS = {"cellpose": "Cellpose", "bioimageio": "BioImage.IO", "instanseg": "InstanSeg"}


@dataclass(frozen=True, eq=False)
class DeployedNetwork:
    """A network ready to predict, on the processor.

    Attributes:
        network: Takes images (B, C, H, W) float32 in [0, 1] and returns a tuple of tensors, one for each of `outputs`.
        shape: C, H and W of its images.
        outputs: Names of what it returns.
        record: What one must know to use it, in plain values.
        step: Heights and widths that are multiples of it, and none smaller than `least`, may be given in place of those
            of `shape`; None where only those may.
        least: Least height and width.
    """

    network: "torch.nn.Module"
    shape: tuple[int, int, int]
    outputs: tuple[str, ...]
    record: Mapping[str, Any]
    step: int | None = None
    least: int = 1

    def of_one_size(self) -> "DeployedNetwork":
        """Return the same for images of `shape` only."""
        return replace(self, step=None, record={**self.record, "input": _input(self.shape, None)})


def load_deployed(checkpoint: Path, size: Size | None = None, *, any_size: bool = False) -> DeployedNetwork:
    """Load a model file for prediction.

    A YOLO has its normalisation folded into its convolutions, and gives ``output0`` (B, 4 + categories + coefficients
    of masks, places): centre x, centre y, width and height in pixels, then scores in [0, 1]; boxes that overlap are yet
    to be suppressed. One with masks gives its prototypes as ``output1`` (B, 32, H / 4, W / 4). Any other network gives
    ``scores`` (B, categories times channels of the representation, H, W), activated; H and W divided by the
    representation's ``stride``, rounded up.

    Args:
        checkpoint: A model file of this project, or any other YOLO.
        size: Height and width of its images; None for those that it was trained with.
        any_size: Let it take other sizes as well, where it can: those for which nothing is padded inside. `size` is
            rounded up to such a one.

    Raises:
        ValueError: The file is no model, is one that only another tool can run, or `size` doesn't fit.
    """
    family = model_family(checkpoint)
    if family not in ("yolo", "segmentation"):
        name = _TOOLS.get(family, family)
        raise ValueError(f"{checkpoint}: a model of {name} runs by {name} only, so it can't be exported.")
    found = _load_yolo(checkpoint, size) if family == "yolo" else _load_segmentation(checkpoint, size)
    if any_size and found.step is not None:
        channels, height, width = found.shape
        found = replace(found, shape=(channels, _whole(height, found), _whole(width, found)))
    step = found.step if any_size else None
    given = _input(found.shape, step) | ({"multiples_of": step, "least": found.least} if step else {})
    common = {"family": family, "input": given, "outputs": list(found.outputs)}
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    return replace(found, step=step, record={**common, **found.record, "checkpoint_sha256": digest})


def _whole(side: int, found: DeployedNetwork) -> int:
    step = found.step or 1
    return max(-(-side // step) * step, found.least)


def _input(shape: tuple[int, int, int], step: int | None) -> dict[str, Any]:
    sides = list(shape[1:]) if step is None else ["height", "width"]
    return {
        "name": "images", "shape": ["batch", shape[0], *sides], "type": "float32", "range": [0, 1],
        "channels": _CHANNELS.get(shape[0], "as in the image"),
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
            "pixel_size_um", "cell_diameter_px", "training_images", "started_from", "data_sha256",
            "run_id")  # fmt: skip
    record = {key: description[key] for key in kept if key in description}
    record["normalisation"] = trained_normalisation(description, "segmentation")
    record |= {"activations": list(representation.activations), "stride": representation.stride}
    shape = (int(description["network"]["in_channels"]), int(height), int(width))
    step = None if description.get("resize") else math.lcm(int(getattr(network, "stride", 1)), representation.stride)
    members = getattr(network, "members", [network])
    least = max(int(getattr(member, "minimum", 1)) for member in members)
    activated = _activated(network, representation.activations)
    return DeployedNetwork(activated, shape, ("scores",), record, step, least)


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
