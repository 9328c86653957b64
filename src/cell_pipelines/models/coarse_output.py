"""Let networks of segmentation_models_pytorch give logits on a coarser grid, without what is finer in their decoder."""

from typing import Any

from torch import nn


def coarsen(network: Any, stride: int) -> None:
    """Let a network give logits for every `stride`-th row and column of an image only, in place.

    A decoder that goes up stage by stage (U-Net, MA-Net, LinkNet, U-Net++) loses its finest stages, whose convolutions
    cost most, and the head sits on the last one left; a head that enlarges its logits enlarges them less. Nothing is
    computed at a finer grid and then thrown away.

    Args:
        network: As segmentation_models_pytorch builds it, with attention gates or without.
        stride: A power of two.

    Raises:
        ValueError: The network has no features of this stride.
    """
    steps = stride.bit_length() - 1
    if steps == 0:
        return
    blocks = getattr(network.decoder, "blocks", None)
    if isinstance(blocks, nn.ModuleDict):
        _end_nested(network, steps)
    elif isinstance(blocks, nn.ModuleList):
        _end_early(network, steps)
    else:
        _enlarge_less(network.segmentation_head, stride)


def _end_early(network: Any, steps: int) -> None:
    """Leave out the last stages of a decoder with a list of them."""
    decoder = network.decoder
    if len(decoder.blocks) <= steps:
        raise ValueError(f"its decoder has {len(decoder.blocks)} stages, too few to end {steps} earlier")
    decoder.blocks = decoder.blocks[:-steps]
    if hasattr(decoder, "gates"):
        decoder.gates = decoder.gates[: len(decoder.blocks)]
    last = decoder.blocks[-1]
    # LinkNet's stages are one sequence each, the others' end with their second convolution.
    convolution = last.block[-1][0] if hasattr(last, "block") else last.conv2[0]
    _replace_head(network, convolution.out_channels)


def _end_nested(network: Any, steps: int) -> None:
    """Leave out the last stage of U-Net++, which has no skip connections of its own."""
    decoder = network.decoder
    if steps > 1 or decoder.depth < 1:
        raise ValueError("a nested decoder can end one stage earlier only, at stride 2")
    decoder.blocks[f"x_0_{decoder.depth}"] = nn.Identity()
    _replace_head(network, decoder.out_channels[decoder.depth - 1])


def _replace_head(network: Any, channels: int) -> None:
    from segmentation_models_pytorch.base.initialization import initialize_head

    old = network.segmentation_head[0]
    network.segmentation_head[0] = nn.Conv2d(channels, old.out_channels, old.kernel_size, padding=old.padding)
    initialize_head(network.segmentation_head)


def _enlarge_less(head: Any, stride: int) -> None:
    """Divide the factor by which a head enlarges its logits."""
    layers: list[Any] = [layer for layer in head.children() if isinstance(layer, nn.Upsample)]
    factor = float(layers[0].scale_factor if layers else getattr(head, "upsampling_factor", 1.0))
    if factor % stride:
        raise ValueError(f"its head makes logits {factor:g} times as large, which can't be {stride} times less")
    if layers:
        layers[0].scale_factor = factor / stride
    else:
        head.upsampling_factor = factor / stride
