"""Intervals of counts are made of evaluated images and checked on others."""

import json

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.count_intervals import (
    COVERAGE_COLUMNS,
    INTERVAL_COLUMNS,
    calibrate_intervals,
    coverage_of,
    intervals_from_record,
    intervals_of,
    intervals_to_record,
    width_note,
)
from cell_pipelines.report.figures.count_intervals import count_interval_sections, plot_count_intervals
from cell_pipelines.report.page.html import render_report


def _counts(images: int, seed: int, groups: int | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(images):
        for name in ("red", "blue"):
            true = int(rng.poisson(20))
            counts = {"true": true, "predicted": int(rng.binomial(true, 0.9))}
            group = None if groups is None else f"g{number % groups}"
            rows.append({"image": f"i{number}", "category": name, **counts, "group": group})
    return pd.DataFrame(rows)


def test_every_class_and_all_together_have_an_interval_that_a_record_keeps() -> None:
    found = calibrate_intervals(_counts(40, 0))
    assert list(found) == ["red", "blue", "all classes"]
    assert {one.images for one in found.values()} == {40}
    record = json.loads(json.dumps(intervals_to_record(found, level=0.9)))
    assert intervals_from_record(record) == found


def test_the_table_says_of_each_image_whether_its_count_was_held() -> None:
    intervals = calibrate_intervals(_counts(40, 0))
    table = intervals_of(_counts(60, 1), intervals)
    assert table.dtypes.astype(str).to_dict() == INTERVAL_COLUMNS
    assert (table["covered"] == ((table["low"] <= table["true"]) & (table["true"] <= table["high"]))).all()
    total = table[table["category"] == "all classes"].set_index("image")["true"]
    assert (total == table[table["category"] != "all classes"].groupby("image")["true"].sum().loc[total.index]).all()
    coverage = coverage_of(table, intervals).set_index("category")
    assert coverage.loc["red", "covered"] == table.loc[table["category"] == "red", "covered"].sum()
    assert (coverage["coverage_low"] < coverage["coverage"]).all() and (coverage["note"] == "").all()
    assert "very images" in coverage_of(table, intervals, same_images=True)["note"].iloc[0]


def test_groups_are_what_counts_where_images_of_one_are_alike() -> None:
    found = calibrate_intervals(_counts(40, 0, groups=12), by_group=True)["red"]
    assert (found.images, found.groups) == (40, 12)
    assert calibrate_intervals(_counts(40, 0), by_group=True)["red"].groups == 40


def test_too_few_images_or_no_record_are_said() -> None:
    images = _counts(20, 1)
    for intervals, note in (
        (calibrate_intervals(_counts(4, 0)), "4 calibration images are too few"),
        ({}, "no interval"),
    ):
        table = intervals_of(images, intervals)
        coverage = coverage_of(table, intervals)
        assert table["covered"].isna().all() and coverage["coverage"].isna().all()
        assert coverage["note"].str.contains(note).all()
        assert note in render_report("page", {}, count_interval_sections(table, coverage, plot_count_intervals(table)))


def test_without_images_there_are_empty_tables_and_no_section() -> None:
    empty = _counts(0, 0).reindex(columns=["image", "category", "true", "predicted", "group"])
    assert calibrate_intervals(empty) == {}
    table = intervals_of(empty, {})
    coverage = coverage_of(table, {})
    assert (list(table), list(coverage)) == (list(INTERVAL_COLUMNS), list(COVERAGE_COLUMNS))
    assert count_interval_sections(table, coverage, plot_count_intervals(table)) == []
    assert plot_count_intervals(table).texts


def test_the_figure_has_a_panel_a_class_and_says_how_many_held() -> None:
    intervals = calibrate_intervals(_counts(40, 0))
    table = intervals_of(_counts(300, 1), intervals)
    figure = plot_count_intervals(table)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == 3 and all("of 300 held, 120 shown" in title for title in titles)


def test_intervals_that_leave_nothing_of_a_count_say_how_many_images_would_narrow_them() -> None:
    rng = np.random.default_rng(3)
    true = rng.poisson(32, 15)
    predicted = np.maximum(true + np.where(np.arange(15) == 4, 18, rng.integers(-3, 4, 15)), 0)
    names = [f"i{number}" for number in range(15)]
    counts = pd.DataFrame({"image": names, "category": "cell", "true": true, "predicted": predicted, "group": None})
    intervals = calibrate_intervals(counts)
    table = intervals_of(_counts(60, 1).assign(category="cell"), intervals)
    coverage = coverage_of(table, intervals)
    row = coverage.iloc[0]
    assert row["images_to_narrow"] == 19 and row["mean_width_with_many"] < row["mean_width"] / 2
    assert "set by the largest error of 15 calibration images; with 19 or more it is left out" in row["note"]
    assert "19 or more" in render_report(
        "page", {}, count_interval_sections(table, coverage, plot_count_intervals(table))
    )
    more = pd.concat([counts.assign(image=lambda rows, copy=copy: rows["image"] + str(copy)) for copy in range(4)])
    assert "hardly narrow" in width_note(calibrate_intervals(more, level=0.95)["cell"], np.array([20.0]))
    assert width_note(intervals["cell"], np.array([0.0])) == "" == width_note(None, np.array([5.0]))


def test_a_record_of_an_older_file_is_read_without_what_it_lacks() -> None:
    found = calibrate_intervals(_counts(40, 0))
    record = intervals_to_record(found)
    for one in record["classes"].values():
        for key in ("below_many", "above_many", "symmetric"):
            del one[key]
    assert intervals_from_record(record)["red"].ends([20.0])[1] == found["red"].ends([20.0])[1]
    assert np.isnan(intervals_from_record(record)["red"].width_with_many([20.0])).all()
