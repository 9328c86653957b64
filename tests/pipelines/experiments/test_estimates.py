"""Estimates of what trials take: by the work of their epochs, or by their minutes."""

import pandas as pd
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.pipelines.experiments import estimates
from cell_pipelines.pipelines.experiments.trials import Trial

STUDY = {
    "segmentation": {
        "representation": {"name": "binary"}, "tiles": {"size": 32, "per_epoch": 8}, "batch": 4, "epochs": 10,
        "colour": "grey",
    },
    "resunet": {"architecture": "resunet", "options": {"width": 2, "depth": 1}},
}  # fmt: skip


def test_a_training_by_minutes_takes_them_and_one_by_epochs_what_its_work_takes(tmp_path, monkeypatch):
    builder = AnnotationBuilder(["cell"])
    for number, split in enumerate(("train", "val")):
        builder.add_image(f"{number}.png", width=32, height=32, split=split)
    trials = [
        Trial("epochs", "resunet"),
        Trial("more", "resunet", changes={"segmentation.epochs": 20}),
        Trial("minutes", "resunet", changes={"segmentation.minutes": 12}),
        Trial(
            "left to the images", "resunet", changes={"segmentation.batch": "auto", "segmentation.tiles.size": "auto"}
        ),
    ]
    monkeypatch.setattr(estimates, "operations_a_second", lambda: 1e6)
    table = estimates.estimate_trials(trials, builder.build(), STUDY, tmp_path).set_index("trial")
    seconds = table["estimated_seconds"]
    assert seconds["more"] == pytest.approx(2 * seconds["epochs"])
    assert seconds["minutes"] == 720
    assert seconds["left to the images"] > 0
    assert pd.isna(table["epochs"]["minutes"]) and table["epochs"]["more"] == 20
