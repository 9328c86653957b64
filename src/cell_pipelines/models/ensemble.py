"""One network made of several trained ones: the scores of all are averaged before cells are decoded."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from cell_pipelines.models.activations import activate, to_logits

if TYPE_CHECKING:
    from cell_pipelines.models.spec import NetworkSpec


class Ensemble(nn.Module):
    """Average the activated outputs of networks, pixel by pixel.

    Args:
        members: Networks of `create_network` with the same channels and output stride.
        spec: What it is; its options hold ``activations``, one for each channel of the members' representation.

    It takes images as its members do and gives logits whose activation is the mean of theirs, so whatever takes a
    network's logits takes an ensemble's. Members run one after the other: time and weights are the sum of theirs, the
    memory for an image that of the largest.
    """

    def __init__(self, members: list[nn.Module], spec: "NetworkSpec") -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.spec = spec
        self.stride = math.lcm(*(int(member.stride) for member in members))  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, out_channels, H, W) of images (B, in_channels, H, W)."""
        activations = self.spec.options["activations"]
        total = activate(self.members[0](images).float(), activations)
        for member in self.members[1:]:
            total = total + activate(member(images).float(), activations)
        return to_logits(total / len(self.members), activations)


def ensemble_spec(members: list[Mapping[str, Any]], activations: list[str]) -> "NetworkSpec":
    """Return the specification of an ensemble of networks.

    Args:
        members: Fields of each one's `NetworkSpec`, which share `in_channels`, `out_channels` and `out_stride`.
        activations: Of the channels of their representation.
    """
    from cell_pipelines.models.spec import ENSEMBLE, NetworkSpec

    shared = {name: members[0][name] for name in ("in_channels", "out_channels", "out_stride")}
    options = {"activations": list(activations), "members": [dict(member) for member in members]}
    return NetworkSpec(ENSEMBLE, **shared, options=options)
