"""Names of metrics and parameters that MLflow takes, one for each, whatever classes and channels are called."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

# MLflow's limit is 250.
_LONGEST, _LONGEST_TAIL = 200, 150
_NOT_ALLOWED = re.compile(r"[^\w\-. /]" if os.name == "nt" else r"[^\w\-. /:]")


def to_tracking_names(names: Iterable[str]) -> dict[str, str]:
    """Return for each name one that MLflow takes; no two are the same, also where capitals don't count.

    A name that MLflow takes stays as it is. Of others only what is not allowed becomes ``_``, with some digits where
    two would be the same or one would be too long; so ``CD4+`` is ``CD4_`` alone, and ``CD4__5f0e11`` beside ``CD4*``.
    What follows the first ``/``, such as a class, has one name for all that precedes it.

    Args:
        names: Any texts; ``/`` makes groups of them in MLflow's pages.
    """
    parts = {name: name.partition("/") for name in names}
    tails = _to_unique([tail for _, slash, tail in parts.values() if slash], _LONGEST_TAIL)
    joined = {name: head + slash + (tails[tail] if slash else "") for name, (head, slash, tail) in parts.items()}
    unique = _to_unique(joined.values(), _LONGEST)
    return {name: unique[one] for name, one in joined.items()}


def _to_unique(names: Iterable[str], longest: int) -> dict[str, str]:
    wanted = list(dict.fromkeys(names))
    plain = {name: _replace(name, longest) for name in wanted}
    times = Counter(word.casefold() for word in plain.values())
    taken = {name.casefold() for name in wanted if plain[name] == name}
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in wanted:
        word = plain[name]
        is_first = word == name and word.casefold() not in used
        if not is_first and (times[word.casefold()] > 1 or word.casefold() in taken):
            word = _with_digits(word, name, longest)
        used.add(word.casefold())
        found[name] = word
    return found


def _replace(name: str, longest: int) -> str:
    word = _NOT_ALLOWED.sub("_", name)
    # An empty part, `.` and `..` would be another place.
    word = "/".join(part if part.strip(". ") else "_" * max(1, len(part)) for part in word.split("/"))
    return word if len(word) <= longest else _with_digits(word, name, longest)


def _with_digits(word: str, name: str, longest: int) -> str:
    return f"{word[: longest - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def to_plain(value: Any) -> Any:
    """Turn validated parameters back into plain containers."""
    if isinstance(value, BaseModel) or is_dataclass(value):
        return TypeAdapter(type(value)).dump_python(value, mode="json")
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value
