"""Metrics of one model, logged to the MLflow run that is its own."""

from typing import Any

from kedro.io import AbstractDataset

from cell_pipelines import model_runs
from cell_pipelines.tracking_names import to_tracking_names

Points = dict[str, Any]


class ModelMetricsDataset(AbstractDataset[Points, dict[str, float]]):
    """Metrics by name: one value with its step, or a list of them.

    ::

        "{model}.evaluation_metrics":
          type: cell_pipelines.datasets.metrics_dataset.ModelMetricsDataset
          model: "{model}"
    """

    def __init__(self, *, model: str, metadata: dict[str, Any] | None = None) -> None:
        self._model = model
        self.metadata = metadata

    def load(self) -> dict[str, float]:
        """Return what the model's run at hand has logged so far, the last value by name; nothing without such a run."""
        run_id = model_runs.run_of(self._model)
        return {} if run_id is None else model_runs.logged_metrics(run_id)

    def save(self, data: Points) -> None:
        """Log all points, a step at a time, by names that MLflow takes; without an active run nothing is logged."""
        run_id = model_runs.run_of(self._model)
        if run_id is None:
            return
        steps: dict[int, dict[str, float]] = {}
        names = to_tracking_names(data)
        for name, points in data.items():
            for point in points if isinstance(points, list) else [points]:
                steps.setdefault(int(point["step"]), {})[names[name]] = point["value"]
        for step, metrics in sorted(steps.items()):
            model_runs.log_metrics(run_id, metrics, step)

    def _exists(self) -> bool:
        return False

    def _describe(self) -> dict[str, Any]:
        return {"model": self._model}
