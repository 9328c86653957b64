"""What is known of images besides their pixels: series, condition, dose, time, from file names and a table."""

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import pandas as pd

logger = logging.getLogger(__name__)

#: Columns that hold numbers; all others hold text.
NUMBERS = ("dose", "time", "frame")
_LISTED = 5


def describe_images(names: Sequence[str], *, pattern: str | None, table: pd.DataFrame, key: str) -> pd.DataFrame:
    r"""Return what is known of each image.

    Args:
        names: Image names, paths with ``/``.
        pattern: Regular expression with named groups, searched in each name; each group becomes a column.
        table: A row an image, or a row for all images with the same value of a group of the pattern; may be empty.
        key: The table's column that says which: the value of the group of that name, where the pattern has one;
            otherwise the image's name, its file name, or that without its ending.

    Returns:
        A row an image in the order of `names`: `image`, the groups of the pattern, the columns of the table. `dose`,
        `time` and `frame` are numbers, all else is text; what is not known is missing.

    Raises:
        ValueError: The pattern is none, the table lacks its key or says two things of one image, or both say
            something of the same column.

    Example:
        >>> describe_images(["s1_a.png"], pattern=r"(?P<series>s\d+)", table=pd.DataFrame(), key="image")["series"][0]
        's1'
    """
    facts = pd.DataFrame({"image": pd.Series(list(names), dtype="str")})
    for name, values in _from_names(names, pattern).items():
        facts[name] = values
    known = _to_text(table)
    if not known.empty:
        facts = _join(facts, known, key)
    return _typed(facts)


def _from_names(names: Sequence[str], pattern: str | None) -> dict[str, list[str | None]]:
    if not pattern:
        return {}
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"`pattern` must be a regular expression, got {pattern!r}: {error}.") from error
    matches = [expression.search(name) for name in names]
    missed = [name for name, match in zip(names, matches, strict=True) if match is None]
    if missed:
        logger.warning(
            "the pattern %s fits the names of %d of %d images, but not %s; nothing is known of the others.",
            pattern, len(names) - len(missed), len(names), missed[0],
        )  # fmt: skip
    return {group: [match[group] if match else None for match in matches] for group in expression.groupindex}


def _to_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table's cells as text, whole numbers without a point."""
    return table.map(_as_text)


def _as_text(value: object) -> str | None:
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _join(facts: pd.DataFrame, table: pd.DataFrame, key: str) -> pd.DataFrame:
    if key not in table.columns:
        raise ValueError(
            f"the table of image metadata must have the column {key!r} (`metadata.key`), "
            f"it has {', '.join(map(str, table.columns))}."
        )
    twice = sorted((set(facts.columns) & set(table.columns)) - {key, "image"})
    twice = [name for name in twice if not _agree(facts, table, key, name)]
    if twice:
        raise ValueError(f"file names and the table of image metadata differ in {', '.join(twice)}; leave one out.")
    rows = _unique_rows(table[table[key].notna()], key)
    keys = _keys(facts, set(rows.index), key)
    unknown = facts["image"][keys.isna()]
    if len(unknown):
        logger.warning(
            "the table of image metadata says nothing of %d of %d images, such as %s.",
            len(unknown), len(facts), unknown.iloc[0],
        )  # fmt: skip
    added = rows.drop(columns=[name for name in rows.columns if name in facts.columns])
    return pd.concat([facts, added.reindex(keys).reset_index(drop=True)], axis=1)


def _agree(facts: pd.DataFrame, table: pd.DataFrame, key: str, name: str) -> bool:
    """Say whether a column of both says the same, so that either will do."""
    if key not in facts.columns:
        return False
    said = table.dropna(subset=[key]).drop_duplicates(key).set_index(key)[name].reindex(facts[key]).to_numpy()
    own = facts[name].to_numpy()
    return all(pd.isna(a) or pd.isna(b) or a == b for a, b in zip(own, said, strict=True))


def _unique_rows(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return a row a key; rows that say the same count once."""
    rows = table.drop_duplicates()
    doubled = rows.loc[rows[key].duplicated(), key].unique()
    if len(doubled):
        shown = ", ".join(doubled[:_LISTED])
        raise ValueError(
            f"the table of image metadata must say one thing of each {key}; "
            f"{len(doubled)} have rows that differ: {shown}."
        )
    return rows.set_index(key)


def _keys(facts: pd.DataFrame, known: set[str], key: str) -> pd.Series:
    if key in facts.columns and key != "image":
        return facts[key].where(facts[key].isin(known))
    return facts["image"].map(lambda name: next((form for form in _forms(name) if form in known), None))


def _forms(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return name, path.name, path.stem, str(path.with_suffix(""))


def _typed(facts: pd.DataFrame) -> pd.DataFrame:
    typed = facts.copy()
    for name in typed.columns:
        if name not in NUMBERS:
            typed[name] = typed[name].astype("str")
            continue
        numbers = pd.to_numeric(typed[name], errors="coerce")
        wrong = typed[name][numbers.isna() & typed[name].notna()]
        if len(wrong):
            raise ValueError(
                f"`{name}` of an image must be a number, got {wrong.iloc[0]!r} for {typed['image'][wrong.index[0]]}."
            )
        typed[name] = numbers.astype("float64")
    return typed
