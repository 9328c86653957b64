"""Parameters of the segmentation networks: what all of a study share, and what one of them has of its own."""

from dataclasses import asdict, field
from typing import Any

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from cell_pipelines.models.spec import NetworkChoice
from cell_pipelines.training.segmentation.settings import SegmentationSettings
from cell_pipelines.workflows.planning.recipe import PLANNED

#: Leaves a setting to the images.
AUTO = "auto"


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class SegmentationParameters(SegmentationSettings):
    """Parameters that all segmentation networks of a study share: the settings of the library, and `resume`.

    Attributes:
        resume: Go on from the last finished epoch of an interrupted training.
        planned: Dotted names of the settings that the images decide, those with the value ``auto``; here they have
            their defaults.
    """

    resume: bool = False
    planned: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _note_planned(cls, given: ArgsKwargs | dict[str, Any]) -> ArgsKwargs | dict[str, Any]:
        values = dict((given.kwargs or {}) if isinstance(given, ArgsKwargs) else given)
        if unknown := sorted(set(values.get("planned", ())) - set(PLANNED)):
            raise ValueError(f"`planned` must be of {', '.join(PLANNED)}; got {', '.join(unknown)}")
        planned = [name for name in PLANNED if _get(values, name) == AUTO or name in values.get("planned", ())]
        for name in planned:
            values = _without(values, name)
        values["planned"] = tuple(planned)
        return ArgsKwargs(given.args, values) if isinstance(given, ArgsKwargs) else values


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
        base = asdict(shared)
        for name in base.pop("planned"):
            *groups, last = name.split(".")
            (base[groups[0]] if groups else base)[last] = AUTO
        return SegmentationParameters(**_merge(base, self.training))


def _get(values: Any, name: str) -> Any:
    for word in name.split("."):
        values = values.get(word) if isinstance(values, dict) else None
    return values


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    first, _, rest = name.partition(".")
    others = {key: value for key, value in values.items() if key != first}
    return {**others, first: _without(values[first], rest)} if rest and isinstance(values.get(first), dict) else others


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes`; another name of a registry's entry brings its own options."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "options"
        is_renamed = nested and "options" in base[key] and value.get("name", base[key]["name"]) != base[key]["name"]
        merged[key] = _merge(base[key], value) if nested and not is_renamed else value
    return merged
