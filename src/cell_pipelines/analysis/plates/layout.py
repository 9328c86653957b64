"""The layout of plates: compound, concentration and role of every well, checked."""

from collections.abc import Iterator, Sequence
from typing import Final, get_args

import pandas as pd

from cell_pipelines.analysis.plates.rules import NEGATIVE, SAMPLE, Role
from cell_pipelines.annotations.wells import PLATES, parse_well, plate_size, row_name, well_name

LAYOUT_COLUMNS: Final = {
    "plate": "str", "well": "str", "row": "int64", "column": "int64", "compound": "str", "concentration": "float64",
    "role": "str",
}  # fmt: skip
#: Name of the plate where a layout has no column of plates.
ONLY_PLATE: Final = "plate"
_SHOWN: Final = 5


def read_layout(table: pd.DataFrame, *, wells: int | None = None) -> pd.DataFrame:
    """Return a checked layout.

    Args:
        table: One row per well: `well`; any of `plate`, `compound`, `concentration` (0 or more, or empty) and `role`
            (`sample`, `control_negative`, `control_positive`, `empty`; sample where the column or the cell is empty).
            Other columns are not read.
        wells: Number of wells of the plate; None for the smallest usual plate that has them all.

    Returns:
        `LAYOUT_COLUMNS`; `row` and `column` from 0; negative controls have the concentration 0.

    Raises:
        ValueError: The table has no wells, or some are unknown, outside the plate or there twice, or a concentration
            or a role can't be read. Everything that is wrong is in the sentence.
    """
    if "well" not in table or table["well"].isna().all():
        columns = ", ".join(map(str, table.columns)) or "no columns"
        raise ValueError(f"the layout must have a column `well` with one row per well, it has {columns}.")
    rows = table[table["well"].notna()].reset_index(drop=True)
    text = {name: _text(rows, name) for name in ("plate", "well", "compound", "role")}
    concentration = pd.to_numeric(_text(rows, "concentration"), errors="coerce")
    layout = pd.DataFrame({
        "plate": text["plate"].fillna(ONLY_PLATE), "compound": text["compound"], "concentration": concentration,
        "role": text["role"].str.lower().fillna(SAMPLE),
    })  # fmt: skip
    places = [_place(name) for name in text["well"]]
    problems = list(_problems(rows, layout, places, wells))
    if problems:
        raise ValueError(f"the layout can't be used: {'; '.join(problems)}.")
    layout["row"], layout["column"] = zip(*(place for place in places if place), strict=True)
    layout["well"] = [well_name(*place) for place in places if place]
    layout.loc[(layout["role"] == NEGATIVE) & layout["concentration"].isna(), "concentration"] = 0.0
    return layout[list(LAYOUT_COLUMNS)].astype(LAYOUT_COLUMNS)


def layout_of_wells(plates: Sequence[str], wells: Sequence[str]) -> pd.DataFrame:
    """Return the layout of wells of which nothing but their place is known, such as those of an OME-Zarr plate."""
    pairs = list(dict.fromkeys(zip(plates, wells, strict=True)))
    return read_layout(pd.DataFrame(pairs, columns=["plate", "well"]))


def plate_shape(layout: pd.DataFrame, wells: int | None = None) -> tuple[int, int]:
    """Return rows and columns of the plate that a layout's wells lie on."""
    return PLATES[wells or plate_size(int(layout["row"].max()), int(layout["column"].max()))]


def _text(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        return pd.Series([None] * len(rows), dtype="str")
    values = rows[name].map(lambda value: None if value is None or value != value else _plain(value))
    return values.astype("str")


def _plain(value: object) -> str | None:
    return (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()) or None


def _place(name: str) -> tuple[int, int] | None:
    try:
        return parse_well(name)
    except ValueError:
        return None


def _problems(
    rows: pd.DataFrame, layout: pd.DataFrame, places: Sequence[tuple[int, int] | None], wells: int | None
) -> Iterator[str]:
    unknown = [str(name) for name, place in zip(rows["well"], places, strict=True) if place is None]
    if unknown:
        yield f"expected wells such as A01 or P24, got {_some(unknown)}"
    known = [place for place in places if place is not None]
    if wells is not None:
        height, width = PLATES[wells]
        outside = [well_name(*place) for place in known if place[0] >= height or place[1] >= width]
        if outside:
            yield f"a plate of {wells} wells ends at {row_name(height - 1)}{width}, got {_some(outside)}"
    names = pd.Series(["" if place is None else well_name(*place) for place in places])
    twice = names[(names != "") & pd.DataFrame({"plate": layout["plate"], "well": names}).duplicated()]
    if len(twice):
        yield f"each well of a plate must be there once, {_some(list(dict.fromkeys(twice)))} are there more often"
    roles = layout.loc[~layout["role"].isin(get_args(Role)), "role"].unique()
    if len(roles):
        yield f"`role` must be one of {', '.join(get_args(Role))}, got {_some(list(map(str, roles)))}"
    yield from _concentration_problems(rows, layout)


def _concentration_problems(rows: pd.DataFrame, layout: pd.DataFrame) -> Iterator[str]:
    given = _text(rows, "concentration")
    numbers = layout["concentration"]
    wrong = given[(given.notna() & numbers.isna()) | (numbers < 0) | (numbers == float("inf"))]
    if len(wrong):
        yield f"`concentration` must be a number, 0 or more, got {_some(list(map(str, wrong)))}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
