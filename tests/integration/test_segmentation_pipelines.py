import json
import re

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.annotations.storage import read_parquet

pytestmark = pytest.mark.slow
NETWORKS = ("resunet", "unetpp")


def table(project, *parts):
    return pd.read_csv(project.path("08_reporting", *parts))


def test_the_models_are_compared_in_one_table_and_on_one_page(whole_road):
    models = table(whole_road, "comparison", "models.csv").set_index("model")
    assert list(models.index) == ["yolo", "resunet", "unetpp"]
    assert models["images"].nunique() == models["objects"].nunique() == 1
    assert models["dice"].isna().tolist() == [True, False, False]
    assert (models["parameters_m"] > 0).all()
    page = whole_road.path("08_reporting", "comparison", "report.html").read_text()
    assert not re.search(r"""(src|href)=["']https?:""", page)
    assert 'href="../unetpp/report.html"' in page


@pytest.mark.parametrize("model", NETWORKS)
def test_dice_and_iou_are_of_one_count_of_pixels(whole_road, model):
    classes = table(whole_road, model, "evaluation_classes.csv")
    iou = classes["pixel_iou"].to_numpy()
    assert np.allclose(classes["dice"], 2 * iou / (1 + iou), equal_nan=True)


@pytest.mark.parametrize("model", NETWORKS)
def test_the_model_file_carries_its_decodings_and_origin(whole_road, model):
    from cell_pipelines.models.checkpoint_file import read_description

    description = read_description(whole_road.path("06_models", f"{model}.pt"))
    chosen = json.loads(whole_road.path("08_reporting", model, "thresholds.json").read_text())
    assert description["decoding"] == chosen
    assert set(chosen) == {"blue", "red"}
    assert description["run_id"] == whole_road.runs(model, "__default__")[0].info.run_id
    annotations = read_parquet(whole_road.path("03_primary", "annotations"))
    assert description["data_sha256"] == annotations.fingerprint()


def test_new_images_are_counted_by_a_network_as_they_were_in_the_evaluation(whole_road, tmp_path):
    evaluated = table(whole_road, "resunet", "evaluation_images.csv").groupby("image")["predicted"].sum()
    names = list(evaluated.index[:3])
    for name in names:
        (tmp_path / name).write_bytes(whole_road.path("01_raw", "images", name).read_bytes())
    model = str(whole_road.path("06_models", "resunet.pt"))
    whole_road.run("prediction", images=str(tmp_path), model=model)
    counts = table(whole_road, "new", "counts.csv").set_index("image")
    assert counts.loc[names, "total"].tolist() == evaluated[names].tolist()
    assert json.loads(counts["thresholds"].iloc[0]).keys() == {"blue", "red"}


@pytest.mark.exhaustive
def test_a_study_runs_over_its_own_models_only(whole_road):
    def runs():
        return [len(whole_road.runs(name)) for name in ("evaluation", "yolo", "resunet")]

    evaluations, *others = runs()
    whole_road.run("evaluation", models="unetpp")
    assert runs() == [evaluations + 1, *others]
