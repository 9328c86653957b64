"""What a comparison says stands first on its page, and costs stand in units that people read."""

import numpy as np
import pandas as pd

from cell_pipelines.report.figures.comparison_ranks import rank_figures
from cell_pipelines.report.page.html import Picture, Table, Text, render_report
from cell_pipelines.report.pages.comparison_statements import Statements, cost_table, test_sections, verdict_section

test_sections.__test__ = False  # type: ignore[attr-defined]  # a function of the report, no test
TESTS = pd.DataFrame(
    {"metric": "f1", "first": "a", "second": ["b", "c"], "best": "a", "model": ["b", "c"], "difference": [0.1, 0.2],
     "low": [0.05, np.nan], "high": [0.15, np.nan], "p": 0.01, "p_holm": [0.0004, np.nan], "rank_biserial": 0.5,
     "significant": [True, False]}
)  # fmt: skip
RANKS = pd.DataFrame(
    {"metric": "f1", "model": ["a", "b", "c"], "average_rank": [1.0, 2.0, 3.0], "units_ranked": 9, "friedman_p": 0.01,
     "critical_difference": 1.1, "cliques": ["1", "1", ""]}
)  # fmt: skip
FIGURES = list(rank_figures(RANKS).values())


def test_sentences_and_differences_stand_together() -> None:
    said = Statements(["A is best."], "Drawn by image.", TESTS, TESTS, FIGURES)
    section = verdict_section(said)
    text, table = section.items
    assert isinstance(text, Text)
    assert text.text == "A is best.\n\nDrawn by image."
    assert isinstance(table, Table)
    assert table.frame["interval"].tolist()[0] == "0.050 to 0.150"
    assert table.frame["p, Holm"].tolist()[0] == "< 0.001"
    assert table.frame[["interval", "p, Holm"]].iloc[1].isna().all()
    page = render_report("c", {}, [section, *test_sections(said)])
    assert "A is best." in page
    assert "F1 of boxes" in page


def test_ranks_have_figures_and_many_pairs_are_only_counted() -> None:
    many = pd.concat([TESTS] * 40, ignore_index=True)
    few, long = (test_sections(Statements([], "", TESTS, tests, FIGURES)) for tests in (TESTS, many))
    assert isinstance(few[0].items[0], Picture)
    assert isinstance(few[1].items[0], Table)
    assert "rank-biserial" in few[1].items[0].frame
    (told,) = long[1].items
    assert isinstance(told, Text)
    assert told.text.startswith("All 80 tests")
    nothing = Statements([], "One model.", TESTS.iloc[:0], TESTS.iloc[:0], [])
    assert test_sections(nothing) == []
    assert len(verdict_section(nothing).items) == 1


def test_costs_are_written_as_people_read_them() -> None:
    models = pd.DataFrame(
        {"model": ["a", "b"], "parameters_m": [3.2, 11.5], "training_seconds": [3723.4, np.nan], "flops_g": np.nan,
         "latency_ms": [12.34, 20.0], "latency_low_ms": [11.0, np.nan], "latency_high_ms": [14.0, np.nan],
         "device": ["CPU", None]}
    )  # fmt: skip
    table = cost_table(models)
    assert table is not None
    assert list(table.frame.columns) == ["model", "parameters, M", "training", "latency, ms", "measured on"]
    assert table.frame["training"].fillna("none").tolist() == ["1:02:03", "none"]
    assert table.frame["latency, ms"].tolist() == ["12.3 (11.0 to 14.0)", "20.0"]
    assert cost_table(models[["model", "flops_g"]]) is None
