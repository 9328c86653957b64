"""Log a training to MLflow while it runs: one point per epoch, and sample predictions now and then."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from cell_pipelines.model_runs import log_metrics, run_of
from cell_pipelines.report.figures.training_panels import prediction_panels
from cell_pipelines.training.reports import EpochReport


class LiveTracking:
    """Logs each finished epoch to a model's MLflow run, where it has one, and to ``progress.jsonl`` in its folder.

    Args:
        folder: The training's work folder, which is called as the model.
        resume: Whether the training goes on, so that the file does, too.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.run_id = run_of(folder.name)
        self._logged: set[int] = set()
        self._file = folder / "progress.jsonl"
        if not resume:
            self._file.unlink(missing_ok=True)

    def __call__(self, report: EpochReport) -> None:
        """Log one epoch: its metrics, and its sample predictions where it has some."""
        done = report.row["epoch"] / report.epochs if report.epochs else report.share
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**report.row, "share": done}, default=float) + "\n")
        if self.run_id is None:
            return
        self._log(self.run_id, report.row)
        if report.samples:
            sheet = prediction_panels([(sample.image, sample.target, sample.probability) for sample in report.samples])
            mlflow.MlflowClient().log_image(self.run_id, sheet, f"samples/epoch_{report.row['epoch']:04d}.png")

    def complete(self, history: pd.DataFrame) -> None:
        """Log the epochs that an interrupted training had finished before, and how the learning rate was found."""
        if self.run_id is None:
            return
        for row in history.to_dict(orient="records"):
            if int(row["epoch"]) not in self._logged:
                self._log(self.run_id, {str(key): value for key, value in row.items()})
        if "rate_finder" in history.attrs:
            mlflow.MlflowClient().log_dict(self.run_id, history.attrs["rate_finder"], "tables/rate_finder.json")

    def _log(self, run_id: str, row: dict[str, Any]) -> None:
        log_metrics(run_id, {key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
        self._logged.add(int(row["epoch"]))
