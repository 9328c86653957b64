"""A page and a figure state the level that their intervals were computed at, and no other."""

import re

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.fish.laboratory_thresholds import compute_laboratory_thresholds, flag_samples
from cell_pipelines.analysis.fish.mosaicism import measure_aneuploidy, tabulate_patterns
from cell_pipelines.pipelines.learning_curve.nodes import plot_curves, plot_histories, summarise_curve, write_report
from cell_pipelines.pipelines.learning_curve.parameters import LearningCurveParameters
from cell_pipelines.report.figures.comparison import plot_comparison
from cell_pipelines.report.figures.comparison_intervals import plot_intervals
from cell_pipelines.report.figures.fish import plot_aneuploidy, plot_patterns
from cell_pipelines.report.page.html import render_page, render_report
from cell_pipelines.report.page.tables import defined
from cell_pipelines.report.pages.comparison import comparison_sections
from cell_pipelines.report.pages.comparison_statements import Statements
from cell_pipelines.report.pages.fish import _DEFINITIONS as FISH
from cell_pipelines.report.pages.fish import fish_sections
from cell_pipelines.report.pages.new_counts import count_sections

LEVELS = [0.9, 0.95]
MODELS = pd.DataFrame({"model": ["a", "b"], "f1": [0.8, 0.7], "f1_low": [0.7, 0.6], "f1_high": [0.9, 0.8]})
STATED = re.compile(r"(\d+) %(?: interval|</th>|</dt>)")


def stated(page: str) -> set[str]:
    return set(STATED.findall(re.sub(r'src="data:[^"]*"', "", page)))


def legend(figure) -> str:
    return " ".join(text.get_text() for box in figure.legends for text in box.get_texts())


@pytest.mark.parametrize("level", LEVELS)
def test_a_comparison_states_the_level_of_its_intervals(level: float) -> None:
    none = pd.DataFrame()
    statements = Statements(["One."], "", none, none, [], level=level)
    page = render_report("a", {}, comparison_sections(MODELS, statements=statements))
    assert stated(page) == {f"{100 * level:g}"}
    assert f"{100 * level:g} % interval" in legend(plot_comparison(MODELS, level=level))
    assert f"{100 * level:g} % interval" in legend(plot_intervals(MODELS, "f1", "F1", level=level))


@pytest.mark.parametrize("level", LEVELS)
def test_a_page_of_fish_states_the_level_of_its_intervals_and_cut_offs(level: float) -> None:
    rng = np.random.default_rng(0)
    rows = [(f"s{s}", 2 - int(rng.random() < 0.05), 2) for s in range(6) for _ in range(50)]
    nuclei = pd.DataFrame(rows, columns=["subject", "red", "green"]).assign(category="whole", image="a", cluster="c")
    nuclei["pattern"] = [f"{r}:{g}" for r, g in zip(nuclei["red"], nuclei["green"], strict=True)]
    measured = measure_aneuploidy(nuclei, by=("subject",), cluster=None, chromosomes={"red": "21"}, level=level)
    thresholds = compute_laboratory_thresholds(measured, level=level)
    spots = pd.DataFrame({"image": ["a"], "kept": [True], "channel": ["red"], "reason": [""]})
    tables = {"spots": spots, "nuclei": nuclei, "patterns": tabulate_patterns(nuclei, level=level),
              "aneuploidy": flag_samples(measured, thresholds, measured, level=level), "thresholds": thresholds,
              "scores": pd.DataFrame()}  # fmt: skip
    both = tables["aneuploidy"].merge(thresholds, how="cross")
    named = both.rename(columns=lambda name: name.removesuffix("_x").removesuffix("_y"))
    assert defined(named, FISH) == FISH, "every definition is of a column"
    figures = plot_patterns(tables["patterns"]), plot_aneuploidy(tables["aneuploidy"], level=level)
    page = render_report("a", {}, fish_sections(tables, [], figures, "subject", level=level))
    assert stated(page) == {f"{100 * level:g}"}
    assert f"BETAINV({level:g}," in page


@pytest.mark.parametrize("level", LEVELS)
def test_a_learning_curve_states_the_level_of_its_intervals(level: float) -> None:
    asked = LearningCurveParameters(metrics=("ap50",), level=level)
    rows, results = [], {}
    for size in (10, 20, 50, 100, 200):
        name = f"m{size}"
        rows.append({"trial": name, "model": "yolo", "share": size / 200, "seed": 0, "images": size,
                     "status": "finished", "error": None})  # fmt: skip
        last = pd.DataFrame([{"category": "all classes", "ap50": 0.95 - 0.7 * size**-0.5}])
        results[name] = {"evaluation_classes": last, "history": pd.DataFrame({"epoch": [1], "val_ap50": [0.5]})}
    tables = summarise_curve(pd.DataFrame(rows), results, asked)
    figures = plot_curves(tables[0], tables[3], asked), plot_histories(tables[-1])
    assert stated(render_page(write_report(asked, *figures, *tables))) == {f"{100 * level:g}"}
    assert f"{100 * level:g} % interval of the curve" in legend(figures[0])


@pytest.mark.parametrize("level", LEVELS)
def test_a_page_of_counts_states_the_level_and_what_is_wrong_with_its_intervals(level: float) -> None:
    counts = pd.DataFrame({"image": ["a.png"], "total": [5], "total_low": [3.0], "total_high": [9.0], "warning": [""],
                           "error": [""], "interval_level": [level], "interval_note": ["wide: 6 cells"]})  # fmt: skip
    page = render_report("a", {}, count_sections(counts, []))
    assert stated(page) == {f"{100 * level:g}"}
    assert "Intervals of counts: wide: 6 cells." in page
    without = counts.assign(total_low=np.nan, total_high=np.nan, interval_level=np.nan, interval_note="")
    page = render_report("a", {}, count_sections(without, []))
    assert not stated(page) and "Intervals of counts" not in page
