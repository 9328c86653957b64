import logging
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.threshold_choice import chosen_f1, tabulate
from cell_pipelines.inference.model_choice import choose_model
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.thresholds import Threshold

STUDY = ("resunet", "unetpp")
ALL = (*STUDY, "unet", "yolo")


@pytest.fixture(scope="module")
def network():
    return create_network(NetworkSpec("resunet", options={"width": 2}))


@pytest.fixture
def keep(network, tmp_path):
    def write(name, run_id="run", at=1_000, **validation):
        path = tmp_path / f"{name}.pt"
        record = {"categories": ["cell"], "run_id": run_id}
        if validation:
            record["validation"] = {"split": "val", "matching": "IoU 0.5", **validation}
        path.write_bytes(write_checkpoint(network, record))
        os.utime(path, (at, at))
        return path

    return write


def test_a_study_with_one_network_counts_by_it_tuned_or_not(keep, tmp_path):
    untuned = keep("resunet_untuned")
    assert choose_model(tmp_path, ["resunet"], ALL) == untuned
    tuned = keep("resunet", at=2_000)
    assert choose_model(tmp_path, ["resunet"], ALL) == tuned


def test_the_best_on_validation_images_counts_and_the_log_says_so(keep, tmp_path, caplog):
    keep("resunet", f1=0.7)
    best = keep("unetpp", f1=0.9)
    with caplog.at_level(logging.INFO):
        assert choose_model(tmp_path, STUDY, ALL) == best
    assert "unetpp" in caplog.text
    assert "resunet 0.700, unetpp 0.900" in caplog.text


@pytest.mark.parametrize("other", [{}, {"f1": 0.9, "matching": "centroids within 9.0 px"}])
def test_models_that_cannot_be_compared_are_a_question_that_names_them(keep, tmp_path, other):
    keep("resunet", f1=0.7)
    keep("unetpp", **other)
    with pytest.raises(ValueError, match=r"several models could count \(resunet, unetpp\).*model=resunet"):
        choose_model(tmp_path, STUDY, ALL)
    assert choose_model(tmp_path, STUDY, ALL, "unetpp").name == "unetpp.pt"


def test_a_training_after_the_tuning_is_not_passed_over(keep, tmp_path, caplog):
    keep("resunet", run_id="old", f1=0.7)
    newer = keep("resunet_untuned", run_id="new", at=2_000)
    assert choose_model(tmp_path, ["resunet"], ALL) == newer
    assert "earlier training" in caplog.text


def test_a_trained_file_that_is_only_copied_later_is_still_the_tuned_models(keep, tmp_path):
    tuned = keep("resunet", f1=0.7)
    keep("resunet_untuned", at=2_000)
    assert choose_model(tmp_path, ["resunet"], ALL) == tuned


def test_what_is_missing_is_said_with_a_command_of_the_study(keep, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"this study \(resunet, unetpp\).*train_resunet"):
        choose_model(tmp_path, STUDY, ALL)
    keep("unet")
    assert choose_model(tmp_path, STUDY, ALL).name == "unet.pt"
    with pytest.raises(FileNotFoundError, match=r"expected the model yolo.*trained models there: unet\."):
        choose_model(tmp_path, STUDY, ALL, "yolo")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        choose_model(tmp_path, STUDY, ALL, str(tmp_path / "mine.pt"))


def test_a_file_from_elsewhere_is_taken_by_its_path(keep, tmp_path):
    assert choose_model(tmp_path / "nowhere", STUDY, ALL, str(keep("mine"))) == tmp_path / "mine.pt"


def test_f1_at_chosen_thresholds_sums_the_classes_before_it_divides():
    decodings = [Threshold(0.25), Threshold(0.75)]
    dead = tabulate(decodings, np.array([[[4, 0, 0, 0, 0], [0, 0, 4, 0, 0]]]), "f1_iou").assign(category="dead")
    live = tabulate(decodings, np.array([[[0, 9, 9, 0, 0], [1, 1, 1, 0, 0]]]), "f1_iou").assign(category="live")
    chosen = {"dead": Threshold(0.3), "live": Threshold(0.8)}
    assert chosen_f1(pd.concat([dead, live]), chosen) == pytest.approx(2 * 5 / (2 * 5 + 1 + 1))


def test_cut_offs_of_scores_which_have_no_sizes_are_summed_as_well():
    table = tabulate([Threshold(0.2), Threshold(0.6)], np.array([[[3, 3, 0, 0, 0], [2, 0, 1, 0, 0]]]), "f1_iou")
    read = table.assign(category="cell", min_area_px=math.nan, min_distance_px=math.nan)
    assert chosen_f1(read, {"cell": Threshold(0.55)}) == pytest.approx(2 * 2 / (2 * 2 + 1))


def test_a_model_that_predicts_nothing_of_a_class_misses_its_cells():
    dead = tabulate([Threshold(0.25)], np.array([[[4, 0, 0, 0, 0]]]), "f1_iou").assign(category="dead")
    assert chosen_f1(dead, {"dead": Threshold(0.25)}, unpredicted=4) == pytest.approx(2 * 4 / (2 * 4 + 4))
    assert chosen_f1(dead.iloc[:0], {}, unpredicted=4) == 0


def test_another_tools_model_can_be_named(tmp_path, monkeypatch):
    pytest.importorskip("h5py", reason="h5py is not installed, so StarDist's weights can't be read")
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path))
    folder = Path(__file__).parents[1] / "models" / "foreign" / "stardist_keras"
    assert choose_model(tmp_path, STUDY, ALL, f"stardist:{folder}").name.startswith("stardist_stardist_keras-")
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        choose_model(tmp_path, STUDY, ALL, "stardist:no/such/folder")
