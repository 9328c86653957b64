"""The sections about a study's data."""

import pandas as pd

from cell_pipelines.report.page.parts import Table
from cell_pipelines.report.pages.data import plan_sections


def test_a_plan_has_a_row_per_decision_with_the_numbers_behind_its_reason() -> None:
    plan = pd.DataFrame({"what": ["Tile", "Epochs"], "value": ["160 px", "3"], "why": ["Eight cells fit.", "Few."],
                         "numbers": ["median 20 px", None], "parameter": ["a", "b"]})  # fmt: skip
    (section,) = plan_sections(plan)
    (table,) = (item for item in section.items if isinstance(item, Table))
    assert table.frame.to_numpy().tolist() == [
        ["Tile: 160 px", "Eight cells fit. (median 20 px)"],
        ["Epochs: 3", "Few."],
    ]
    assert plan_sections(plan.head(0)) == []
