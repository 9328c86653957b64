"""Curves as they lie in tables, and as figures take them."""

from collections.abc import Iterator

import pandas as pd

from cell_pipelines.typing import FloatArray


def precision_recall_curves(table: pd.DataFrame) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return recall and precision for each class of a table with these columns; a class without scores has none."""
    known = table.dropna(subset=["precision"])
    return {name: (rows["recall"], rows["precision"]) for name, rows in _by_category(known)}


def _by_category(table: pd.DataFrame) -> Iterator[tuple[str, dict[str, FloatArray]]]:
    for name, rows in table.groupby("category", sort=False):
        yield str(name), {str(c): rows[c].to_numpy() for c in rows.columns}
