"""Count living cells of a field: dead cells are matched to nuclei, or living and dead cells are classes of their own.

**Two channels** (`ViabilityRules.nuclei`): one image shows all nuclei, another the dead cells; or one image shows
both. Dead cells are matched to nuclei one to one. A dead cell whose nucleus was not found is a cell all the same:

* dead = matched + unmatched dead cells, total = nuclei + unmatched dead cells, live = nuclei - matched;
* `ratio_viability_percent` = 100 (1 - dead cells seen / nuclei) is the formula of the assay without matching. Where
  nuclei were missed it is lower, and it can be negative.

**Two classes** (`ViabilityRules.living`): live and dead are the counts of the classes.

Viability is live / total; its interval is Wilson's, for the cells of this field alone.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.object_centroids import object_centroids
from cell_pipelines.analysis.viability.grouping import group_fields
from cell_pipelines.analysis.viability.matching import (
    MatchedDead,
    Roles,
    find_roles,
    match_dead,
    name_each,
)
from cell_pipelines.analysis.viability.rules import ViabilityRules
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import concatenate, iterate_images
from cell_pipelines.metrics.intervals import wilson_interval

CELL_COLUMNS: Final = {
    "image": "str", "field": "str", "object": "int64", "category": "str", "x": "float64", "y": "float64",
    "score": "float64", "status": "str", "nucleus_object": "Int64", "distance_px": "float64",
}  # fmt: skip
FIELD_COLUMNS: Final = {
    "field": "str", "images": "str", "series": "str", "condition": "str", "dose": "float64", "time": "float64",
    "nuclei": "Int64", "dead_seen": "Int64", "matched": "Int64", "unmatched_dead": "Int64",
    "live": "int64", "dead": "int64", "total": "int64",
    "viability_percent": "float64", "viability_low_percent": "float64", "viability_high_percent": "float64",
    "mean_distance_px": "float64", "max_distance_px": "float64", "ratio_viability_percent": "float64",
    "not_counted": "int64",
}  # fmt: skip
_NOT_COUNTED: Final = ("other_category", "other_channel", "crowd")

Texts = npt.NDArray[Any]


def count_viability(
    cells: AnnotationSet, facts: pd.DataFrame, rules: ViabilityRules
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of every field.

    Args:
        cells: All images with their cells.
        facts: One row per image: `image`, and any of `field` (without it each image is a field), `series`, `condition`,
            `dose`, `time`, `channel`. Fields of one name but of another series, condition, dose, time, subject,
            sequence or frame are different fields, and are then named by all of these.
        rules: What is counted.

    Returns:
        One row per field, in the order of their first images, with `FIELD_COLUMNS` as in `count_field` and what is
        known of the field; and one row per object with `CELL_COLUMNS`.

    Raises:
        ValueError: A category is unknown, a fact comes twice, or fields lack a channel or cannot be matched. All
            such fields are told at once.
    """
    rules.check(cells.categories)
    fields, single = group_fields(cells, facts, rules), list(iterate_images(cells))
    rows, tables, problems = [], [], []
    for field in fields:
        own = concatenate([single[row] for row in field.images])
        try:
            numbers, table = count_field(own, rules, name=field.name, roles=field.roles)
        except ValueError as error:
            problems.append((field.name, str(error)))
            continue
        rows.append({"field": field.name, **field.facts, **numbers})
        tables.append(table)
    if problems:
        raise ValueError(name_each(problems))
    found = pd.DataFrame(rows, columns=list(FIELD_COLUMNS)).astype(FIELD_COLUMNS)
    return found, pd.concat([_no_cells(), *tables], ignore_index=True) if tables else _no_cells()


