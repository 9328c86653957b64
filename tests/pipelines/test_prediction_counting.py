"""Counts of new images: every column is there whatever classes are called, and what speaks against a count is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.training_range import summarise_objects
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.pipelines.prediction.nodes import count_new, report_new
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.counting import RESERVED
from cell_pipelines.workflows.parameters.prediction import PredictionParameters

FAILED = pd.DataFrame({"image": ["broken.png"], "error": ["broken.png: damaged"]})
NONE = FAILED.iloc[:0]
TUNED = {"thresholds": {"cell": 0.4}, "run_id": "run"}


def cells(categories, counts, side=10.0):
    builder = AnnotationBuilder(categories)
    for number, row in enumerate(counts):
        place = builder.add_image(f"{number}.png", width=100, height=100)
        for category, count in zip(categories, row, strict=True):
            for _ in range(count):
                builder.add_box(place, category, (0, 0, side, side))
    return builder.build()


def scores(n, warning="", overlap=float("nan")):
    names = [f"{number}.png" for number in range(n)]
    return pd.DataFrame({"image": names, "warning": warning, "tile_overlap": overlap, "pixel_size_from": None})


@pytest.fixture
def counted(pretend_detector, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"weights")

    def make(annotations, record=None, failures=NONE, given=None, **parameters):
        pretend_detector(TUNED if record is None else record, annotations.categories)
        given = scores(annotations.n_images) if given is None else given
        return count_new(annotations, failures, given, path, PredictionParameters(**parameters))

    return make


HOSTILE = ("total", "image", "error", "dead", "dead_low", "warning", "thresholds", "interval_note", "model_run_id", "")


def test_classes_called_like_columns_lose_neither_their_counts_nor_the_columns(counted):
    rows = np.arange(2 * len(HOSTILE)).reshape(2, -1)
    table = counted(cells(HOSTILE, rows), failures=FAILED)
    assert table.columns.is_unique
    of_some = {"diameter_px", "diameter_from", "engine"}  # of models that rescale, and where an engine is named
    assert set(RESERVED) - of_some <= set(table.columns)
    assert table["image"].tolist() == ["0.png", "1.png", "broken.png"]
    assert table["total"][:2].tolist() == rows.sum(axis=1).tolist()
    assert table["error"].tolist() == ["", "", "broken.png: damaged"]
    names = ["class_total", "class_image", "class_error", "dead", "class_dead_low"]
    assert table[names][:2].to_numpy().tolist() == rows[:, :5].tolist()


def test_ordinary_classes_keep_the_columns_they_always_had(counted):
    table = counted(cells(("blue", "red"), [[3, 1]]))
    assert table.columns[:5].tolist() == ["image", "blue", "red", "total", "warning"]
    assert table[["blue", "red", "total"]].to_numpy().tolist() == [[3, 1, 4]]
    assert {"blue_low", "red_high", "total_high"} <= set(table.columns)


def test_a_warning_stands_beside_its_count_in_the_table_the_log_and_on_the_page(counted, caplog):
    training = {
        "images": 2,
        **summarise_objects(np.array([5, 6]), np.full(2, 10_000), np.tile([0, 0, 10.0, 10], (11, 1))),
    }
    annotations = cells(("cell",), [[5], [0], [90]])
    given = scores(3, warning=["", "noise is high", ""])
    table = counted(annotations, {**TUNED, "training_images": training}, given=given)
    assert table["warning"][0] == ""
    assert table["warning"][1] == "noise is high; no cell was counted (0 of 2 training and validation images hold none)"
    assert "cells per megapixel" in table["warning"][2]
    assert "1.png: no cell was counted" in caplog.text
    page = render_page(report_new(table, annotations, {}, Path("resunet.pt"), PredictionParameters())[0])
    assert "2 of 3 images carry a warning" in page and "noise is high" in page and "resunet.pt" in page


def test_default_thresholds_and_cells_beyond_the_overlap_are_said(counted):
    annotations = cells(("cell",), [[4]], side=80.0)
    assert "thresholds are defaults" in counted(annotations, {}).loc[0, "warning"]
    assert "thresholds" not in counted(annotations, {}, confidence=0.5).loc[0, "warning"]
    assert "4 of 4 cells are larger" in counted(annotations, given=scores(1, overlap=64.0)).loc[0, "warning"]
    assert counted(annotations, given=scores(1, overlap=128.0)).loc[0, "warning"] == ""


def test_a_page_of_images_that_could_not_be_read_names_them(counted):
    annotations = cells(("cell",), [[1]])
    table = counted(annotations, failures=FAILED)
    page = render_page(report_new(table, annotations, {}, Path("a.pt"), PredictionParameters())[0])
    assert "broken.png: damaged" in page
    assert "were not compared" in page and "No image differs" not in page, "the model file does not know its images"


def test_the_models_page_lists_annotated_images_that_are_unlike_the_training():
    from cell_pipelines.report.page.html import render_report
    from cell_pipelines.report.pages.new_counts import unlike_sections

    table = scores(2, warning=["", "noise is high"]).assign(split="test")
    page = render_report("a", {}, unlike_sections(table))
    assert "1 of 2 images" in page and "noise is high" in page and "1.png" in page and "0.png" not in page
    assert unlike_sections(scores(2).assign(split="test")) == []
    assert unlike_sections(table.drop(columns="warning")) == []
