"""Statements about samples, from generated and from real images, by the truth and by a model."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.imaging.reading import read_image

from .conftest import ROOT, Project

DATA = Path(os.environ.get("CELL_REAL_DATA", ROOT / ".." / "shared" / "data"))
pytestmark = pytest.mark.slow


def tables(project, source, pipeline):
    """Return the tables of a pipeline by name; CSV and Parquet hold the same rows."""
    folder = project.path("08_reporting", source, pipeline)
    found = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    assert found and all(len(pd.read_csv(folder / f"{name}.csv")) == len(table) for name, table in found.items())
    assert all(set(table["source"]) <= {source} for table in found.values())
    return found


def test_viability_is_that_of_the_simulated_fields(whole_road):
    whole_road.run("viability")
    found = tables(whole_road, "truth", "viability")
    planned = pd.read_csv(whole_road.path("01_raw", "fields.csv")).set_index("field")
    fields = found["fields"].set_index("field")
    assert (fields["nuclei"] == planned["nuclei"]).all() and (fields["dead_seen"] == planned["dead"]).all()
    assert (fields["live"] + fields["dead"] == fields["total"]).all() and fields["unmatched_dead"].sum() == 0
    assert set(found["conditions"]["condition"]) == set(planned["condition"])
    assert len(found["cells"]) == planned["nuclei"].sum() + planned["dead"].sum()
    assert "Conditions compared" in whole_road.path("08_reporting", "truth", "viability", "report.html").read_text()


def test_each_number_of_a_model_names_its_run_and_thresholds(whole_road):
    trained = whole_road.runs("yolo", "__default__")[0].info.run_id
    whole_road.run("viability", cells="yolo")
    fields = tables(whole_road, "yolo", "viability")["fields"]
    chosen = json.loads(whole_road.path("08_reporting", "yolo", "thresholds.json").read_text())
    assert set(fields["model_run_id"]) == {trained}
    assert {text: json.loads(text) for text in fields["thresholds"]} == {fields["thresholds"].iloc[0]: chosen}


@pytest.mark.exhaustive
def test_methods_and_truth_are_compared_on_the_images_that_all_have_seen(whole_road):
    whole_road.run("morphology", cells="truth+resunet")
    cells = tables(whole_road, "truth", "morphology")["cells"]
    found = pd.read_csv(whole_road.path("08_reporting", "methods", "morphology", "groups.csv"))
    labels = read_image(whole_road.path("01_raw", "cells", cells["image"].iloc[0]))
    assert cells["num_pixels"][cells["image"] == cells["image"].iloc[0]].sum() == np.count_nonzero(labels)
    assert set(found["group"]) <= {"truth", "resunet"} and "truth" in set(found["group"])


def test_signals_of_generated_nuclei_are_found_and_evaluated_by_controls(tmp_path):
    project = Project(tmp_path, "fish")
    scene = {"height": 224, "width": 224, "cells": 8, "mean_radius_px": 20.0}
    sample = {"fields": 4, "series": 4, "scenes": {"fish": scene}}
    project.run("sample_data", sample_data=sample)
    project.run("fish")
    found = tables(project, "truth", "fish")
    assert (found["scores"]["precision"] > 0.95).all() and (found["scores"]["recall"] > 0.85).all()
    nuclei = found["nuclei"]
    counted = found["signals"].groupby("channel").size()
    assert counted[["red", "green"]].tolist() == nuclei[["red", "green"]].sum().tolist()
    planned = pd.read_csv(project.path("01_raw", "fields.csv"))
    assert (nuclei["category"] == "whole").sum() == planned["whole"].sum()
    assert (
        found["thresholds"]["controls"].eq(2).all()
    )  # of four series every third is a control: the first and the last
    assert found["aneuploidy"]["above_beta_inverse"].notna().any()
    assert found["aneuploidy"]["above_threshold"].isna().all()  # two controls are too few for a threshold


def test_generated_cells_are_tracked_measured_and_exported(tmp_path):
    project = Project(tmp_path, "cll")
    scene = {"frames": 6, "height": 160, "width": 160, "cells": 8}
    project.run("sample_data", sample_data={"fields": 2, "series": 2, "scenes": {"time_lapse": scene}})
    project.run("tracking", tracking={"films": 1})
    found = tables(project, "truth", "tracking")
    assert (found["scores"]["tra"] > 0.95).all() and (found["scores"]["det"] == 1).all()
    assert found["scores"]["valid"].all() and len(found["scores"]) == 2
    folder = project.path("08_reporting", "truth", "tracking")
    assert len(list((folder / "export" / "cell_tracking_challenge" / "01_RES").glob("mask*.tif"))) == 6
    assert len(list((folder / "export" / "trackmate").glob("*.csv"))) == 6
    assert len(list((folder / "films").glob("*.gif"))) == 1


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
def test_living_and_dead_cells_of_real_images_are_those_of_the_source(tmp_path):
    project = Project(tmp_path, "live_dead_brightfield")
    project.environment["CELL_REAL_DATA"] = str(DATA)
    project.run("viability", viability={"pictures": 0})
    fields = tables(project, "truth", "viability")["fields"]
    assert (fields["live"].sum(), fields["dead"].sum(), len(fields)) == (438, 120, 220)
    assert fields.loc[fields["total"] == 0, "viability_percent"].isna().all() and (fields["total"] == 0).sum() == 8
