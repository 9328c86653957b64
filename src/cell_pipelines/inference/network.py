"""A segmentation network at work on tiles: pixels in, activated outputs of each category out."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.memory import peak_bytes, usable_bytes
from cell_pipelines.inference.symmetries import ALL_SYMMETRIES, Symmetry
from cell_pipelines.models.accelerators import supports_bfloat16
from cell_pipelines.representations.base import Representation
from cell_pipelines.typing import Float32Array

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16"]


# The counting of memory needs no more than a few strides of the coarsest network.
_PROBE_PX = 128
# Channels that are rows and columns of vectors.
_FLOWS = ("flow_row", "flow_column")


class TileNetwork:
    """A network that gives the activated outputs of tiles.

    Args:
        network: Takes images (B, in_channels, H, W) and gives logits (B, K * C, H, W), at the representation's stride;
            put into evaluation and moved to the device. Its attribute `stride`, where it has one, is what tiles are
            aligned to.
        representation: What its C channels for each of K categories stand for.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``bfloat16`` runs most of the work with fewer bits; activations are always of 32.
        test_time_augmentation: Average over the eight turns and mirror images, at eight times the cost.
        exported: Gives the activated outputs (B, K * C, h, w) of images on the processor in place of `network`.

    Raises:
        ValueError: The device isn't there, or the representation can't be turned.
    """

    def __init__(
        self,
        network: "torch.nn.Module",
        representation: Representation,
        *,
        device: str = "auto",
        precision: Precision = "float32",
        test_time_augmentation: bool = False,
        exported: "Callable[[torch.Tensor], torch.Tensor] | None" = None,
    ) -> None:
        import torch

        if precision not in ("float32", "bfloat16"):
            raise ValueError(f"`precision` must be float32 or bfloat16, got {precision!r}.")
        self.device = choose_device(device)
        if precision == "bfloat16" and self.device.type == "mps" and not supports_bfloat16("mps"):
            raise ValueError("`precision` is bfloat16, which Apple's GPU has from macOS 14 on; use float32.")
        layout = torch.channels_last
        self._network = network.to(self.device, memory_format=layout).eval().requires_grad_(False)  # type: ignore[call-overload]
        self.representation, self._precision = representation, precision
        self.stride = math.lcm(int(getattr(network, "stride", 1)), representation.stride)
        self._symmetries = ALL_SYMMETRIES if test_time_augmentation else ()
        self._run = exported or self._by_pytorch
        self._n_rays = _count_rays(representation) if test_time_augmentation else 0

    def __call__(self, tiles: Float32Array) -> Float32Array:
        """Return the activated outputs of tiles (B, h, w, channels) float32 in [0, 1].

        Their shape is (B, K * C, h, w), or what the representation's stride leaves of h and w.
        """
        import torch

        with torch.inference_mode():
            # Height, width, channels in memory is what channels_last means, so no copy is made here.
            images = torch.from_numpy(tiles).to(self.device).permute(0, 3, 1, 2)
            outputs = self._average(images) if self._symmetries else self._run(images)
            result: Float32Array = outputs.cpu().numpy()
        return result

    @cached_property
    def bytes_per_pixel(self) -> float:
        """Memory that the network takes for each pixel of a tile, counted on a small one."""
        import torch

        side = -(-_PROBE_PX // self.stride) * self.stride
        channels = self.in_channels

        def run() -> None:
            with torch.inference_mode():
                self._by_pytorch(torch.zeros((1, channels, side, side), device=self.device))

        return peak_bytes(run) / side**2

    @cached_property
    def in_channels(self) -> int:
        """Channels of the images it takes: those of its specification, or of its first convolution."""
        spec = getattr(self._network, "spec", None)
        if spec is not None:
            return int(spec.in_channels)
        return next((int(m.in_channels) for m in self._network.modules() if hasattr(m, "in_channels")), 3)

    def fitting_pixels(self, memory_gb: float | None) -> float:
        """Return how many pixels the network can take at once, in `memory_gb` or in what may be used."""
        return usable_bytes(self.device, memory_gb) / self.bytes_per_pixel

    def _by_pytorch(self, images: "torch.Tensor") -> "torch.Tensor":
        import torch

        from cell_pipelines.models.activations import activate

        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._precision == "bfloat16"):
            logits = self._network(images)
        return activate(logits.float(), self.representation.activations)

    def _average(self, images: "torch.Tensor") -> "torch.Tensor":
        from cell_pipelines.models.any_size import pad_by_mirroring

        step = self.representation.stride
        height, width = (-(-n // step) for n in images.shape[-2:])
        # Padded before it is turned, so that a network's pooling meets the same grid on every tile; and to one step of
        # the outputs more, so that they belong to the same pixels when it is mirrored.
        more = 1 if step > 1 else 0
        padded = pad_by_mirroring(images, *(-(-n // self.stride) * self.stride + more for n in images.shape[-2:]))
        total = None
        for symmetry in self._symmetries:
            outputs = self._reordered(symmetry.undo(self._run(symmetry.apply(padded))), symmetry)
            total = outputs if total is None else total.add_(outputs)
        if total is None:
            return self._run(images)
        return total[..., :height, :width] / len(self._symmetries)

    def _reordered(self, outputs: "torch.Tensor", symmetry: Symmetry) -> "torch.Tensor":
        """Bring what has a direction, rays and flows of each category, back to the directions of the image."""
        import torch

        names = self.representation.channels
        if not (self._n_rays or _FLOWS[0] in names):
            return outputs
        batch, _, height, width = outputs.shape
        folded = outputs.reshape(batch, -1, len(names), height, width)
        if self._n_rays:
            first = len(names) - self._n_rays
            order = [*range(first), *(first + ray for ray in symmetry.ray_order(self._n_rays))]
            return folded[:, :, order].flatten(1, 2)
        parts = list(folded.unbind(2))
        row, column = (names.index(name) for name in _FLOWS)
        parts[row], parts[column] = symmetry.vectors(parts[row], parts[column])
        return torch.stack(parts, 2).flatten(1, 2)


def _count_rays(representation: Representation) -> int:
    """Return how many of the last channels are distances along rays; 0 where no channel has a direction."""
    n_rays = int(getattr(representation, "n_rays", 0))
    if n_rays % 4:
        raise ValueError(
            f"`test_time_augmentation` needs a number of rays that 4 divides, got {n_rays}; train with 32."
        )
    return n_rays
