"""A network that takes images of any size: padded inside by their mirror image, its logits cropped back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from cell_pipelines.models.spec import NetworkSpec


class AnySize(nn.Module):
    """Wrap a network whose images must have certain sizes.

    Args:
        network: Takes (B, C, H, W) with H and W multiples of `stride` and at least `minimum`.
        spec: What it is.
        stride: Sizes that are multiples of it, and at least `minimum`, are not padded; a multiple of the logits' own.
        minimum: Least height and width.

    Buffers `mean` and `std` (1, C, 1, 1) bring images in [0, 1] to what a pretrained encoder saw; they go with the
    weights, and change nothing in an untrained network.
    """

    def __init__(self, network: nn.Module, spec: "NetworkSpec", *, stride: int, minimum: int) -> None:
        super().__init__()
        self.network = network
        self.spec = spec
        self.stride = stride
        self.minimum = minimum
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(1, spec.in_channels, 1, 1))
        self.register_buffer("std", torch.ones(1, spec.in_channels, 1, 1))
        _allow_single_values(network)

    def normalise_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Take mean and standard deviation of each channel from now on; one channel takes the average of all."""
        channels = self.spec.in_channels
        for buffer, values in ((self.mean, mean), (self.std, std)):
            fitted = torch.tensor(values).mean()[None] if channels == 1 else torch.tensor(values)
            buffer.copy_(fitted[torch.arange(channels) % len(fitted)].reshape(1, channels, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of images (B, in_channels, H, W); an image without pixels has none.

        Their shape is (B, out_channels, H, W), or what an `out_stride` leaves of H and W, rounded up.
        """
        if images.ndim != 4 or images.shape[1] != self.spec.in_channels:
            raise ValueError(
                f"`images` must have the shape (images, {self.spec.in_channels}, height, width), "
                f"got {tuple(images.shape)}."
            )
        step = self.spec.out_stride
        height, width = (-(-size // step) for size in images.shape[-2:])
        if images.numel() == 0:
            return images.new_zeros((len(images), self.spec.out_channels, height, width))
        padded = pad_by_mirroring(images, *(self._whole(size) for size in images.shape[-2:]))
        logits: Tensor = self.network((padded - self.mean) / self.std)
        expected = [size // step for size in padded.shape[-2:]]
        if list(logits.shape[-2:]) != expected:
            # Some decoders stop at a coarser grid when their options make the encoder deeper or shallower.
            logits = nn.functional.interpolate(logits, size=expected, mode="bilinear")
        return logits[..., :height, :width]

    def _whole(self, size: int) -> int:
        return max(-(-size // self.stride) * self.stride, self.minimum)


def pad_by_mirroring(images: Tensor, height: int, width: int) -> Tensor:
    """Return images (B, C, H, W) grown at the bottom and the right to `height` and `width`.

    The edge is not repeated; an image smaller than its border is mirrored back and forth, and a single row repeated.
    """
    for axis, size in ((2, height), (3, width)):
        if images.shape[axis] < size:
            images = images.index_select(axis, _mirrored(images.shape[axis], size, images.device))
    return images


def _mirrored(size: int, wanted: int, device: torch.device) -> Tensor:
    period = max(2 * (size - 1), 1)
    positions = torch.arange(wanted, device=device) % period
    return torch.minimum(positions, period - positions) if size > 1 else torch.zeros_like(positions)


class _SingleValueBatchNorm(nn.BatchNorm2d):
    """Batch normalisation that in training takes its running statistics where there is one value for each channel.

    Pooling over the whole image leaves one value of each; for a batch of one image PyTorch refuses it.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training and input.numel() == input.shape[1]:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(input)


def _allow_single_values(network: nn.Module) -> None:
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            # Names and values of the weights stay what they are, so state dictionaries fit as before.
            module.__class__ = _SingleValueBatchNorm