def count_field(
    cells: AnnotationSet, rules: ViabilityRules, *, name: str = "", roles: Roles | None = None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Count the cells of one field.

    Args:
        cells: The images of the field. For two classes any number, such as tiles; for matching one with both
            categories, or two of one size that show the same view.
        rules: What is counted.
        name: Name of the field for the table of cells; without one the names of its images.
        roles: Rows of the image of nuclei and of that of dead cells; without them as `matching.find_roles` finds.

    Returns:
        The numbers of the field, by the names in `FIELD_COLUMNS` (`nuclei`, `dead_seen`, `matched` and
        `unmatched_dead` are None for two classes, proportions nan without cells), where `not_counted` are objects
        that are no cells; and one row per object with `CELL_COLUMNS`:

        * `object`: row among the image's objects; `x`, `y`: centroid in px, centres of pixels at whole numbers.
        * `status`: `live` or `dead` (a nucleus, or a cell of that class), `dead_stain` (the stain of a dead nucleus,
          no further cell), `dead_without_nucleus`; not counted are `other_category`, `crowd` (a region of many
          cells) and `other_channel` (a nucleus in the image of dead cells, or the reverse). So live = `live`,
          dead = `dead` + `dead_without_nucleus`, dead seen = `dead_stain` + `dead_without_nucleus`,
          nuclei = `live` + `dead`, of the rows of these statuses.
        * `nucleus_object`, `distance_px`: of a `dead_stain`, the row of its nucleus among the objects of the image of
          nuclei, and how far it is.

    Raises:
        ValueError: A category is unknown, or the images cannot be matched.
    """
    rules.check(cells.categories)
    table = _rows(cells, name or ";".join(cells.names))
    if rules.nuclei is None:
        names = table["category"].to_numpy(dtype=object)
        status = np.where(names == rules.living, "live", np.where(names == rules.dead, "dead", "other_category"))
        status, numbers = np.where(cells.crowd, "crowd", status), _class_numbers()
    else:
        roles = find_roles(cells, rules) if roles is None else roles
        matched = match_dead(cells, table[["y", "x"]].to_numpy(), rules, roles)
        status, numbers = _status(cells, rules, matched), _channel_numbers(matched)
        found = matched.dead[matched.found]
        partner = table["object"].to_numpy()[matched.partner[matched.found]]
        table.loc[found, "nucleus_object"] = pd.array(partner, dtype="Int64")
        table.loc[found, "distance_px"] = matched.distance_px[matched.found]
    table["status"] = pd.Series(status, dtype="str")
    live, dead = (int(np.isin(status, names).sum()) for names in (["live"], ["dead", "dead_without_nucleus"]))
    counts = {"live": live, "dead": dead, "total": live + dead, "not_counted": int(np.isin(status, _NOT_COUNTED).sum())}
    return {"images": ";".join(cells.names), **numbers, **counts, **viability_of(live, live + dead)}, table


def _rows(cells: AnnotationSet, name: str) -> pd.DataFrame:
    centroids, image = object_centroids(cells), cells.image_index
    within = np.zeros(cells.n_objects, dtype=np.int64)
    for rows in cells.rows_by_image():
        within[rows] = np.arange(rows.size)
    columns = {
        "image": pd.array(np.array(cells.names, dtype=object)[image], dtype="str"),
        "field": pd.array([name] * len(image), dtype="str"),
        "object": within,
        "category": pd.array(np.array(cells.categories, dtype=object)[cells.category], dtype="str"),
        "x": centroids[:, 1],
        "y": centroids[:, 0],
        "score": cells.scores.astype(np.float64),
        "status": pd.array([""] * len(image), dtype="str"),
        "nucleus_object": pd.array([pd.NA] * len(image), dtype="Int64"),
        "distance_px": np.full(len(image), np.nan),
    }
    return pd.DataFrame(columns, columns=list(CELL_COLUMNS))


def _status(cells: AnnotationSet, rules: ViabilityRules, matched: MatchedDead) -> Texts:
    ours = [cells.categories.index(name) for name in (rules.cells, rules.dead)]
    status = np.where(np.isin(cells.category, ours), "other_channel", "other_category").astype(object)
    status[cells.crowd] = "crowd"
    status[matched.nuclei] = "live"
    status[matched.dead] = np.where(matched.found, "dead_stain", "dead_without_nucleus")
    status[matched.partner[matched.found]] = "dead"
    return status


def _channel_numbers(matched: MatchedDead) -> dict[str, Any]:
    found, nuclei, dead = int(matched.found.sum()), matched.nuclei.size, matched.dead.size
    return {
        "nuclei": nuclei,
        "dead_seen": dead,
        "matched": found,
        "unmatched_dead": dead - found,
        "mean_distance_px": float(matched.distance_px[matched.found].mean()) if found else np.nan,
        "max_distance_px": matched.max_distance_px,
        "ratio_viability_percent": 100 * (1 - dead / nuclei) if nuclei else np.nan,
    }


def _class_numbers() -> dict[str, Any]:
    counts = dict.fromkeys(("nuclei", "dead_seen", "matched", "unmatched_dead"))
    return counts | dict.fromkeys(("mean_distance_px", "max_distance_px", "ratio_viability_percent"), np.nan)


def viability_of(live: int, total: int) -> dict[str, float]:
    """Return the viability in per cent and its Wilson interval, by the names in `FIELD_COLUMNS`; nan without cells."""
    interval = wilson_interval(live, total)
    ends = {"": interval.estimate, "_low": interval.low, "_high": interval.high}
    return {f"viability{end}_percent": 100 * value for end, value in ends.items()}


def _no_cells() -> pd.DataFrame:
    return pd.DataFrame(columns=list(CELL_COLUMNS)).astype(CELL_COLUMNS)
