"""Intervals of counts go from validation into the model file, and from there to test and new images."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.count_intervals import calibrate_intervals, intervals_to_record
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.models import model_file
from cell_pipelines.pipelines.evaluation.count_intervals import check_intervals, log_coverage
from cell_pipelines.pipelines.threshold_optimisation.count_interval import _is_by_group
from cell_pipelines.pipelines.threshold_optimisation.count_interval import calibrate_intervals as calibrate_counts
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows.count_intervals import interval_columns
from cell_pipelines.workflows.parameters.count_intervals import CountIntervalParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.trained_model import TrainedModel

CHECKPOINT = Path("yolo.pt")


def _images(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    true = rng.poisson(30, count)
    names = [f"i{number}" for number in range(count)]
    predicted = rng.binomial(true, 0.9)
    return pd.DataFrame({"image": names, "category": "cell", "true": true, "predicted": predicted, "group": None})


def _record(images: int) -> dict:
    return {"count_interval": intervals_to_record(calibrate_intervals(_images(images, 0)), split="val", level=0.9)}


def _new(record: dict, *, own_thresholds: bool = True) -> pd.DataFrame:
    model = TrainedModel(CHECKPOINT, "yolo", ("cell",), Thresholds({"cell": Threshold()}), record)
    return interval_columns(np.array([[0], [40]]), {"cell": "cell"}, model, own_thresholds=own_thresholds)


def test_new_counts_get_the_interval_of_the_model_file() -> None:
    table = _new(_record(30))
    assert list(table) == ["cell_low", "cell_high", "total_low", "total_high", "interval_level", "interval_note"]
    assert table["cell_low"][0] == 0 and table["cell_low"][1] <= 40 <= table["cell_high"][1]
    assert table["interval_level"].tolist() == [0.9, 0.9] and (table["interval_note"] == "").all()


@pytest.mark.parametrize(
    ("record", "own", "note"),
    [({}, True, "holds no intervals"), (_record(30), False, "another was given"), (_record(4), True, "too few")],
)
def test_without_a_finite_interval_it_is_said_why(
    record: dict, own: bool, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        table = _new(record, own_thresholds=own)
    assert table["interval_note"].str.contains(note).all() and note in caplog.text
    assert not np.isfinite(table["cell_high"]).any()


def test_the_test_images_tell_how_often_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "read_record", lambda path: _record(50))
    table, coverage = check_intervals(_images(80, 1), CHECKPOINT, EvaluationParameters())
    assert len(table) == 160 and coverage["category"].tolist() == ["cell", "all classes"]
    logged = log_coverage(coverage, EvaluationParameters())
    assert set(logged) == {"test_count_interval_coverage", "test_count_interval_width"}
    assert logged["test_count_interval_coverage"]["value"] == coverage["coverage"].iloc[-1] > 0.75
    same = check_intervals(_images(80, 1), CHECKPOINT, EvaluationParameters(split="val"))[1]
    assert same["note"].str.contains("very images").all()


def test_an_older_model_has_no_coverage_and_logs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "read_record", lambda path: {})
    table, coverage = check_intervals(_images(8, 1), CHECKPOINT, EvaluationParameters())
    assert table["low"].isna().all() and coverage["note"].str.contains("no interval").all()
    assert log_coverage(coverage, EvaluationParameters()) == {}


def test_groups_count_where_there_are_enough_and_images_with_a_warning_where_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    auto, images = CountIntervalParameters(), CountIntervalParameters(exchangeable="images")
    many, few = [f"g{n % 9}" for n in range(30)], [f"g{n % 3}" for n in range(30)]
    assert _is_by_group(many, auto) and not _is_by_group(many, images)
    assert not _is_by_group([f"g{n}" for n in range(30)], auto) and not caplog.text
    assert not _is_by_group(few, auto) and "30 images of 3 groups" in caplog.text
    assert _is_by_group(few, CountIntervalParameters(exchangeable="groups"))


def test_wide_intervals_of_new_counts_say_so_beside_them(caplog: pytest.LogCaptureFixture) -> None:
    images = _images(12, 0)
    images.loc[3, "predicted"] += 40
    record = {"count_interval": intervals_to_record(calibrate_intervals(images), split="val", level=0.9)}
    with caplog.at_level(logging.WARNING):
        table = _new(record)
    assert table["interval_note"].str.contains("largest error of 12 calibration images; with 19 or more").all()
    assert "19 or more" in caplog.text


def test_the_note_of_new_counts_names_the_images_that_intervals_were_calibrated_on() -> None:
    record = _record(30)
    record["count_interval"]["calibrated_on"] = "two laboratories"
    table = _new(record)
    assert table["interval_note"].str.contains("validation images of two laboratories, not on yours").all()
    assert np.isfinite(table["total_high"]).all()
    assert (_new(record, own_thresholds=False)["interval_note"].str.contains("another was given")).all()


def test_the_model_file_is_told_what_its_validation_images_are() -> None:
    builder = AnnotationBuilder(["cell"])
    for number in range(12):
        image = builder.add_image(f"{number}.png", width=40, height=30, split="val")
        builder.add_object(image, "cell", "box", [3, 4, 9, 10], score=0.9)
    cells = builder.build()
    record = calibrate_counts(cells, cells, {"cell": 0.5}, CountIntervalParameters(calibrated_on="plates of May"))
    assert record["calibrated_on"] == "plates of May" and record["classes"]["cell"]["images"] == 12
