"""Estimate the memory that a network takes per pixel, and the tiles that fit into what may be used."""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cell_pipelines.inference.tiles import Tiling

if TYPE_CHECKING:
    import torch

# On a processor memory that is merely free may be needed by others.
_CPU_GB = 2.0
# Of a GPU's free memory; the rest is for the output and what fragments.
_GPU_SHARE = 0.7
# What convolutions take beside the tensors that can be counted.
_WORKSPACE = 1.25


def usable_bytes(device: "torch.device", memory_gb: float | None = None) -> float:
    """Return the bytes that a network's tensors may take, of `memory_gb`, of 2 GB, or of most of a GPU's free memory.

    A fifth is left to what convolutions take beside their tensors.
    """
    import torch

    if memory_gb is not None:
        total = memory_gb * 1e9
    elif device.type == "cuda":
        total = torch.cuda.mem_get_info(device)[0] * _GPU_SHARE
    elif device.type == "mps":
        total = max(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), 0) * _GPU_SHARE
    else:
        total = _CPU_GB * 1e9
    return total / _WORKSPACE


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most bytes that tensors made during `call()` took together at any moment.

    What PyTorch's functions return is counted for as long as it lives, not what they use in between.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    live: dict[int, int] = {}
    peak = 0

    class Counting(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal peak
            result = func(*args, **(kwargs or {}))
            for one in result if isinstance(result, tuple | list) else (result,):
                if isinstance(one, torch.Tensor):
                    _follow(one, live)
            peak = max(peak, sum(live.values()))
            return result

    with Counting():
        call()
    return peak


def _follow(tensor: "torch.Tensor", live: dict[int, int]) -> None:
    """Count the memory behind a tensor once, until nothing holds it any more."""
    import torch

    with torch._C.DisableTorchFunction():
        storage = tensor.untyped_storage()
    key = storage._cdata
    if key not in live:
        live[key] = storage.nbytes()
        weakref.finalize(storage, live.pop, key, None)


def fitting_tiling(shape: tuple[int, int], n_pixels: float, *, tile: int | None, overlap: int, stride: int) -> Tiling:
    """Return tiles of a set size, or those that together have the fewest pixels, each at most `n_pixels`.

    Fewer, larger tiles share fewer overlaps; the whole image is one where it fits.

    Args:
        shape: Height and width of the image.
        n_pixels: Most pixels of a tile, where `tile` is None.
        tile: Side of the tiles in pixels.
        overlap: Least overlap of neighbours in pixels.
        stride: Of the network.

    Raises:
        ValueError: `tile` is too small for the overlap.
    """
    if tile is not None:
        return Tiling.cover(shape, (tile, tile), overlap, stride)
    height, width = shape
    if height * width <= n_pixels:
        return Tiling.cover(shape, shape, overlap, stride)
    # Below this size the overlap costs more than the tile itself.
    least = -(-2 * overlap // stride) * stride + stride
    found = []
    for rows in range(1, -(-height // stride) + 1):
        tall = max(-(-(height + (rows - 1) * overlap) // rows // stride) * stride + stride, least)
        wide = max(int(n_pixels) // tall // stride * stride, least)
        if tall * wide <= max(n_pixels, least**2):
            found.append(Tiling.cover(shape, (tall, wide), overlap, stride))
        if tall == least:
            break
    return (
        min(found, key=lambda tiling: tiling.n_pixels)
        if found
        else Tiling.cover(shape, (least, least), overlap, stride)
    )
