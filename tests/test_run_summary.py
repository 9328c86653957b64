"""The last lines of a run say what its tables say, in at most eight lines."""

import pandas as pd
import pytest

from cell_pipelines.run_summary import MOST_LINES, RunSummary, describe_evaluation, next_commands


def evaluation(**columns):
    row = {
        "category": "nucleus", "images": 20, "units": 20, "f1": 0.9, "f1_low": 0.85, "f1_high": 0.93,
        "count_mae": 1.25, "count_mae_low": 1, "count_mae_high": 1.5,
    }  # fmt: skip
    return pd.DataFrame([row | columns])


def counts(**columns):
    row = {"image": "a.tif", "total": 1000, "warning": "", "error": ""}
    return pd.DataFrame([row, row | {"image": "b.tif", "total": 234} | columns])


def locate(name):
    return f"/study/{name}"


def test_an_evaluation_is_told_with_its_intervals():
    text = describe_evaluation(evaluation())
    assert text == (
        "F1 of boxes is 0.90 (0.85 to 0.93), the mean absolute count error 1.25 (1.00 to 1.50) cells per "
        "image, on 20 test images"
    )


def test_masks_go_before_boxes_and_all_classes_before_one():
    table = pd.concat([evaluation(f1=0.1), evaluation(category="all classes", instance_f1=0.7)])
    assert describe_evaluation(table).startswith("F1 of masks at IoU 0.5 is 0.70,")


def test_an_interval_over_two_images_is_left_out():
    assert "F1 of boxes is 0.90, the" in describe_evaluation(evaluation(units=2))


def test_an_evaluation_without_cells_says_so():
    empty = evaluation(f1=None, centroid_f1=None, images=1)
    assert describe_evaluation(empty) == "no F1 score can be computed on 1 test image"


def test_counts_are_summed_over_the_images_that_could_be_read():
    summary = RunSummary()
    summary.note("new_counts", counts())
    summary.note("new_report", object())
    assert summary.lines(locate) == [
        "1,234 cells in 2 images", "Report: /study/new_report", "Table: /study/new_counts",
    ]  # fmt: skip


def test_images_that_failed_and_warnings_are_told():
    summary = RunSummary()
    summary.note("new_counts", counts(total=None, error="b.tif: cut short").fillna({"warning": "dark"}))
    assert summary.lines(locate)[0] == "1,000 cells in 1 image; 1 image could not be read (column error)"
    summary.note("new_counts", counts(warning="darker"))
    assert summary.lines(locate)[0] == "1,234 cells in 2 images; 1 warning (column warning)"


def test_the_page_of_the_conversion_is_not_the_report_of_an_evaluation():
    summary = RunSummary()
    summary.note("conversion_report", "<html>")
    summary.note("yolo.evaluation_classes", evaluation())
    assert summary.lines(locate)[1:] == ["Table: /study/yolo.evaluation_classes"]


def test_a_conversion_alone_tells_of_its_objects():
    summary = RunSummary()
    summary.note("conversion_summary", pd.DataFrame({"objects_in": [22], "objects_out": [20]}))
    summary.note("conversion_report", "<html>")
    assert summary.lines(locate) == [
        "Annotations: 22 objects read, 20 converted, 2 left out and listed", "Report: /study/conversion_report",
    ]  # fmt: skip


@pytest.mark.parametrize("models", [1, 3, 4, 9])
def test_there_are_never_more_than_eight_lines(models):
    summary = RunSummary()
    for number in range(models):
        summary.note(f"model{number}.evaluation_classes", evaluation())
    summary.note("study_report", "<html>")
    lines = summary.lines(locate, ["first", "second", "third"])
    assert len(lines) <= MOST_LINES
    assert (models <= 3) == (lines[-1] == "  third")
    assert f"{models - 3} more model" in "".join(lines) if models > 3 else True


def test_a_training_alone_names_the_model_and_says_whether_it_was_tuned():
    summary = RunSummary()
    for name in ("conversion_report", "yolo.checkpoint", "unet.checkpoint", "unet.model"):
        summary.note(name, "<html>")
    assert summary.lines(locate) == [
        "YOLO: /study/yolo.checkpoint (thresholds are defaults)", "U-Net: /study/unet.model",
    ]  # fmt: skip


def test_what_was_written_is_named_where_there_is_nothing_else_to_tell():
    summary = RunSummary()
    for name in ("memory", "model", "model"):
        summary.note(name, object())
    assert summary.lines(lambda name: None if name == "memory" else "/study/model.pt") == ["Written: /study/model.pt"]


def test_a_run_that_saved_nothing_has_nothing_to_tell():
    assert RunSummary().lines(locate) == []


@pytest.mark.parametrize("given", [{"env": "bccd"}, {"pipeline_names": ["prediction"]}, {"runtime_params": {"a": 1}}])
def test_only_the_demo_ends_with_three_commands_for_own_images(given):
    assert len(next_commands({"env": None, "pipeline_names": [], "runtime_params": {}})) == 3
    assert next_commands(given) == ()
