"""Measure a network's complexity: parameters, arithmetic, and the memory of one training batch."""

import copy
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Complexity:
    """Complexity of a network, whatever it runs on.

    Attributes:
        parameters: Numbers that training sets.
        flops: Floating point operations of one forward pass of the whole batch. Convolutions, matrix products and
            attention are counted, a multiplication with its addition as 2, as Ultralytics does and as the papers'
            tables have it; normalisation, activations and interpolation are not, about 2 % of the whole.
        activation_bytes: Memory of what the forward pass keeps for the gradients, for the whole batch in float32; the
            parameters are not in it.
    """

    parameters: int
    flops: int
    activation_bytes: int


def measure_complexity(network: "torch.nn.Module", shape: Shape) -> Complexity:
    """Count what one batch costs, without computing it: shapes are followed, numbers are not.

    The network is taken as it stands in training, so both heads of a YOLOv10 or YOLO26 count, as in published tables of
    networks that are not fused. It is left as it was. One whose shapes depend on the images' values is run on the
    processor, on images of zeros.

    Args:
        network: Takes images (N, C, H, W), on any device, ``meta`` included.
        shape: N, C, H and W of a batch.

    Raises:
        ValueError: A side of `shape` is less than 1.
    """
    if len(shape) != 4 or min(shape) < 1:
        raise ValueError(f"`shape` must be four numbers of 1 or more: images, channels, height, width; got {shape}.")
    try:
        flops, activation_bytes = _follow_shapes(network, shape)
    except _not_to_follow() as error:
        logger.debug("%s is run, since its shapes alone don't do: %s", type(network).__name__, error)
        flops, activation_bytes = _compute(network, shape)
    return Complexity(sum(p.numel() for p in network.parameters()), flops, activation_bytes)


def _not_to_follow() -> tuple[type[BaseException], ...]:
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
        UnsupportedFakeTensorException,
    )

    return (DataDependentOutputException, DynamicOutputShapeException, UnsupportedFakeTensorException,
            RuntimeError)  # fmt: skip


def _follow_shapes(network: "torch.nn.Module", shape: Shape) -> tuple[int, int]:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with mode:
        shapes: dict[int, Any] = {id(p): torch.nn.Parameter(_empty_like(p)) for p in network.parameters()}
        shapes |= {id(buffer): _empty_like(buffer) for buffer in network.buffers()}
    # Modules are copied, since some keep what they computed last; their weights are not.
    twin = copy.deepcopy(network, shapes)
    with mode:
        return _count(twin, torch.empty(shape))


def _empty_like(value: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.empty(value.shape, dtype=torch.float32 if value.is_floating_point() else value.dtype)


def _compute(network: "torch.nn.Module", shape: Shape) -> tuple[int, int]:
    import torch

    is_meta = any(value.is_meta for value in network.parameters())
    twin = copy.deepcopy(network)
    twin = (twin.to_empty(device="cpu") if is_meta else twin.cpu()).float().requires_grad_(True)
    with torch.random.fork_rng(devices=[]):
        return _count(twin, torch.zeros(shape))


def _count(network: "torch.nn.Module", images: "torch.Tensor") -> tuple[int, int]:
    """Return operations of the forward pass, and bytes that it keeps, each memory once."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    own = {value.untyped_storage()._cdata for value in (*network.parameters(), *network.buffers())}
    kept: dict[int, Any] = {}

    def keep(tensor: "torch.Tensor") -> "torch.Tensor":
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            # Held until all is counted, so that no other memory takes its place.
            kept[storage._cdata] = storage
        return tensor

    counter = FlopCounterMode(display=False)
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter:
        network.train()(images)
    return int(counter.get_total_flops()), sum(storage.nbytes() for storage in kept.values())
