"""The c-ResUNet: a small residual U-Net that first learns its own grey scale (Morelli, Clissa et al. 2021)."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class CResUNet(nn.Module):
    """A fully convolutional residual U-Net behind a learned grey scale.

    As in "Automating cell counting in fluorescent microscopy through deep learning with c-ResUNet", section 4.4 and
    figure 5, and in the authors' published code. A 1x1 convolution turns the colours into one channel. Two convolutions
    of pre-activated features (batch normalisation, ELU, convolution) open the network; residual blocks with a 1x1
    shortcut follow each max pooling; two residual blocks with 5x5 filters are the bottleneck. Each stage of the decoder
    brings features up by a transposed convolution, joins them with the skip connection, and adds what two convolutions
    make of both. With the defaults, three colours and one channel of logits it has 1,707,287 parameters.

    Batch normalisation keeps PyTorch's momentum: with the one of the authors' framework, a tenth of that, running
    statistics lag behind in short trainings.

    Args:
        in_channels: Channels of an image. The grey scale starts as their mean, so of one channel as that channel.
        out_channels: Channels of the logits.
        width: Features of the first stage; each further one has twice as many.
        depth: How often the size is halved.
        bottleneck_size: Side of the bottleneck's filters, odd.
        out_stride: Every so many-th row and column of the image has logits, a power of two; the decoder ends there.

    Raises:
        ValueError: `width` or `depth` is less than 1, `bottleneck_size` is even, or the network is never as coarse as
            `out_stride`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 16,
        depth: int = 3,
        bottleneck_size: int = 5,
        out_stride: int = 1,
    ) -> None:
        super().__init__()
        if width < 1 or depth < 1:
            raise ValueError(f"`width` and `depth` must be 1 or more, got {width} and {depth}.")
        if bottleneck_size < 1 or bottleneck_size % 2 == 0:
            raise ValueError(f"`bottleneck_size` must be odd, got {bottleneck_size}.")
        finest = out_stride.bit_length() - 1
        if finest > depth:
            raise ValueError(f"`depth` {depth} makes the network no coarser than {2**depth}, got stride {out_stride}.")
        widths = [width * 2**stage for stage in range(depth + 1)]
        self.stride = 2**depth
        self.colour = nn.Conv2d(in_channels, 1, kernel_size=1)
        self.encoder = nn.ModuleList([_convolutions(1, width)])
        self.encoder.extend(ResidualBlock(fine, wide) for fine, wide in pairwise(widths[:-1]))
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = nn.Sequential(
            ResidualBlock(widths[-2], widths[-1], size=bottleneck_size),
            ResidualBlock(widths[-1], widths[-1], size=bottleneck_size),
        )
        self.decoder = nn.ModuleList(UpBlock(wide, fine) for wide, fine in pairwise(reversed(widths[finest:])))
        self.head = nn.Conv2d(widths[finest], out_channels, kernel_size=1)
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of images (B, in_channels, H, W); sizes are multiples of `stride`.

        Their shape is (B, out_channels, H / out_stride, W / out_stride).
        """
        features = self.colour(images)
        skips = []
        for stage in self.encoder:
            skips.append(stage(features))
            features = self.pool(skips[-1])
        features = self.bottleneck(features)
        for stage, skip in zip(self.decoder, reversed(skips), strict=False):
            features = stage(features, skip)
        logits: Tensor = self.head(features)
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(_bias(module))
        # Where all depends on one channel, an unlucky draw could cancel the colours out.
        nn.init.constant_(self.colour.weight, 1 / self.colour.in_channels)
        # Logits near 0 at the start, whatever the features' size.
        nn.init.xavier_uniform_(self.head.weight)


class ResidualBlock(nn.Module):
    """Two pre-activated convolutions beside a shortcut: 1x1 where the number of features changes, else the input."""

    def __init__(self, in_channels: int, out_channels: int, *, size: int = 3) -> None:
        super().__init__()
        self.path = _convolutions(in_channels, out_channels, size)
        is_same = in_channels == out_channels
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(in_channels, out_channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same height and width."""
        return torch.add(self.path(features), self.shortcut(features))


class UpBlock(nn.Module):
    """One stage of the decoder: twice the size, joined with the skip connection."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
        self.path = _convolutions(2 * out_channels, out_channels)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """Return features of the size of `skip`."""
        raised = self.up(features)
        return torch.add(self.path(torch.cat([raised, skip], dim=1)), raised)


def _convolutions(in_channels: int, out_channels: int, size: int = 3) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers += [
            nn.BatchNorm2d(channels, eps=1e-3),
            nn.ELU(),
            nn.Conv2d(channels, out_channels, size, padding=size // 2),
        ]
    return nn.Sequential(*layers)


def _bias(module: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    if module.bias is None:
        raise TypeError("every convolution of the c-ResUNet has a bias.")
    return module.bias
