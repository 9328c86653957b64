"""Networks as training starts with them, without weights: to count what they cost and to see that they can be made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError, prepare_ultralytics, resolve_weights
from cell_pipelines.models.yolo_networks import is_transformer, network_task

if TYPE_CHECKING:
    import torch


def create_untrained_network(
    own: Mapping[str, Any], *, out_channels: int, in_channels: int = 3, out_stride: int = 1
) -> "torch.nn.Module":
    """Return a segmentation network by its parameters, on the ``meta`` device: its numbers take no memory.

    Args:
        own: ``architecture``, ``encoder`` and ``options``, as a model's parameters name them.
        out_channels: Categories times channels of their representation.
        in_channels: Channels of an image.
        out_stride: That of their representation.

    Raises:
        ValueError: There is no such network, or its parts don't go together.
    """
    import torch

    options = own.get("options") or {}
    spec = NetworkSpec(own["architecture"], own.get("encoder"), in_channels, out_channels, out_stride, options=options)
    with torch.device("meta"):
        return create_network(spec)


def create_untrained_yolo(weights: str, n_categories: int) -> "torch.nn.Module":
    """Return the YOLO that a name of weights belongs to, untrained.

    Args:
        weights: As in `resolve_weights`, such as ``yolo11n.pt``.
        n_categories: Of the cells.

    Raises:
        WeightsError: There is no such network.
    """
    prepare_ultralytics()
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel, SegmentationModel

    described = resolve_weights(weights, from_scratch=True)
    kind = SegmentationModel if network_task(weights) == "segment" else DetectionModel
    kind = RTDETRDetectionModel if is_transformer(weights) else kind
    try:
        network: torch.nn.Module = kind(described, nc=max(1, n_categories), verbose=False)
    except (FileNotFoundError, KeyError) as error:
        raise WeightsError(f"{weights}: expected the name of a YOLO network; there is none: {error}") from error
    return network
