"""Put the rows of a table of images or cells on the wells of their plates."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import pandas as pd

from cell_pipelines.analysis.plates.layout import ONLY_PLATE
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.annotations.plate_index import IndexedImage, locate_images
from cell_pipelines.annotations.plate_names import FACTS, PlatePosition, read_plate_names

#: Columns that name an image, the first that a table has.
_IMAGES: Final = ("image", "images", "field")
_SHOWN: Final = 3


def place_images(
    table: pd.DataFrame, plates: Sequence[str], rules: PlateRules, index: Sequence[IndexedImage] = ()
) -> pd.DataFrame:
    """Return a table with plate, well, site, channel, time and plane of each row.

    Args:
        table: One row per image, field or cell. A column `well` (and `plate`, `site`) is taken as it is; else the
            wells are read from the names of images.
        plates: Names of the plates of the layout; empty where there is no layout.
        rules: How names are read, and the channel and time that count.
        index: What index files say of the images, in place of their names; empty where there are none.

    Returns:
        The rows that count: of the chosen channel and time, without those that were left out or failed.

    Raises:
        ValueError: A name says of no well or of no plate, or several channels, times or planes are left of a well.
    """
    counted = _counted(table)
    if counted.empty:
        raise ValueError("the table of measurements must have a row for each image; none of its images was counted.")
    if "well" in counted:
        placed = counted.assign(**{name: counted.get(name) for name in FACTS if name not in counted})
        return placed.assign(plate=_plates_of(placed, plates))
    column = next((name for name in _IMAGES if name in counted), None)
    if column is None:
        raise ValueError(
            f"the table of measurements must have a column `image` or `well`, it has {', '.join(map(str, table))}."
        )
    names = [str(name).split(";")[0].strip() for name in counted[column]]
    entries = _look_up(names, index) if index else []
    positions = [entry.position for entry in entries] or _read(names, rules)
    facts = pd.DataFrame([{"well": one.well, **{name: getattr(one, name) for name in FACTS}} for one in positions])
    placed = pd.concat([counted.reset_index(drop=True).drop(columns=["plate"], errors="ignore"), facts], axis=1)
    known = [entry.plate for entry in entries if entry.plate in plates]
    by_index = bool(known) and len(known) == len(names)
    placed = placed.assign(
        image=names, plate=pd.Series(known if by_index else _assign_plates(names, plates), dtype="str")
    )
    return _choose(placed, rules)


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    kept = pd.Series(data=True, index=table.index)
    for name in ("error", "left_out"):
        if name in table:
            kept &= table[name].isna() | (table[name] == "")
    return table[kept].reset_index(drop=True)


def _plates_of(table: pd.DataFrame, plates: Sequence[str]) -> pd.Series:
    only = plates[0] if len(plates) == 1 else ONLY_PLATE
    if "plate" not in table:
        if len(plates) > 1:
            raise ValueError(f"the layout has {len(plates)} plates, so the measurements must have a column `plate`.")
        return pd.Series([only] * len(table), dtype="str")
    return table["plate"].astype("str")


def _read(names: Sequence[str], rules: PlateRules) -> list[PlatePosition]:
    positions = read_plate_names(names, pattern=rules.name_pattern)
    unknown = [name for name, position in zip(names, positions, strict=True) if position is None]
    if unknown:
        raise ValueError(
            f"{len(unknown)} of {len(names)} image names say of no well, or of several ({_some(unknown)}): "
            "`plates.name_pattern` says how to read them, such as (?P<well>[A-P][0-9]{2})_(?P<site>[0-9]+)."
        )
    return [position for position in positions if position is not None]


def _look_up(names: Sequence[str], index: Sequence[IndexedImage]) -> list[IndexedImage]:
    entries = locate_images(names, index)
    unknown = [name for name, entry in zip(names, entries, strict=True) if entry is None]
    if unknown:
        raise ValueError(
            f"{len(unknown)} of {len(names)} images are not in the index files, or there more than once "
            f"({_some(unknown)}); `plates.index` must name the folder that holds them."
        )
    return [entry for entry in entries if entry is not None]


def _assign_plates(names: Sequence[str], plates: Sequence[str]) -> list[str]:
    """Return the plate of each image: the only one, or the one whose name is a folder of it or begins its name."""
    if len(plates) <= 1:
        return [plates[0] if plates else ONLY_PLATE] * len(names)
    assigned, unknown = [], []
    for name in names:
        path = PurePosixPath(name)
        fitting = [plate for plate in plates if plate in path.parts[:-1]]
        fitting = fitting or [
            plate for plate in plates if path.name.startswith((f"{plate}_", f"{plate}-", f"{plate} "))
        ]
        assigned.append(max(fitting, key=len, default=""))
        unknown += [] if fitting else [name]
    if unknown:
        raise ValueError(
            f"{len(unknown)} image names say of no plate of the layout ({_some(unknown)}): expected a folder, or the "
            f"beginning of the name, that is called {_some(list(plates))}."
        )
    return assigned


def _choose(placed: pd.DataFrame, rules: PlateRules) -> pd.DataFrame:
    """Keep the chosen channel and time, and refuse a well with several of either, or with several planes."""
    for name, wanted in (("channel", rules.channel), ("time", rules.time)):
        if wanted is not None:
            known = sorted(placed[name].dropna().unique())
            if str(wanted) not in known:
                raise ValueError(f"`plates.{name}` must be one of {_some(known) or '(none is known)'}, got {wanted}.")
            placed = placed[placed[name] == str(wanted)]
    for name in ("channel", "time", "plane"):
        values = sorted(placed[name].dropna().unique())
        if len(values) > 1:
            way = "counting one of them (`plates.name_pattern` may leave it out)"
            way = f"`plates.{name}`" if name != "plane" else way
            raise ValueError(f"image names tell {len(values)} {name}s ({_some(values)}); choose one by {way}.")
    return placed.reset_index(drop=True)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
