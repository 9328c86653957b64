"""Log a training to MLflow while it runs: one point per epoch, and sample predictions now and then."""

from typing import Any

import mlflow
import pandas as pd

from cell_pipelines.model_runs import log_metrics, run_of
from cell_pipelines.report.figures.training_panels import prediction_panels
from cell_pipelines.training.reports import EpochReport


class LiveTracking:
    """Logs each finished epoch to a model's MLflow run; without one it does nothing.

    Args:
        model: The model's name.
    """

    def __init__(self, model: str) -> None:
        self.run_id = run_of(model)
        self._logged: set[int] = set()

    def __call__(self, report: EpochReport) -> None:
        """Log one epoch: its metrics, and its sample predictions where it has some."""
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
