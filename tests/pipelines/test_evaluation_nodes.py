"""The evaluation draws whole groups of images where there are several, and the page says what was drawn."""

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.pipelines.reporting.nodes import _COUNTS, _FOUND, _MASKS, definitions_of, describe_evaluation
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.workflows.evaluation import evaluate
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

FIGURE = Embedded("data:image/png;base64,", 1, 1, is_figure=True)

BOXES = [(2, 2, 12, 12), (20, 4, 30, 14), (6, 20, 16, 30)]


def annotations(per_group: int, *, found: bool) -> AnnotationSet:
    """Return 12 images of three cells each, in groups; of the found ones some lack a cell."""
    builder = AnnotationBuilder(("cell",))
    for number in range(12):
        group = f"well {number // per_group}"
        row = builder.add_image(f"{number}.png", height=40, width=40, split="test", group=group)
        for box in BOXES[: 3 - (number % 3 if found else 0)]:
            builder.add_box(row, "cell", box, score=0.9 if found else None)
    return builder.build()


@pytest.mark.parametrize(
    ("per_group", "resample", "units", "told"),
    [
        (2, "auto", 6, "6 groups of images"), (4, "auto", 3, "3 groups of images"),
        (4, "groups", 3, "3 groups of images"),
        (2, "images", 12, "12 images"), (12, "auto", 12, "12 images"),
    ],
)  # fmt: skip
def test_intervals_draw_groups_where_there_are_several(per_group: int, resample: str, units: int, told: str) -> None:
    parameters = EvaluationParameters.model_validate({"resamples": 100, "resample": resample})
    truth, found = (annotations(per_group, found=found) for found in (False, True))
    table, images, cells, *_ = evaluate(truth, found, {"cell": 0.5}, parameters)
    assert table["units"].tolist() == [units, units]
    assert list(table)[:6] == ["category", "images", "units", "objects", "ap50", "ap50_95"]
    sections = describe_evaluation(table, images, cells, parameters, FIGURE, FIGURE, FIGURE)
    assert sections[0].items[0].definitions["…_low, …_high"].endswith(f"Drawn here: {told}.")


@pytest.mark.parametrize("rule", ["hungarian", "greedy_2021", "greedy_2021_code"])
def test_every_column_of_results_has_a_definition_and_centroids_that_of_their_rule(rule: str) -> None:
    columns = [*_FOUND, *_MASKS, *_COUNTS]
    definitions = definitions_of(columns, rule)
    assert {c for c in columns if not c.endswith(("_low", "_high"))} <= set(definitions)
    assert ("Morelli" in definitions["centroid_f1"]) == (rule != "hungarian")
    assert "1.96" in definitions["agreement_low, agreement_high"]
