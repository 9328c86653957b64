"""Nodes that check the intervals of counts on the images of the test."""

from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.evaluation import count_intervals
from cell_pipelines.analysis.evaluation.summaries import ALL
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters


def check_intervals(
    images: pd.DataFrame, model: Path, parameters: EvaluationParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the interval of each image's count, and one row per class with their coverage and width."""
    from cell_pipelines.models.model_file import read_record

    record = read_record(model).get("count_interval") or {}
    intervals = count_intervals.intervals_from_record(record)
    table = count_intervals.intervals_of(images[["image", "category", "true", "predicted"]], intervals)
    same = record.get("split") == parameters.split
    return table, count_intervals.coverage_of(table, intervals, same_images=same, seed=parameters.seed)


def log_coverage(coverage: pd.DataFrame, parameters: EvaluationParameters) -> dict[str, dict[str, float]]:
    """Return coverage and mean width of all classes together as MLflow wants them; nothing where there is none."""
    rows = coverage[(coverage["category"] == ALL) & coverage["coverage"].notna()]
    names = {"coverage": "coverage", "mean_width": "width"}
    return {
        f"{parameters.split}_count_interval_{name}": {"value": float(row[column]), "step": 0}
        for row in rows.to_dict(orient="records")
        for column, name in names.items()
    }


def plot_intervals(table: pd.DataFrame) -> Any:
    """Return a figure of each image's predicted count with its interval, and the true one."""
    from cell_pipelines.report.figures.count_intervals import plot_count_intervals

    return plot_count_intervals(table)
