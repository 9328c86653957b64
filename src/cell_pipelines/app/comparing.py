"""Compare a trained model with the one before it, on images that neither the training nor the thresholds saw."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.files import atomic_folder
from cell_pipelines.metrics.evaluated import COMPARED
from cell_pipelines.workflows.comparison_result import ComparisonResult, compare_results
from cell_pipelines.workflows.trained_model import TrainedModel


def compare_on_test(models: Mapping[str, TrainedModel], images: Path, study: Path, folder: Path) -> dict[str, Any]:
    """Evaluate two models on the test images of a training.

    Args:
        models: The one before and the new one, by the names that people read.
        images: Folder of all images of the training.
        study: Data folder of its study, whose annotations say which images are for the test.
        folder: Where the page that compares them is written.

    Returns:
        What the page of the training shows, see `plain_comparison`, with numbers of `images` and `cells`.
    """
    from cell_pipelines.annotations.storage import read_parquet
    from cell_pipelines.workflows.ground_truth import EVALUATED, choose_images
    from cell_pipelines.workflows.image_sources import collect_images
    from cell_pipelines.workflows.model_evaluation import evaluate_models
    from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
    from cell_pipelines.workflows.parameters.prediction import InferenceParameters

    truth, _ = choose_images(read_parquet(study / "03_primary" / "annotations"), "test")
    parameters = EvaluationParameters(split=EVALUATED)
    evaluated = evaluate_models(models, collect_images(images), truth, InferenceParameters(), parameters)
    result = compare_results(evaluated, truth, parameters)
    with atomic_folder(folder) as temporary:
        shutil.rmtree(temporary)
        result.save(temporary)
    return {"images": truth.n_images, "cells": truth.n_objects, **plain_comparison(result)}


def plain_comparison(result: ComparisonResult) -> dict[str, Any]:
    """Return the comparison of two models as plain values.

    Returns:
        ``models`` before and after; for each of the ``metrics`` its ``title``, ``decimals`` to be shown, ``before``,
        ``after`` and the ``difference`` after - before, each as value, lower and upper end of its interval, ``p``, and
        ``better``: ``before`` or ``after`` where they differ significantly, else empty; the ``level`` of intervals; a
        ``verdict``, the ``sentences`` of each metric, and ``notes`` on all of them. What could not be computed is None.
    """
    compared, names = result.comparison.compared, list(result.evaluations)
    tests = {row["metric"]: row for row in _records(compared.tests)}
    metrics = []
    for name, rows in compared.estimates.groupby("metric", sort=False):
        by_model = {row["model"]: row for row in _records(rows)}
        before, after = (_with_ends(by_model[model], "value") for model in names)
        test = tests[name]
        metrics.append(
            {
                "title": COMPARED[str(name)].title, "decimals": COMPARED[str(name)].decimals,
                "before": before, "after": after, "difference": _turned(test, names), "p": _known(test["p_holm"]),
                "better": _better(test, higher=COMPARED[str(name)].higher_is_better, after=names[1]),
            }
        )  # fmt: skip
    told, count = [sentence for sentence in result.sentences() if sentence], len(compared.conclusions)
    return {
        "models": names, "metrics": metrics, "level": result.comparison.level, "verdict": _verdict(metrics),
        "sentences": told[:count], "notes": told[count:],
    }  # fmt: skip


def _verdict(metrics: list[dict[str, Any]]) -> str:
    """Say in which metrics the new model is better or worse; in none where they do not differ significantly."""
    titles = {side: [one["title"] for one in metrics if one["better"] == side] for side in ("after", "before", "")}
    words = {"after": "better", "before": "worse"}
    found = [f"The new model is {word} in {_joined(titles[side])}." for side, word in words.items() if titles[side]]
    if not found:
        return "The two models do not differ significantly in any metric."
    return " ".join([*found, *(["In the others they do not differ significantly."] if titles[""] else [])])


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _better(test: Mapping[str, Any], *, higher: bool, after: str) -> str:
    """Return which model is better; empty where they do not differ significantly."""
    if not test["significant"]:
        return ""
    first_is_better = (test["difference"] > 0) == higher
    return "after" if first_is_better == (test["first"] == after) else "before"


def _turned(test: Mapping[str, Any], names: list[str]) -> list[float | None]:
    """Return the difference of a test as after - before."""
    if test["first"] == names[1]:
        return _with_ends(test, "difference")
    return [_known(-float(test[name])) for name in ("difference", "high", "low")]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _with_ends(row: Mapping[str, Any], name: str) -> list[float | None]:
    return [_known(row[key]) for key in (name, "low", "high")]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
