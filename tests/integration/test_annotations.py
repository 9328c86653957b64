"""Annotations on the tiny study: the page of the conversion, predictions in other programs' formats, corrections."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.annotations.formats.registry import FORMATS, create_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.storage import read_parquet

pytestmark = pytest.mark.slow


def index_of(annotations):
    return ImageIndex(ImageRecord(r["name"], r["width"], r["height"]) for r in annotations.images.to_pylist())


def test_the_conversion_leaves_its_page_and_its_tables(whole_road):
    page = whole_road.path("08_reporting", "conversion_report.html").read_text()
    assert "Read as coco" in page
    classes = pd.read_csv(whole_road.path("08_reporting", "conversion_classes.csv"))
    assert (classes["objects_in"] == classes["objects_out"] + classes["objects_dropped"]).all()
    losses = pd.read_csv(whole_road.path("08_reporting", "format_losses.csv")).set_index("format")["lost"]
    assert set(losses.index) == set(FORMATS)
    assert losses["coco"] == "nothing"
    assert "scores" not in losses["qupath_geojson"]


@pytest.mark.parametrize("name", ["qupath_geojson", "imagej_roi", "cvat", "label_studio"])
def test_predicted_cells_are_written_with_their_scores(whole_road, name):
    predictions = read_parquet(whole_road.path("07_model_output", "yolo", "predictions"))
    source = str(whole_road.path("07_model_output", "yolo", "predictions"))
    limit = float(np.median(predictions.scores))
    whole_road.run("annotation_export", annotations=source, annotation_export={"format": name, "confidence": limit})
    kept = predictions.scores >= limit
    conversion = read_annotations(
        whole_road.path("08_reporting", "exported_annotations"), index_of(predictions), format=name
    )
    assert conversion.annotations.n_objects == kept.sum() > 0
    np.testing.assert_allclose(np.sort(conversion.annotations.scores), np.sort(predictions.scores[kept]), atol=1e-6)
    assert create_format(name).detect(whole_road.path("08_reporting", "exported_annotations"))


def test_proposals_go_out_and_come_back_as_they_are(whole_road):
    whole_road.run("pre_annotation")
    counts = pd.read_csv(whole_road.path("08_reporting", "proposal_counts.csv"))
    truth = read_parquet(whole_road.path("02_intermediate", "annotations"))
    assert counts["proposed"].sum() == pytest.approx(truth.n_objects, rel=0.4)
    proposals = whole_road.path("08_reporting", "proposals")
    whole_road.run("corrections", corrected=str(proposals))
    changes = pd.read_csv(whole_road.path("08_reporting", "correction_objects.csv"))["change"]
    assert set(changes) == {"kept"}
    assert len(changes) == counts["proposed"].sum()
    assert len(list(whole_road.path("08_reporting", "proposal_overlays").rglob("*.png"))) == len(counts)
