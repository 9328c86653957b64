"""StarDist's own network: a U-Net behind a downsampling to StarDist's grid, layer by layer as StarDist builds it."""

import torch
from torch import Tensor, nn


class StarDistUNet(nn.Module):
    """The 2D network of StarDist (Schmidt et al. 2018), in which its published weights fit.

    Convolutions and max pooling bring the image to the grid; then comes a U-Net whose features double at each stage,
    and one further convolution. Its outputs on the grid are exactly what StarDist gives; at a finer stride they are
    repeated.

    Args:
        in_channels: Channels of an image.
        out_channels: The probability's logit and the distances along the rays.
        grid: How many pixels a step of the grid is, a power of two.
        depth: How often the U-Net halves the size.
        width: Features of the first stage.
        convolutions: Convolutions at each stage.
        kernel_size: Side of their filters, odd.
        features: Features of the convolution after the U-Net; 0 leaves it out.
        out_stride: Every so many-th row and column of the image has logits, a power of two and at most `grid`.

    Raises:
        ValueError: An argument is outside its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        grid: int = 2,
        depth: int = 3,
        width: int = 32,
        convolutions: int = 2,
        kernel_size: int = 3,
        features: int = 128,
        out_stride: int = 1,
    ) -> None:
        super().__init__()
        if grid < 1 or grid & (grid - 1):
            raise ValueError(f"`grid` must be a power of two, got {grid}.")
        if not 1 <= out_stride <= grid:
            raise ValueError(f"`grid` {grid} puts the logits on a grid that is no coarser, got stride {out_stride}.")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd, got {kernel_size}.")
        if min(depth, width, convolutions) < 1 or features < 0:
            raise ValueError(
                f"`depth`, `width` and `convolutions` must be 1 or more and `features` 0 or more, "
                f"got {depth}, {width}, {convolutions} and {features}."
            )
        self.stride, self._grid, self._depth, self._kernel_size = grid * 2**depth, grid, depth, kernel_size
        self._repeats = grid // out_stride
        self.stages = nn.ModuleDict()
        channels = in_channels
        for step in range(grid.bit_length() - 1):
            channels = self._add(f"grid_{step}", channels, [width] * convolutions)
        for level in range(depth):
            channels = self._add(f"down_{level}", channels, [width * 2**level] * convolutions)
        widest = width * 2**depth
        channels = self._add("middle", channels, [*[widest] * (convolutions - 1), widest // 2])
        for level in reversed(range(depth)):
            wide = width * 2**level
            last = width * 2 ** max(0, level - 1)
            channels = self._add(f"up_{level}", channels + wide, [*[wide] * (convolutions - 1), last])
        if features:
            channels = self._add("features", channels, [features])
        self.head = nn.Conv2d(channels, out_channels, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of images (B, in_channels, H, W); sizes are multiples of `stride`.

        Their shape is (B, out_channels, H / out_stride, W / out_stride).
        """
        features = images
        for step in range(self._grid.bit_length() - 1):
            features = nn.functional.max_pool2d(self.stages[f"grid_{step}"](features), 2)
        skips = []
        for level in range(self._depth):
            skips.append(self.stages[f"down_{level}"](features))
            features = nn.functional.max_pool2d(skips[-1], 2)
        features = self.stages["middle"](features)
        for level in reversed(range(self._depth)):
            raised = nn.functional.interpolate(features, scale_factor=2, mode="nearest")
            features = self.stages[f"up_{level}"](torch.cat([raised, skips[level]], dim=1))
        if "features" in self.stages:
            features = self.stages["features"](features)
        logits: Tensor = self.head(features)
        if self._repeats == 1:
            return logits
        return nn.functional.interpolate(logits, scale_factor=self._repeats, mode="nearest")

    def _add(self, name: str, channels: int, widths: list[int]) -> int:
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Conv2d(channels, width, self._kernel_size, padding=self._kernel_size // 2), nn.ReLU()]
            channels = width
        self.stages[name] = nn.Sequential(*layers)
        return channels
