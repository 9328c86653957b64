"""The papers' tables have their columns, and what is unknown is empty."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.pages.comparison_tables import tabulate_architectures, tabulate_detection, tabulate_overlaps

MODELS = pd.DataFrame(
    {"model": ["unet", "unetpp"], "encoder": "resnet152", "parameters_m": [67.2, np.nan],
     "training_seconds": [1301.4, np.nan], "pixel_iou": [0.8721, 0.5], "dice": [0.93168, 2 / 3]}
)  # fmt: skip
HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [0.5, 0.3, 0.1], "val_loss": [0.6, 0.4, 0.5]})


def test_table_1_of_the_cll_paper() -> None:
    found = tabulate_architectures(MODELS, {"unet": HISTORY}, by=("model", "encoder"))
    assert list(found.columns) == [
        "model", "encoder", "parameters (millions)", "training time (mm:ss)", "training loss", "validation loss",
        "epoch", "test data set IoU (%)",
    ]  # fmt: skip
    first = found.iloc[0].tolist()
    assert first[:3] == ["unet", "resnet152", 67.2]
    assert first[3:7] == ["21:41", 0.3, 0.4, 2], "of the epoch of the lowest validation loss"
    assert first[7] == pytest.approx(87.21)
    assert found.iloc[1, 2:7].isna().all()


def test_table_4_of_the_neural_cells_paper_keeps_dice_and_iou_tied() -> None:
    found = tabulate_overlaps(MODELS, {"unet": HISTORY})
    assert list(found.columns) == ["model", "IoU (%)", "Dice (%)", "loss"]
    overlap = found["IoU (%)"] / 100
    assert (found["Dice (%)"] / 100).tolist() == pytest.approx((2 * overlap / (1 + overlap)).tolist(), abs=1e-4)
    assert found["loss"].tolist()[0] == 0.4


def test_table_3_of_the_live_dead_paper_has_three_numbers_a_class() -> None:
    classes = pd.DataFrame(
        {"category": ["blue", "red", "all classes"], "precision": [0.952, 0.962, 0.9], "recall": 0.95, "ap50_95": 0.85}
    )
    found = tabulate_detection({"yolov8n": classes, "yolo11n": classes.iloc[1:]})
    assert list(found.columns) == [
        "model", "blue P (%)", "blue R (%)", "blue AP50:95 (%)", "red P (%)", "red R (%)", "red AP50:95 (%)"
    ]  # fmt: skip
    assert found["blue P (%)"].tolist()[0] == pytest.approx(95.2)
    assert np.isnan(found["blue P (%)"].iloc[1]), "a class that a model was not evaluated on"
    assert tabulate_detection({"a": classes.tail(1)}).columns[1] == "all classes P (%)"


def test_without_models_the_tables_have_their_columns() -> None:
    assert tabulate_detection({}).columns.tolist() == ["model"]
    assert len(tabulate_architectures(MODELS.iloc[:0], {}).columns) == 7
    assert len(tabulate_overlaps(MODELS.iloc[:0], {}).columns) == 4


@pytest.mark.parametrize("history", [HISTORY.iloc[:0], HISTORY.drop(columns=["train_loss", "val_loss"])])
def test_a_training_without_losses_has_none(history: pd.DataFrame) -> None:
    assert tabulate_architectures(MODELS, {"unet": history})["validation loss"].isna().all()


def test_a_training_without_validation_is_told_by_its_training_loss() -> None:
    found = tabulate_architectures(MODELS, {"unet": HISTORY.drop(columns="val_loss")}).iloc[0]
    assert (found["training loss"], found["epoch"]) == (0.1, 3)
