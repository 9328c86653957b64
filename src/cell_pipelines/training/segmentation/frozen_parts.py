"""Keep parts of a trained network as they are while it is trained further."""

from typing import Any

from torch import nn


def freeze_statistics(network: nn.Module) -> None:
    """Let batch normalisation keep its means and variances, and normalise by them, also in training."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def freeze_encoder(network: nn.Module, *, frozen: bool) -> None:
    """Take the weights of the encoder out of the training, or in again.

    Raises:
        ValueError: The network has no encoder of its own.
    """
    encoder: Any = getattr(getattr(network, "network", network), "encoder", None)
    if encoder is None:
        name = getattr(network, "spec", None)
        raise ValueError(f"`frozen_encoder` must be 0 for {getattr(name, 'architecture', 'this network')}, "
                         "which has no encoder.")  # fmt: skip
    encoder.requires_grad_(not frozen)
