"""Figures of viability can be read whatever the study: many series, long names, one group, no cells."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.dose_response import plot_dose_response
from cell_pipelines.report.figures.viability import plot_viability

Check = Callable[[Figure], None]
LONG = "a condition with a very long name that nobody would want to read in $full$"


def fields_of(conditions: tuple[str | None, ...], *, series: int = 2, fields: int = 3) -> pd.DataFrame:
    rows = [
        {"field": f"{c}-{s}-{f}", "condition": c, "series": f"series {s}" if series else None, "dose": float(d),
         "live": 10 * f + 5, "dead": 9, "total": 10 * f + 14}
        for d, c in enumerate(conditions) for s in range(max(series, 1)) for f in range(fields)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["field", "condition", "series", "dose", "live", "dead", "total"])
    return table.assign(viability_percent=100 * table["live"] / table["total"])


def summary_of(fields: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, own in fields.fillna({"condition": "all"}).groupby("condition", sort=False):
        viability = 100 * own["live"].sum() / own["total"].sum()
        ends = {"low_by_field_percent": viability - 9, "high_by_field_percent": viability + 7}
        known = own["series"].nunique() > 1
        ends |= {
            f"{end}_by_series_percent": viability + side if known else np.nan
            for end, side in (("low", -20), ("high", 9))
        }
        rows.append({"condition": name, "fields": len(own), "series_count": own["series"].nunique(),
                     "total": own["total"].sum(), "viability_percent": viability, **ends})  # fmt: skip
    columns = ["condition", "fields", "series_count", "total", "viability_percent", "low_by_field_percent"]
    return pd.DataFrame(rows, columns=None if rows else columns)


class Result:
    """A curve as the analysis gives it."""

    def __init__(self, *, fitted: bool = True, note: str = "", ec50: float = 1.0) -> None:
        dose = np.append(0.0, np.geomspace(0.1, 10, 20)) if fitted else np.zeros(0)
        share = 90 / (1 + dose / ec50)
        self.curve = pd.DataFrame(
            {
                "dose": dose,
                "viability_percent": share,
                "low_percent": share * 0.9,
                "high_percent": share * 1.1,
            }
        )
        ends = [ec50, ec50 / 2, np.inf] if fitted else [np.nan] * 3
        self.parameters = pd.DataFrame([["ec50", *ends]], columns=["parameter", "estimate", "low", "high"])
        self.note = note


@pytest.mark.parametrize("series", [0, 1, 12])
@pytest.mark.parametrize(
    "conditions", [("a",), ("control", LONG, "c"), tuple(f"condition {i}" for i in range(9)), (None,)]
)
def test_any_number_of_conditions_and_series_can_be_read(
    conditions: tuple[str | None, ...], series: int, assert_readable: Check
) -> None:
    fields = fields_of(conditions, series=series)
    assert_readable(plot_viability(fields, summary_of(fields)))


def test_fields_series_and_cells_are_counted_and_every_field_is_a_point() -> None:
    fields = fields_of(("a", "b"))
    figure = plot_viability(fields, summary_of(fields))
    assert figure.get_suptitle() == "n = 12 fields, 4 series, 288 cells".replace("4 series", "2 series")
    (axes,) = figure.axes
    drawn = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() not in ("None", "|", None))
    assert drawn == 12
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(labels) == {"series 0", "series 1", "95 % interval over series", "all cells together"}
    assert axes.get_yticklabels()[0].get_text() == "a\n6 fields, 2 series, 144 cells"


def test_doses_of_a_condition_are_rows_of_their_own(assert_readable: Check) -> None:
    fields = fields_of(("a", "b"))
    figure = plot_viability(fields, summary_of(fields).assign(dose=[0.0, 1.0]))
    assert_readable(figure)
    assert figure.axes[0].get_yticklabels()[1].get_text().startswith("b, dose 1\n")


@pytest.mark.parametrize("series", [0, 3, 12])
@pytest.mark.parametrize(
    "result",
    [Result(), Result(ec50=50.0, note="EC50 (50) lies outside the tested doses (1 to 5): it is extrapolated. " * 2),
     Result(fitted=False, note="No curve was fitted: it needs 4 doses above 0 or more, got 3.")],
)  # fmt: skip
@pytest.mark.parametrize("doses", [(0.0, 0.1, 1.0, 10.0), (2.0, 3.0, 5.0), (1.0,), (0.0, 1e-4, 1e4)])
def test_any_dose_response_can_be_read(
    doses: tuple[float, ...], result: Result, series: int, assert_readable: Check
) -> None:
    fields = fields_of(("a",) * len(doses), series=series)
    moved = fields.assign(dose=fields["dose"].map(dict(enumerate(doses))))
    figure = plot_dose_response(moved, result, name=LONG, dose_label="dose, µM")
    assert_readable(figure)
    low, high = figure.axes[0].get_xlim()
    assert 0 < low < high


def test_nothing_is_drawn_as_a_sentence() -> None:
    fields = fields_of(())
    for figure in (
        plot_viability(fields, summary_of(fields)),
        plot_dose_response(fields, Result()),
    ):
        assert not figure.axes
        assert len(figure.texts) == 1
