"""Additive attention gates on the skip connections of U-Net and LinkNet, over any encoder (Oktay et al. 2018)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class AttentionGate(nn.Module):
    """Weigh the features of a skip connection by where the decoder's coarser features see something.

    "Attention U-Net: Learning where to look for the pancreas", equation 1 and figure 2: skip x and gate g go through
    1x1 convolutions and are added; after ReLU, a 1x1 convolution and a sigmoid give one weight for each place of the
    coarser grid, which is resampled to the grid of x and multiplied with it.

    Args:
        skip_channels: Channels of the skip connection.
        gate_channels: Channels of the decoder's features.
    """

    def __init__(self, skip_channels: int, gate_channels: int) -> None:
        super().__init__()
        inner = max(skip_channels // 2, 1)
        # One bias is enough for a sum.
        self.skip = nn.Conv2d(skip_channels, inner, kernel_size=1, bias=False)
        self.gate = nn.Conv2d(gate_channels, inner, kernel_size=1)
        self.weigh = nn.Conv2d(inner, 1, kernel_size=1)
        for layer in (self.skip, self.gate, self.weigh):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(torch.as_tensor(self.gate.bias))
        # An untrained gate is nearly open, as in the paper, so that the encoder learns from the first step on.
        nn.init.normal_(self.weigh.weight, std=0.01)
        nn.init.constant_(torch.as_tensor(self.weigh.bias), 2.0)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return `skip` (B, skip_channels, H, W) weighed by `gate` (B, gate_channels, h, w), same shape."""
        coarse = nn.functional.interpolate(skip, size=gate.shape[-2:], mode="bilinear")
        weights = torch.sigmoid(self.weigh(torch.relu(self.skip(coarse) + self.gate(gate))))
        return skip * nn.functional.interpolate(weights, size=skip.shape[-2:], mode="bilinear")


class GatedDecoder(nn.Module):
    """SMP's decoder of U-Net or LinkNet with a gate on every skip connection.

    Args:
        decoder: Its blocks are used as they are.
        skip_channels: Channels of the skip connections, from the coarsest; 0 for one that an encoder doesn't have.
        gate_channels: Channels of the decoder's features that each is gated by.
    """

    def __init__(self, decoder: nn.Module, skip_channels: Sequence[int], gate_channels: Sequence[int]) -> None:
        super().__init__()
        self.center = getattr(decoder, "center", nn.Identity())
        self.blocks = decoder.blocks
        self.is_concatenating = hasattr(decoder, "center")
        self.gates = nn.ModuleList(
            AttentionGate(skip, gate) if skip else nn.Identity()
            for skip, gate in zip(skip_channels, gate_channels, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return the finest features of the decoder.

        Args:
            features: Those of the encoder, from the image itself to the coarsest.
        """
        finer = list(reversed(features[:-1]))
        current: Tensor = self.center(features[-1])
        for index, block in enumerate(self._blocks):
            # The image itself is no skip connection.
            skip = self._gated(index, finer[index], current) if index < len(self.gates) else None
            current = self._run(block, current, finer[index], skip)
        return current

    @property
    def _blocks(self) -> nn.ModuleList:
        blocks = self.blocks
        if not isinstance(blocks, nn.ModuleList):
            raise TypeError(f"`decoder` must have a list of blocks, got {type(blocks).__name__}.")
        return blocks

    def _gated(self, index: int, skip: Tensor, gate: Tensor) -> Tensor:
        layer = self.gates[index]
        gated: Tensor = layer(skip, gate) if isinstance(layer, AttentionGate) else skip
        return gated

    def _run(self, block: nn.Module, current: Tensor, finer: Tensor, skip: Tensor | None) -> Tensor:
        if self.is_concatenating:
            raised: Tensor = block(current, *finer.shape[-2:], skip_connection=skip)
            return raised
        added: Tensor = block(current, skip)
        return added


def add_gates(network: Any) -> Any:
    """Return SMP's U-Net or LinkNet (which is changed) with an attention gate on every skip connection."""
    channels = list(network.encoder.out_channels)[1:][::-1]
    decoder = network.decoder
    if hasattr(decoder, "center"):
        widths = [block.conv2[0].out_channels for block in decoder.blocks]
        gate_channels = [channels[0], *widths[: len(channels) - 2]]
    else:
        # LinkNet adds, so its features have as many channels as the skip connection before.
        gate_channels = [block.block[0][0].in_channels for block in decoder.blocks][: len(channels) - 1]
    network.decoder = GatedDecoder(decoder, channels[1:], gate_channels)
    return network
