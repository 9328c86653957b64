"""Group images into fields, with the metadata of each field and the channel of each of its images."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.viability.matching import Roles, objects_of
from cell_pipelines.analysis.viability.rules import ViabilityRules, some_of
from cell_pipelines.annotations.schema import AnnotationSet

logger = logging.getLogger(__name__)

FACTS: Final = ("series", "condition", "dose", "time")
_TELLING_APART: Final = (*FACTS, "subject", "sequence", "frame")


@dataclass(frozen=True)
class Field:
    """The images of one field.

    Attributes:
        name: Its name; no two fields have the same.
        images: Rows of its images.
        facts: `series`, `condition`, `dose` and `time`, None where not known.
        roles: Which of `images` shows nuclei and which dead cells; None to be found from what they hold.
    """

    name: str
    images: tuple[int, ...]
    facts: Mapping[str, Any]
    roles: Roles | None = None


def group_fields(cells: AnnotationSet, facts: pd.DataFrame, rules: ViabilityRules) -> list[Field]:
    """Group images to fields, in the order of their first images, as `counting.count_viability` describes."""
    known = _facts_of(cells, facts)
    key = known["field"].where(known["field"].notna(), known["image"]).astype("str")
    parts = pd.DataFrame({"field": key, **{name: known[name] for name in _TELLING_APART}})
    number = parts.groupby(list(parts.columns), sort=False, dropna=False).ngroup().to_numpy()
    groups = [tuple(np.flatnonzero(number == group).tolist()) for group in dict.fromkeys(number.tolist())]
    names = [str(key.iloc[rows[0]]) for rows in groups]
    if len(set(names)) < len(names):
        names = [_full_name(parts.iloc[rows[0]]) for rows in groups]
    fields = [
        Field(name, rows, {fact: _or_none(known[fact].iloc[rows[0]]) for fact in FACTS})
        for name, rows in zip(names, groups, strict=True)
    ]
    return fields if rules.nuclei is None else _with_roles(fields, cells, known["channel"], rules)


def _facts_of(cells: AnnotationSet, facts: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each image of the set, with every column that matters here."""
    if "image" not in facts.columns:
        raise ValueError(f"`facts` must have the column image, it has {', '.join(map(str, facts.columns)) or 'none'}.")
    twice = facts.loc[facts["image"].duplicated(), "image"].unique().tolist()
    if twice:
        raise ValueError(f"`facts` must have one row per image, more than one have {some_of(twice)}.")
    wanted = facts.set_index("image").reindex(cells.names).reset_index(names="image")
    for name in ("field", "channel", *_TELLING_APART):
        if name not in wanted:
            wanted[name] = None
    return wanted


def _full_name(parts: pd.Series) -> str:
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in parts if not pd.isna(value)]
    return "/".join([*shown[1:], shown[0]])


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _with_roles(fields: list[Field], cells: AnnotationSet, channel: pd.Series, rules: ViabilityRules) -> list[Field]:
    """Say which image is which where channels are known, and refuse fields that lack one."""
    nuclei, dead = objects_of(cells, rules)
    pair = _channels(channel, nuclei, dead, rules)
    if pair is None:
        _check_single(fields, nuclei, dead, rules)
        return fields
    placed, problems = [], []
    for field in fields:
        shown = [channel.iloc[row] for row in field.images]
        times = [shown.count(name) for name in pair]
        if times == [1, 1]:
            roles = shown.index(pair[0]), shown.index(pair[1])
            placed.append(Field(field.name, field.images, field.facts, roles))
        else:
            problems.append(field.name)
    if problems:
        raise ValueError(
            f"each field must have one image of the channel {pair[0]} (nuclei) and one of {pair[1]} (dead cells); "
            f"{len(problems)} of {len(fields)} have not: {some_of(problems)}."
        )
    return placed


def _channels(
    channel: pd.Series, nuclei: np.ndarray[Any, Any], dead: np.ndarray[Any, Any], rules: ViabilityRules
) -> tuple[str, str] | None:
    """Return the channels of nuclei and of dead cells: those named like the categories, else by what they hold."""
    names = channel.dropna().unique().tolist()
    if len(names) < 2 or channel.isna().any():
        return None
    if rules.cells in names and rules.dead in names:
        return rules.cells, rules.dead
    held = pd.DataFrame({"nuclei": nuclei, "dead": dead}).groupby(channel.to_numpy()).sum()
    if not held["nuclei"].any() or (len(names) > 2 and not held["dead"].any()):
        return None
    first = str(held["nuclei"].idxmax())
    return first, str(held["dead"].drop(first).idxmax())


def _check_single(
    fields: list[Field], nuclei: np.ndarray[Any, Any], dead: np.ndarray[Any, Any], rules: ViabilityRules
) -> None:
    """Refuse fields of one image where it must be one of two channels."""
    single = [field for field in fields if len(field.images) == 1]
    if not single or (len(single) == len(fields) and ((nuclei > 0) & (dead > 0)).any()):
        return
    if len(single) < len(fields) or dead.any():
        lacking = f"{len(single)} of {len(fields)} fields have a single image"
        raise ValueError(
            f"each field must have an image of nuclei ({rules.cells}) and one of dead cells ({rules.dead}), "
            f"but {lacking}, without the other channel: {some_of([field.name for field in single])}."
        )
    if nuclei.any():
        logger.warning(
            "no image holds a dead cell (%s) and each field has a single image: all cells count as living, "
            "which is wrong if the images of dead cells are missing.",
            rules.dead,
        )
