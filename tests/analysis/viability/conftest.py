"""Tables of fields as counting gives them, with known viability."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest


def _fields(rows: Sequence[tuple[str | None, str | None, float, int, int]]) -> pd.DataFrame:
    """Return fields of (series, condition, dose, live, total)."""
    table = pd.DataFrame(rows, columns=["series", "condition", "dose", "live", "total"])
    table = table.astype({"series": "str", "condition": "str", "dose": "float64", "live": "int64", "total": "int64"})
    return table.assign(
        field=[f"f{row}" for row in range(len(table))],
        time=np.nan,
        dead=table["total"] - table["live"],
        viability_percent=100 * table["live"] / table["total"].where(table["total"] > 0),
    )


@pytest.fixture
def make_fields() -> Callable[..., pd.DataFrame]:
    """Return what makes a table of fields."""
    return _fields
