"""Parameters of the segmentation networks: what all of a study share, and what one of them has of its own."""

from dataclasses import asdict, field
from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cell_pipelines.models.spec import NetworkChoice
from cell_pipelines.training.segmentation.settings import SegmentationSettings


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class SegmentationParameters(SegmentationSettings):
    """Parameters that all segmentation networks of a study share: the settings of the library, and `resume`.

    Attributes:
        resume: Go on from the last finished epoch of an interrupted training.
    """

    resume: bool = False


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class NetworkParameters(NetworkChoice):
    """One network, and where its training differs from the study's.

    Attributes:
        encoder_weights: Pretrained weights of the encoder by name, such as ``imagenet``, or a path; None for none.
        training: What differs from the ``segmentation`` parameters, by the same names.
    """

    encoder_weights: str | None = None
    training: dict[str, Any] = field(default_factory=dict)

    def merged(self, shared: SegmentationParameters) -> SegmentationParameters:
        """Return the study's parameters with this network's own on top, checked."""
        return SegmentationParameters(**_merge(asdict(shared), self.training))


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes`; another name of a registry's entry brings its own options."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "options"
        is_renamed = nested and "options" in base[key] and value.get("name", base[key]["name"]) != base[key]["name"]
        merged[key] = _merge(base[key], value) if nested and not is_renamed else value
    return merged
