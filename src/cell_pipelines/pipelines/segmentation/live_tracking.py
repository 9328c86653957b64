"""What a training shows in MLflow while it runs: a point an epoch, and sample predictions now and then."""

from typing import Any

import mlflow
import pandas as pd

from cell_pipelines.report.training_panels import prediction_panels
from cell_pipelines.training.reports import EpochReport


class LiveTracking:
    """Logs each finished epoch to the active MLflow run; without one it does nothing."""

    def __init__(self) -> None:
        run = mlflow.active_run()
        self.run_id: str | None = run.info.run_id if run else None
        self._logged: set[int] = set()

    def __call__(self, report: EpochReport) -> None:
        """Log one epoch: its metrics, and its sample predictions where it has some."""
        if self.run_id is None:
            return
        self._log(report.row)
        if report.samples:
            shown = [(sample.image, sample.target, sample.probability) for sample in report.samples]
            mlflow.log_image(prediction_panels(shown), artifact_file=f"samples/epoch_{report.row['epoch']:04d}.png")

    def complete(self, history: pd.DataFrame) -> None:
        """Log the epochs that an interrupted training had finished before."""
        for row in history.to_dict(orient="records"):
            if self.run_id is not None and int(row["epoch"]) not in self._logged:
                self._log({str(key): value for key, value in row.items()})

    def _log(self, row: dict[str, Any]) -> None:
        metrics = {key: float(value) for key, value in row.items() if key != "epoch" and pd.notna(value)}
        mlflow.log_metrics(metrics, step=int(row["epoch"]))
        self._logged.add(int(row["epoch"]))
