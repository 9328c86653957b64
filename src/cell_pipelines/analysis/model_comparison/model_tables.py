"""The table of all compared models, and how far each is from the best, from the parts that describe one model each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.metrics.evaluated import COMPARED

if TYPE_CHECKING:
    import pandas as pd

    from cell_pipelines.analysis.model_comparison.comparing import ComparedModels

#: What a model costs, in this order; nan or empty where nobody measured it.
COSTS: Final = (
    "parameters_m", "flops_g", "checkpoint_mb", "training_seconds", "training_memory_mb", "training_device", "input",
    "latency_ms", "latency_low_ms", "latency_high_ms", "inference_memory_mb", "device",
)  # fmt: skip
EVALUATED: Final = 0.95  # level of the intervals of a model's own evaluation
_WORDS: Final = ("training_device", "input", "device")
DIFFERENCES: Final = ("metric", "best", "model", "difference", "low", "high", "p", "p_holm", "significant", "caution")


@dataclass(frozen=True, eq=False)
class ModelTables:
    """Tables of one model of a study or of one trial of an experiment.

    Attributes:
        classes: `evaluation_classes`, one row per class, the last for all together.
        images: `evaluation_images`, the counts of each image and class.
        instances: `evaluation_instances`, quality over the overlap asked for; None or empty without masks.
        history: One row per epoch of training; None where it is not known.
        costs: A row of what the network costs, any of `COSTS`; None where it was not measured.
        record: What its model file says of its training, with `seconds`, `memory_mb` and `device`; may be empty.
    """

    classes: pd.DataFrame
    images: pd.DataFrame
    instances: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


def training_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a model file's record that says what training took: empty in older files.

    Args:
        record: As `models.model_file.read_record` gives it; `training_cost`, or `training` where that has `seconds`.
    """
    for key in ("training_cost", "training"):
        found = record.get(key)
        if isinstance(found, Mapping) and "seconds" in found:
            return dict(found)
    return {}


def tabulate_models(
    given: Mapping[str, ModelTables], compared: ComparedModels, *, level: float = EVALUATED
) -> pd.DataFrame:
    """Return one row per model: `model`, `COSTS`, and its numbers on test for all classes together.

    Args:
        given: The models by name.
        compared: Their comparison, whose intervals take the place of those of the single evaluations, so that all that
            is said of a metric is said with the same interval.
        level: Of the comparison's intervals. Where it is not that of the evaluations, metrics that were not compared
            have no interval, since a table has one level.
    """
    import pandas as pd

    rows = []
    for name, one in given.items():
        rows.append({"model": name, **_costs(one), **_last(one.classes)})
    table = pd.DataFrame(rows, columns=None if rows else ["model", *COSTS])
    if level != EVALUATED:
        table = table.assign(**{str(name): math.nan for name in table if _is_end(str(name), table)})
    for row in compared.estimates.to_dict("records"):
        place = table["model"] == row["model"]
        if not math.isnan(row["value"]):
            ends = [f"{row['metric']}{end}" for end in ("", "_low", "_high")]
            table.loc[place, ends] = [row["value"], row["low"], row["high"]]
    return table


def _is_end(name: str, table: pd.DataFrame) -> bool:
    """Tell whether a column is an end of another one's interval."""
    stem = name.removesuffix("_low").removesuffix("_high")
    return stem != name and stem in table


def tabulate_differences(compared: ComparedModels) -> pd.DataFrame:
    """Return how far each model is from the best in each metric, with intervals: columns `DIFFERENCES`.

    Args:
        compared: The comparison. A difference is the model's metric less the best one's: below 0 for what is better
            when higher, above 0 for errors.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for metric, known in compared.estimates.groupby("metric", sort=False):
        values = known["value"].to_numpy(dtype=float)
        turn = np.nanargmax if COMPARED[str(metric)].higher_is_better else np.nanargmin
        best = str(known["model"].iloc[int(turn(values))])
        tests = compared.tests[compared.tests["metric"] == metric]
        for row in tests[(tests["first"] == best) | (tests["second"] == best)].to_dict("records"):
            is_first = row["first"] == best
            ends = (-row["high"], -row["low"]) if is_first else (row["low"], row["high"])
            rows.append(
                {"metric": metric, "best": best, "model": row["second"] if is_first else row["first"],
                 "difference": -row["difference"] if is_first else row["difference"], "low": ends[0], "high": ends[1],
                 "p": row["p"], "p_holm": row["p_holm"], "significant": row["significant"], "caution": row["caution"]}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(DIFFERENCES))


def _costs(one: ModelTables) -> dict[str, Any]:
    known = _last(one.costs) if one.costs is not None else {}
    took = {
        "training_seconds": one.record.get("seconds"), "training_memory_mb": one.record.get("memory_mb"),
        "training_device": one.record.get("device"),
    }  # fmt: skip
    merged = known | {name: value for name, value in took.items() if value is not None}
    return {name: _known(merged.get(name), is_word=name in _WORDS) for name in COSTS}


def _last(table: pd.DataFrame) -> dict[str, Any]:
    rows = table.tail(1).to_dict("records")
    return {str(key): value for row in rows for key, value in row.items() if key != "category"}


def _known(value: Any, *, is_word: bool) -> Any:
    if value is None or value != value:  # nan is not itself
        return None if is_word else math.nan
    return str(value) if is_word else float(value)
