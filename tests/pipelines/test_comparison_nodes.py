"""The node that compares models takes what each has left, and its page and tables say the same."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from cell_pipelines.analysis.model_comparison import model_tables
from cell_pipelines.analysis.model_comparison.model_tables import ModelTables
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.metrics import evaluated
from cell_pipelines.metrics.evaluated import COUNTS
from cell_pipelines.pipelines.reporting import comparison
from cell_pipelines.pipelines.reporting.comparison_pipeline import METRICS, create_comparison_pipeline
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.workflows.comparison import compare_tables, describe_comparison
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.resampling_units import choose_groups

FEW = EvaluationParameters(resamples=200)


def truth(groups: list[str | None]) -> AnnotationSet:
    builder = AnnotationBuilder(("cell",))
    for place, group in enumerate(groups):
        row = builder.add_image(f"a{place}.png", width=20, height=10, split="test", group=group)
        builder.add_box(row, "cell", (1, 1, 5, 5))
    return builder.build()


def tables(images: int, found: float) -> ModelTables:
    rng = np.random.default_rng(int(100 * found))
    true = np.full(images, 10.0)
    tp = rng.binomial(10, found, images).astype(float)
    known = {"true": true, "predicted": tp, "tp": tp, "fp": 0.0, "fn": true - tp}
    frame = pd.DataFrame(
        {"image": [f"a{i}.png" for i in range(images)], "category": "cell", **known}, index=range(images)
    )
    classes = pd.DataFrame([{"category": "all classes", "images": images, "objects": 10 * images, "ap50": found}])
    instances = pd.DataFrame({"category": ["all classes"], "iou": 0.5, "f1": found, "accuracy": found})
    return ModelTables(classes, frame.reindex(columns=["image", "category", *COUNTS]), instances)


def test_the_page_the_table_and_the_tests_say_the_same() -> None:
    given = {"poor": tables(40, 0.5), "good": tables(40, 0.95)}
    found = compare_tables(given, truth([None] * 40), FEW, ComparisonParameters(metrics=("f1", "count_mae", "dice")))
    assert list(found.compared.conclusions) == ["f1", "count_mae"], "no model has masks"
    assert found.compared.conclusions["f1"].startswith("F1 of boxes: good is best")
    assert found.differences["model"].tolist() == ["poor", "poor"]
    assert found.differences["significant"].all()
    assert list(found.rank_figures) == ["f1", "count_mae"]
    assert [found.interval_figure(metric) is not None for metric in ("f1", "count_mae", "dice")] == [True, True, False]
    sections = describe_comparison(found, given, reports={"good": "../good/report.html"})
    (ranks,) = (section for section in sections if section.title == "Ranks")
    shown = [item.image_or_figure for item in ranks.items]
    assert shown == list(found.rank_figures.values()), "the page shows what is saved"
    titles = [section.title for section in sections]
    inner = ["Comparison", "Figures", "Ranks", "All pairs", "Where the errors are"]
    assert titles == ["Differences between models", *inner, "Reports"]


def test_a_caution_that_holds_for_all_metrics_is_said_once() -> None:
    given = {"poor": tables(12, 0.5), "good": tables(12, 0.95)}
    found = compare_tables(given, truth([None] * 12), FEW, ComparisonParameters(metrics=("f1", "count_mae")))
    text = describe_comparison(found, given)[0].items[0].text
    assert text.count("tend to be too narrow") == 1


def test_groups_are_drawn_where_there_are_several_and_few_are_said_to_decide_nothing() -> None:
    images = [f"a{i}.png" for i in range(12)]
    pairs = truth([f"s{i // 2}" for i in range(12)])
    groups, note = choose_groups(pairs, "auto")
    assert groups == {name: f"s{i // 2}" for i, name in enumerate(images)}
    assert "12 test images belong to 6 groups" in note
    assert choose_groups(pairs, "images")[0] is None
    three = truth([f"s{i // 4}" for i in range(12)])
    groups, note = choose_groups(three, "auto")
    assert len(groups or {}) == 12
    assert "With fewer than 6 groups no test can decide" in note
    groups, note = choose_groups(truth(["s"] * 12), "auto")
    assert groups is None and "more images of this group only" in note
    for alone in (truth([None] * 12), truth(images)):
        groups, note = choose_groups(alone, "groups")
        assert groups is None and note.startswith("Intervals and tests draw 12 images, each by itself. If they come in")


def test_series_that_names_suggest_must_confirm_a_difference_and_the_page_says_so() -> None:
    names = [f"mouse{i // 4}_field{i % 4}.png" for i in range(32)]
    builder = AnnotationBuilder(("cell",))
    for name in names:
        builder.add_box(builder.add_image(name, width=20, height=10, split="test"), "cell", (1, 1, 5, 5))
    given = {"poor": tables(32, 0.5), "good": tables(32, 0.95)}
    for one in given.values():
        one.images["image"] = names
    found = compare_tables(given, builder.build(), FEW, ComparisonParameters(metrics=("f1",)))
    row = found.compared.tests.iloc[0]
    assert row["units"] == 32 and row["significant"] and row["p_series"] < 0.05 and np.isfinite(row["icc"])
    assert "over 8 series that image names suggest" in row["caution"]
    assert "also holds over 8 series that image names suggest" in describe_comparison(found, given)[0].items[0].text


def test_groups_reach_the_tests() -> None:
    given = {"poor": tables(16, 0.5), "good": tables(16, 0.95)}
    one = ComparisonParameters(metrics=("f1",))
    found = compare_tables(given, truth([f"s{i // 2}" for i in range(16)]), FEW, one)
    assert found.compared.tests["units"].tolist() == [8]
    assert "over 8 groups" in found.compared.conclusions["f1"]


def test_the_node_gives_all_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = truth([None] * 8)
    models = {"poor": tables(8, 0.5), "good": tables(8, 0.95)}
    # What is read of a model has a test of its own; here each place in the long list holds all of its model's tables.
    monkeypatch.setattr(comparison, "_tables_of", lambda one: one["evaluation_classes"])
    flat = [one for one in models.values() for _ in comparison.COMPARISON_INPUTS]
    node = comparison.compare_study(tuple(models), METRICS)
    settings = FEW, ComparisonParameters(), ReportingParameters(montages=0, title="Cells")
    outputs = node(evaluated, {}, *settings, *flat)
    (made,) = create_comparison_pipeline(("yolo", "unet")).nodes
    assert len(outputs) == len(made.outputs)
    by_name = dict(zip(made.outputs, outputs, strict=True))
    assert by_name["comparison_table"]["model"].tolist() == ["poor", "good"]
    assert by_name["comparison_report"].title == "Cells: models compared"
    assert by_name["comparison_ranks_f1_figure"].axes
    assert not by_name["comparison_ranks_instance_f1_figure"].axes, "a note that no model has masks"


def test_costs_and_training_are_taken_from_the_models_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cell_pipelines.models import model_file

    monkeypatch.setattr(model_file, "read_record", lambda path: {"training_cost": {"seconds": 7.0}})
    monkeypatch.setattr(model_file, "count_parameters", lambda path: 2_500_000)
    known = tables(3, 0.5)
    one = dict.fromkeys(comparison.COMPARISON_INPUTS, known.classes) | {"model": tmp_path / "m.pt"}
    measured = comparison._tables_of({**one, "model_costs": pd.DataFrame([{"flops_g": 4.0}])})
    assert measured.costs["flops_g"].tolist() == [4.0]
    assert measured.record == {"seconds": 7.0}
    older = comparison._tables_of({**one, "model_costs": pd.DataFrame()})
    assert older.costs["parameters_m"].tolist() == [2.5]
    assert set(older.costs) <= set(model_tables.COSTS)


def test_one_model_is_not_compared() -> None:
    assert not create_comparison_pipeline(("yolo",)).nodes


def test_the_shipped_configuration_is_valid() -> None:
    base = Path(__file__).parents[2] / "conf" / "base"
    settings = yaml.safe_load((base / "parameters_comparison.yml").read_text(encoding="utf-8"))
    assert ComparisonParameters(**settings["comparison"]) == ComparisonParameters()


def test_models_are_compared_by_every_metric_with_an_interval_of_which_more_or_less_is_better_and_by_no_other() -> None:
    rows = evaluated.METRICS.items()
    known = {name for name, metric in rows if metric.columns and metric.has_interval and metric.better != "near 0"}
    assert {"image_iou_mean", "count_mae"} < known
    assert set(ComparisonParameters(metrics=tuple(known)).metrics) == known
    for name in {*evaluated.METRICS, "accuracy"} - known:
        with pytest.raises(ValidationError, match="must be among"):
            ComparisonParameters(metrics=(name,))
