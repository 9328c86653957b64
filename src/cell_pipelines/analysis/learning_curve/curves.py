"""All learning curves of an experiment: the curve of each model and metric, its points, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.learning_curve.averaged_curve import AveragedCurve, fit_learning_curve
from cell_pipelines.analysis.learning_curve.power_law import NotEnoughTrials
from cell_pipelines.analysis.learning_curve.questions import answer_images, answer_target, refuse
from cell_pipelines.analysis.learning_curve.recent_trend import FARTHEST
from cell_pipelines.analysis.learning_curve.trainings import METRICS, trainings_with
from cell_pipelines.metrics.choices import higher_is_better

_POINTS: Final = 60
FIT_COLUMNS: Final = {
    "model": "str", "metric": "str", "trainings": "int64", "sizes": "int64", "limit": "float64",
    "limit_low": "float64", "limit_high": "float64", "amplitude": "float64", "exponent": "float64",
    "spread": "float64", "degrees": "float64", "misfit_p": "float64", "laws": "str", "note": "str",
}  # fmt: skip
POINT_COLUMNS: Final = {
    "model": "str", "metric": "str", "images": "float64", "value": "float64", "low": "float64", "high": "float64",
    "training_low": "float64", "training_high": "float64", "is_extrapolated": "bool",
}  # fmt: skip
ANSWER_COLUMNS: Final = {
    "model": "str", "question": "str", "metric": "str", "images": "int64", "now": "float64", "more": "float64",
    "more_low": "float64", "more_high": "float64", "value": "float64", "value_low": "float64", "value_high": "float64",
    "is_said": "bool", "is_extrapolated": "bool", "sentence": "str",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of an experiment as tables.

    Attributes:
        fits: One row per model and metric: the limit of the average of all laws with its interval, the power law's
            parameters, in `laws` which laws fit well enough, and in `note` why there is none.
        points: The curve and its bands, one row per model, metric and number of images; `low`, `high` for the mean of
            trainings, `training_low`, `training_high` for one more training.
        answers: One row per question; see `questions.Answer`.
    """

    fits: pd.DataFrame
    points: pd.DataFrame
    answers: pd.DataFrame


def fit_curves(
    trainings: pd.DataFrame,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    targets: Mapping[str, float] | None = None,
    more: int | None = None,
    level: float = 0.95,
) -> Curves:
    """Fit learning curves to each metric of each model and ask them what more images bring.

    Args:
        trainings: As `trainings.collect_trainings` returns it.
        metrics: Which; one that no training has is left out.
        targets: What a metric shall come to, by its name.
        more: Images to ask about; None for as many as the most that were trained with, the double.
        level: Of the intervals.
    """
    fits, points, answers = [], [], []
    for model in trainings["model"].unique():
        for metric in (m for m in metrics if trainings.loc[trainings["model"] == model, m].notna().any()):
            own = trainings_with(trainings, model, metric)
            place = {"model": model, "metric": metric}
            law, note = _fit(own, metric, level)
            fits.append(place | _fit_row(own, law, note))
            points += [place | row for row in _points(law)]
            asked = _ask(law, note, metric, (targets or {}).get(metric), more)
            answers += [{**row, **place} for row in asked]
    return Curves(*(
        pd.DataFrame(rows, columns=list(columns)).astype(columns)
        for rows, columns in ((fits, FIT_COLUMNS), (points, POINT_COLUMNS), (answers, ANSWER_COLUMNS))
    ))  # fmt: skip


def _fit(own: pd.DataFrame, metric: str, level: float) -> tuple[AveragedCurve | None, str]:
    try:
        law = fit_learning_curve(
            own["images"], own[metric], samples=own["sample"], is_error=not higher_is_better(metric), level=level
        )  # fmt: skip
    except NotEnoughTrials as error:
        return None, str(error)
    return law, "" if law.has_trend else "no clear trend"


def _fit_row(own: pd.DataFrame, law: AveragedCurve | None, note: str) -> dict[str, Any]:
    row: dict[str, Any] = {"trainings": len(own), "sizes": own["images"].nunique(), "note": note}
    if law is None:
        return row
    low, high = law.limit_interval()
    return row | {
        "limit": law.limit, "limit_low": low, "limit_high": high, "amplitude": law.power.amplitude,
        "exponent": law.power.exponent, "spread": law.power.spread, "degrees": law.power.degrees,
        "misfit_p": law.misfit_p, "laws": ", ".join(law.fitting),
    }  # fmt: skip


def _points(law: AveragedCurve | None) -> list[dict[str, Any]]:
    if law is None:
        return []
    least, most = law.sizes.min(), law.sizes.max()
    images = np.unique(np.append(np.geomspace(least, FARTHEST * most, _POINTS), most))
    columns = (images, law.curve(images), *law.band(images), *law.prediction(images))
    names = ("images", "value", "low", "high", "training_low", "training_high")
    return [
        dict(zip(names, map(float, row), strict=True)) | {"is_extrapolated": bool(row[0] > most)}
        for row in zip(*columns, strict=True)
    ]


def _ask(
    law: AveragedCurve | None, note: str, metric: str, target: float | None, more: int | None
) -> list[dict[str, Any]]:
    name = METRICS.get(metric, metric)
    if law is None:
        return [refuse("images" if target is None else "target", name, note).to_row()]
    asked = [answer_images(law, int(law.sizes.max()) if more is None else more, name)]
    if target is not None:
        asked.insert(0, answer_target(law, target, name))
    return [answer.to_row() for answer in asked]
