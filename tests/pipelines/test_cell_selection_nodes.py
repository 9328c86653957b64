import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines import study
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.invocation import Invocation
from cell_pipelines.pipelines.cell_selection import nodes
from cell_pipelines.pipelines.cell_selection.parameters import CellSelectionParameters
from cell_pipelines.report.page.html import render_report
from cell_pipelines.workflows.origin import Origin, findings_sections
from cell_pipelines.workflows.parameters.prediction import PredictionParameters

CALL = Invocation(Path.cwd())
NO_WARNINGS = pd.DataFrame({"image": ["a.png", "b.png"]})  # as written before there were any


def predictions():
    builder = AnnotationBuilder(("live", "dead"))
    for name, split in (("a.png", "val"), ("b.png", "test")):
        row = builder.add_image(name, width=20, height=20, split=split)
        for category, score in (("live", 0.9), ("live", 0.3), ("dead", 0.35)):
            builder.add_box(row, category, (1, 1, 5, 5), score=score)
    return builder.build()


@pytest.fixture
def model(tmp_path, pretend_detector):
    file = tmp_path / "yolo.pt"
    file.write_bytes(b"weights")
    record = {"thresholds": {"live": 0.5, "dead": 0.2}, "run_id": "r1", "data_sha256": "d"}
    pretend_detector(record, ("live", "dead"))
    return file


def test_a_detectors_boxes_are_cut_at_the_threshold_of_their_class(model):
    cells, origin = nodes.select_predictions(predictions(), model, NO_WARNINGS, CALL, CellSelectionParameters())
    assert cells.counts().tolist() == [[1, 1], [1, 1]]
    assert (origin.source, origin.model_run_id) == ("yolo", "r1")
    assert json.loads(origin.thresholds) == {"live": 0.5, "dead": 0.2}


def test_one_split_can_be_taken(model):
    cells, _ = nodes.select_predictions(predictions(), model, NO_WARNINGS, CALL, CellSelectionParameters(split="test"))
    assert cells.names == ["b.png"]


def test_new_predictions_are_taken_as_they_were_accepted(model):
    cells, origin = nodes.select_new_cells(
        predictions(), model, NO_WARNINGS, CALL, PredictionParameters(confidence=0.1)
    )
    assert cells.n_objects == 6 and origin.source == "new"
    assert json.loads(origin.thresholds) == {"live": 0.1, "dead": 0.1}


def test_what_speaks_against_a_count_stands_on_the_page_of_statements_made_of_it(model):
    table = NO_WARNINGS.assign(warning=["noise is high", "dark"])
    one = CellSelectionParameters(split="test")
    for _, origin in (
        nodes.select_predictions(predictions(), model, table, CALL, one),
        nodes.select_new_cells(predictions(), model, table.assign(warning=["", "dark"]), CALL, PredictionParameters()),
    ):
        assert origin.warnings == {"b.png": "dark"}, "of the images that are looked at"
        page = render_report("a", {}, [*origin.warning_sections(), origin.section()])
        assert "1 image carries a warning" in page and ">dark<" in page and "noise is high" not in page
    _, origin = nodes.select_predictions(predictions(), model, NO_WARNINGS, CALL, one)
    assert origin.warning_sections() == []


def test_truth_leaves_out_ignored_regions():
    builder = AnnotationBuilder(("cell",))
    row = builder.add_image("a.png", width=9, height=9)
    builder.add_box(row, "cell", (0, 0, 2, 2))
    builder.add_box(row, "cell", (3, 3, 9, 9), crowd=True)
    cells, origin = nodes.select_ground_truth(builder.build(), CALL, CellSelectionParameters())
    assert cells.n_objects == 1
    assert replace(origin, code={}) == Origin("truth", data_sha256=builder.build().fingerprint(), images="1")


def test_one_split_is_that_of_the_truth_and_of_a_model_and_each_table_says_how_many_images(model):
    one = CellSelectionParameters(split="test")
    truth, origin = nodes.select_ground_truth(predictions(), CALL, one)
    cells, other = nodes.select_predictions(predictions(), model, NO_WARNINGS, CALL, one)
    assert truth.names == cells.names == ["b.png"] and origin.images == other.images == "1 (test 1)"
    table = nodes.select_ground_truth(predictions(), CALL, CellSelectionParameters())[1].added_to(
        pd.DataFrame({"n": [1]})
    )
    assert table["source_images"].tolist() == ["2 (val 1, test 1)"]


def test_rows_of_a_table_without_an_image_are_findings_on_the_page():
    table = pd.DataFrame({"image": ["a", "typo"], "dose": ["1", "2"]})
    parameters = CellSelectionParameters.model_validate({"metadata": {"key": "image"}})
    facts, findings = nodes.join_metadata(predictions(), table, parameters)
    assert facts["dose"].tolist()[0] == 1 and set(findings["name"]) == {"b.png", "typo"}
    (section,) = findings_sections(findings)
    assert section.title == "Names without a partner" and findings_sections(findings.iloc[:0]) == []


def test_every_row_of_a_table_can_be_traced_and_an_empty_one_has_the_columns():
    origin = Origin("yolo", model_run_id="r1", thresholds="{}")
    traced = origin.added_to(pd.DataFrame({"n": [1, 2]}))
    assert traced[["source", "model_run_id", "thresholds"]].drop_duplicates().to_numpy().tolist() == [
        ["yolo", "r1", "{}"]
    ]
    assert list(origin.added_to(pd.DataFrame({"n": []})).columns) == list(traced.columns)


def test_images_are_known_by_name_and_by_what_the_set_says():
    parameters = CellSelectionParameters.model_validate({"metadata": {"pattern": "(?P<series>[ab])"}})
    facts, _ = nodes.join_metadata(predictions(), pd.DataFrame(), parameters)
    assert facts["series"].tolist() == ["a", "b"] and facts["split"].tolist() == ["val", "test"]
    assert np.isnan(facts["pixel_height_um"]).all()


def test_sources_are_the_truth_new_images_and_models():
    before = study.chosen_cells()
    try:
        study.choose_cells("truth+stardist")
        assert study.chosen_cells() == ("truth", "stardist")
        for wrong in ("truth+truth", "stardust", []):
            with pytest.raises(ValueError, match="`cells` must be different ones among truth, new, yolo"):
                study.choose_cells(wrong)
        assert study.chosen_cells() == ("truth", "stardist")
        study.choose_cells(None)
        assert study.chosen_cells() == ("truth",)
    finally:
        study.choose_cells(list(before))
