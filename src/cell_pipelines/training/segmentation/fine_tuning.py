"""Keep parts of a trained network as they are while it is trained further."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class FineTuning:
    """Settings of a training that starts from trained weights; without such a start they do nothing.

    Attributes:
        frozen_encoder: Share of the training, from its start, in which the weights of the encoder stay as they are; 1
            for all of it. Each epoch is either with or without.
        frozen_statistics: Whether batch normalisation keeps the means and variances of the start.
    """

    frozen_encoder: float = 0.0
    frozen_statistics: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.frozen_encoder <= 1:
            raise ValueError(f"`frozen_encoder` must lie in [0, 1], got {self.frozen_encoder}.")


def freeze_statistics(network: "nn.Module") -> None:
    """Let batch normalisation keep its means and variances, and normalise by them, also in training."""
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def freeze_encoder(network: "nn.Module", *, frozen: bool) -> None:
    """Take the weights of the encoder out of the training, or in again.

    Args:
        network: As `models.registry.create_network` makes it.
        frozen: Whether they are out.

    Raises:
        ValueError: The network has no encoder of its own.
    """
    encoder: Any = getattr(network.network, "encoder", None)
    if encoder is None:
        architecture: Any = network.spec
        raise ValueError(f"`frozen_encoder` must be 0 for {architecture.architecture}, which has no encoder.")
    encoder.requires_grad_(not frozen)
