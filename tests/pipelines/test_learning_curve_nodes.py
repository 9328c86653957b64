"""The trials of an experiment become tables, figures, answers and a page."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cell_pipelines.pipelines.learning_curve.nodes import (
    TABLES,
    plot_curves,
    plot_histories,
    summarise_curve,
    write_report,
)
from cell_pipelines.pipelines.learning_curve.parameters import LearningCurveParameters
from cell_pipelines.report.page.html import Page, render_page

Results = Mapping[str, Mapping[str, pd.DataFrame]]
ASKED = LearningCurveParameters(metrics=("ap50", "count_mae"), targets={"ap50": 0.92})


def _experiment(shares: tuple[float, ...], seeds: int = 3, models: tuple[str, ...] = ("yolo",)) -> tuple:
    rng, rows, results = np.random.default_rng(0), [], {}
    for model in models:
        for share in shares:
            for seed in range(seeds):
                name, n = f"{model}_{share}_seed{seed}", round(200 * share)
                rows.append({"trial": name, "model": model, "share": share, "seed": seed, "images": n,
                             "status": "finished", "error": None})  # fmt: skip
                ap50 = 0.95 - 0.7 * n**-0.5 + rng.normal(0, 0.003)
                last = {"category": "all classes", "ap50": ap50, "count_mae": 1 + 20 * n**-0.6 + rng.normal(0, 0.05)}
                classes = pd.DataFrame([{**last, "category": "cell", "ap50": 0.1}, last])
                epochs = np.arange(1, 9)
                history = {"epoch": epochs, "train_loss": 1.0, "val_ap50": ap50 * epochs / 8}
                results[name] = {"evaluation_classes": classes, "history": pd.DataFrame(history)}
    return pd.DataFrame(rows), results


def page_of(tables: tuple[pd.DataFrame, ...]) -> Page:
    named = dict(zip(TABLES, tables, strict=True))
    figures = plot_curves(named["trainings"], named["points"], ASKED), plot_histories(named["histories"])
    return write_report(ASKED, *figures, *tables)


def test_six_sizes_give_a_curve_an_answer_and_a_page() -> None:
    trials, results = _experiment((0.02, 0.05, 0.1, 0.25, 0.5, 1.0))
    tables = summarise_curve(trials, results, ASKED)
    named = dict(zip(TABLES, tables, strict=True))
    assert named["sizes"]["images"].tolist() == [4, 10, 20, 50, 100, 200]
    assert named["sizes"]["trainings"].tolist() == [3] * 6
    assert named["trainings"]["ap50"].min() > 0.4  # of all classes, not of the first
    answers = named["answers"].set_index(["metric", "question"])
    assert answers["is_said"].all() and answers.loc[("ap50", "images"), "more"] == 200
    assert answers.loc[("ap50", "target"), "sentence"] in render_page(page_of(tables)).replace("&#39;", "'")
    # The three trainings on all images learned from the same ones.
    assert named["fits"].set_index("metric").loc["ap50", "degrees"] == 13
    assert len(plot_curves(named["trainings"], named["points"], ASKED).axes) == 2
    assert len(plot_histories(named["histories"]).axes) == 1
    assert "train_loss" not in named["histories"]


def test_figures_of_several_models_write_their_titles() -> None:
    tables = summarise_curve(*_experiment((0.1, 0.3, 1.0), models=("yolo", "unetpp")), ASKED)
    named = dict(zip(TABLES, tables, strict=True))
    legend = [
        text.get_text() for text in plot_curves(named["trainings"], named["points"], ASKED).legends[0].get_texts()
    ]
    assert {text.split(": ")[0] for text in legend} == {"YOLO", "U-Net++"}
    titles = [axes.get_title(loc="left") for axes in plot_histories(named["histories"]).axes]
    assert titles == ["YOLO: AP50", "U-Net++: AP50"]


def test_without_a_curve_a_page_explains_no_interval_and_no_dashes() -> None:
    page = render_page(page_of(summarise_curve(*_experiment((0.1, 1.0), seeds=1), ASKED))).split("<body")[1]
    assert "cannot be said" in page
    assert not any(text in page for text in ("interval for the curve", "dashed", "amplitude"))


def test_trials_that_failed_keep_their_row_and_their_reason() -> None:
    trials, results = _experiment((0.1, 0.3, 1.0))
    trials.loc[0, ["status", "error", "images"]] = ["failed", "out of memory", np.nan]
    gone = {name: tables for name, tables in results.items() if name not in trials["trial"].iloc[:2].tolist()}
    tables = summarise_curve(trials, gone, ASKED)
    trainings = tables[0]
    assert len(trainings) == 9 and trainings["error"].tolist()[:2] == ["out of memory", "it left no evaluation"]
    assert trainings["ap50"].isna().tolist()[:2] == [True, True]
    assert tables[1]["trainings"].tolist() == [1, 3, 3]
    assert "out of memory" in render_page(page_of(tables))


def test_two_sizes_are_answered_by_why_not() -> None:
    tables = summarise_curve(*_experiment((0.5, 1.0)), ASKED)
    answers = dict(zip(TABLES, tables, strict=True))["answers"]
    assert not answers["is_said"].any() and answers["sentence"].str.contains("at least 3 sizes").all()
    assert page_of(tables)


def test_models_have_curves_of_their_own() -> None:
    tables = summarise_curve(*_experiment((0.1, 0.3, 1.0), models=("yolo", "unet")), ASKED)
    fits = dict(zip(TABLES, tables, strict=True))["fits"]
    assert fits.groupby("model").size().to_dict() == {"unet": 2, "yolo": 2}
    assert len(plot_histories(tables[5]).axes) == 2


def test_an_experiment_without_trials_gives_empty_tables_and_a_page() -> None:
    trials = pd.DataFrame(columns=["trial", "model", "images", "status"])
    tables = summarise_curve(trials, {}, ASKED)
    assert all(table.empty for table in tables)
    assert "nothing can be said" in render_page(page_of(tables))


def test_metrics_without_a_curve_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be among"):
        LearningCurveParameters(targets={"accuracy": 0.9})
