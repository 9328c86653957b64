"""Read the metadata of images from file names and a table: series, condition, dose, time."""

import logging
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import pandas as pd

logger = logging.getLogger(__name__)

#: Columns that hold numbers; all others hold text.
NUMBERS = ("dose", "time", "frame")
_LISTED = 5
#: Columns of `metadata_findings`.
FINDING_COLUMNS: Final = {"side": "str", "name": "str", "finding": "str"}
_IMAGE: Final = "image"


def describe_images(names: Sequence[str], *, pattern: str | None, table: pd.DataFrame, key: str) -> pd.DataFrame:
    r"""Return what is known of each image.

    Args:
        names: Image names, paths with ``/``.
        pattern: Regular expression with named groups, searched in each name; each group becomes a column.
        table: One row per image, or a row for all images with the same value of a group of the pattern; may be empty.
        key: The table's column that says which: the value of the group of that name, where the pattern has one and
            fits; otherwise the image's name, its file name, or that without its ending. A table without this column
            is read by its column `image`.

    Returns:
        One row per image in the order of `names`: `image`, the groups of the pattern, the columns of the table, which
        also fills what the pattern leaves open. `dose`, `time` and `frame` are numbers, all else is text; what is not
        known is missing.

    Raises:
        ValueError: The pattern is none, the table lacks its key or says two things of one image, or name and table
            contradict each other.

    Example:
        >>> describe_images(["s1_a.png"], pattern=r"(?P<series>s\d+)", table=pd.DataFrame(), key="image")["series"][0]
        's1'
    """
    facts = _read_names(names, pattern)
    rows = _rows(table, key)
    if rows is not None:
        facts = _join(facts, rows)
    for finding in metadata_findings(names, pattern=pattern, table=table, key=key).groupby("finding", sort=False):
        logger.warning("%s (%d: %s)", finding[0], len(finding[1]), _some(finding[1]["name"].tolist()))
    return _typed(facts)


def metadata_findings(names: Sequence[str], *, pattern: str | None, table: pd.DataFrame, key: str) -> pd.DataFrame:
    """List what finds no partner: images that the pattern does not fit, or of which the table says nothing, and rows.

    Args:
        names: As in `describe_images`, and so are the others.
        pattern: Likewise.
        table: Likewise.
        key: Likewise.

    Returns:
        `side` (`image` or `table`), `name` of the image or the key of the row, and `finding`, a sentence.
    """
    facts, rows = _read_names(names, pattern), _rows(table, key)
    found = [("image", name, "The pattern of image names does not fit this name.") for name in _missed(names, pattern)]
    if rows is not None:
        keys = _keys(facts, rows)
        unknown = facts["image"][keys.isna()]
        found += [("image", name, "The table of image metadata says nothing of this image.") for name in unknown]
        left = rows.index[~rows.index.isin(keys.dropna())]
        found += [("table", str(name), "No image belongs to this row of the image metadata.") for name in left]
    return pd.DataFrame(found, columns=list(FINDING_COLUMNS)).astype(FINDING_COLUMNS)


def _read_names(names: Sequence[str], pattern: str | None) -> pd.DataFrame:
    facts = pd.DataFrame({"image": pd.Series(list(names), dtype="str")})
    expression = _compile(pattern)
    if expression is None:
        return facts
    matches = [expression.search(name) for name in names]
    for group in expression.groupindex:
        facts[group] = pd.Series([match[group] if match else None for match in matches], dtype="object")
    return facts


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise ValueError(f"`pattern` must be a regular expression, got {pattern!r}: {error}.") from error


def _missed(names: Sequence[str], pattern: str | None) -> list[str]:
    expression = _compile(pattern)
    return [name for name in names if expression is not None and expression.search(name) is None]


def _rows(table: pd.DataFrame, key: str) -> pd.DataFrame | None:
    """Return the table's rows by their key, whose name is that of the index; None for an empty table."""
    if table.empty:
        return None
    known = _to_text(table)
    used = key if key in known.columns else _IMAGE
    if used not in known.columns:
        raise ValueError(
            f"the table of image metadata must have the column {key!r} (`metadata.key`) or {_IMAGE!r}, "
            f"it has {', '.join(map(str, known.columns))}."
        )
    return _unique_rows(known[known[used].notna()], used)


def _to_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table's cells as text, whole numbers without a point, no blanks around; None for empty ones."""
    return table.map(_as_text)


def _as_text(value: object) -> str | None:
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip() or None


def _join(facts: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of the table; where a name has said the same column, both must agree."""
    told = rows.reset_index().set_index(rows.index).reindex(_keys(facts, rows)).reset_index(drop=True)
    for name in told.columns.drop(_IMAGE, errors="ignore"):
        if name in facts.columns:
            _check_agreement(facts, told, str(name))
            facts[name] = facts[name].where(facts[name].notna(), told[name])
        else:
            facts[name] = told[name]
    return facts


def _check_agreement(facts: pd.DataFrame, told: pd.DataFrame, name: str) -> None:
    one, other = (
        pd.to_numeric(side[name], errors="coerce") if name in NUMBERS else side[name] for side in (facts, told)
    )
    differ = (one != other) & one.notna() & other.notna()
    if differ.any():
        row = int(differ.to_numpy().argmax())
        raise ValueError(
            f"file names and the table of image metadata differ in {name} of {int(differ.sum())} of {len(facts)} "
            "images: "
            f"{facts['image'].iloc[row]} has {facts[name].iloc[row]!r} by its name and {told[name].iloc[row]!r} by the "
            "table; leave one out."
        )


def _unique_rows(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return one row per key; rows that say the same count once."""
    rows = table.drop_duplicates()
    doubled = rows.loc[rows[key].duplicated(), key].unique()
    if len(doubled):
        shown = ", ".join(doubled[:_LISTED])
        raise ValueError(
            f"the table of image metadata must say one thing of each {key}; "
            f"{len(doubled)} have rows that differ: {shown}."
        )
    return rows.set_index(key)


def _keys(facts: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Return the row of each image, missing where there is none."""
    known = {_plain(name): name for name in rows.index}
    by_name = facts["image"].map(lambda name: next((known[form] for form in _forms(name) if form in known), None))
    key = rows.index.name
    if key == _IMAGE or key not in facts.columns:
        return by_name
    by_group = facts[key].map(lambda value: known.get(_plain(value)) if isinstance(value, str) else None)
    return by_group.where(by_group.notna(), by_name)


def _plain(name: str) -> str:
    """Return a name with accents composed, as file systems write them in two ways."""
    return unicodedata.normalize("NFC", name)


def _forms(name: str) -> tuple[str, ...]:
    path = PurePosixPath(_plain(name))
    return str(path), path.name, path.stem, str(path.with_suffix(""))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")


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
