"""Tabulate the costs of models, one row per model, from one row per model, engine and batch size."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from cell_pipelines.metrics.choices import MAIN_F1

#: Columns of the measurements, with their types; `input` is channels x height x width, times are of a whole batch.
BENCHMARK_TYPES: Final[Mapping[str, str]] = {
    "model": "str", "parameters_m": "float64", "flops_g": "float64", "checkpoint_mb": "float64", "input": "str",
    "engine": "str", "device": "str", "precision": "str", "threads": "int64", "batch": "int64",
    "latency_ms": "float64", "latency_low_ms": "float64", "latency_high_ms": "float64", "calls": "int64",
    "images_per_second": "float64", "memory_mb": "float64",
    "others_share": "float64", "difference": "float64", "note": "str", "machine": "str",
    "version": "str",
}  # fmt: skip
_SIZE: Final = ("parameters_m", "flops_g", "checkpoint_mb", "input")
_TIMES: Final = ("latency_ms", "latency_low_ms", "latency_high_ms", "memory_mb")
_REFERENCE: Final = "pytorch"


def summarise_benchmark(runs: pd.DataFrame, evaluated: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Return one row per model.

    Args:
        runs: As `BENCHMARK_TYPES` names the columns.
        evaluated: For each model, in the order of `runs`, its table of classes as the evaluation writes it, all classes
            last; empty for one that was not evaluated. None at all for models that nobody trained.

    Returns:
        Columns ``model``, ``parameters_m``, ``flops_g``, ``checkpoint_mb``, ``input``; time and memory of one image
        (``latency_ms``, ``latency_low_ms``, ``latency_high_ms``, ``memory_mb``) on ``engine``, which is PyTorch on the
        processor or, where it was not measured, the first that was; for each engine ``fps_…`` of one image after
        another, ``fps_best_…`` at the best batch and that batch in ``best_batch_…``; ``difference``, the largest of
        any engine's output to PyTorch's; ``machine``, ``threads``; and `MAIN_F1` with their intervals.

    Raises:
        ValueError: `evaluated` is not one a model.
    """
    names = list(dict.fromkeys(runs["model"]))
    if evaluated and len(evaluated) != len(names):
        raise ValueError(f"`evaluated` must be one table per model ({len(names)}), got {len(evaluated)}.")
    engines = list(dict.fromkeys(runs["engine"]))
    rows = []
    for place, name in enumerate(names):
        own = runs[runs["model"] == name]
        quality = _quality(evaluated[place]) if evaluated else {}
        rows.append({"model": name, **_one_image(own), **_speeds(own, engines), **quality})
    return pd.DataFrame(rows, columns=_columns(engines, evaluated=bool(evaluated)))


def metrics_of(runs: pd.DataFrame) -> dict[str, float]:
    """Return the numbers of one model by names that are the same for every model; those not measured are left out."""
    row = summarise_benchmark(runs).iloc[0]
    values = {name: row[name] for name in row.index if not isinstance(row[name], str)}
    return {f"benchmark_{name}": float(value) for name, value in values.items() if pd.notna(value)}


def choose_quality(models: pd.DataFrame, wanted: str | None = None) -> str | None:
    """Return the metric that models are compared by: `wanted`, or the first that all evaluated models have; or None.

    Raises:
        ValueError: No model has `wanted`.
    """
    known = [name for name in MAIN_F1 if name in models and models[name].notna().any()]
    if wanted is not None:
        if known and wanted not in known:
            raise ValueError(f"`quality` must be one of {', '.join(known)}, got {wanted!r}.")
        return wanted if known else None
    complete = [name for name in known if models[name].notna().sum() == models[known].notna().any(axis=1).sum()]
    return next(iter([*complete, *known]), None)


def _columns(engines: Sequence[str], *, evaluated: bool) -> list[str]:
    speeds = [f"{kind}_{engine}" for engine in engines for kind in ("fps", "fps_best", "best_batch")]
    qualities = [f"{name}{end}" for name in MAIN_F1 for end in ("", "_low", "_high")] if evaluated else []
    return ["model", *_SIZE, "engine", *_TIMES, *speeds, "difference", "machine", "threads", *qualities]


def _one_image(own: pd.DataFrame) -> dict[str, object]:
    size = {name: own.iloc[0][name] for name in _SIZE}
    single = own[own["batch"] == 1]
    preferred = single[single["engine"] == _REFERENCE]
    chosen = preferred if len(preferred) else single
    if chosen.empty:
        return size
    return size | {name: chosen.iloc[0][name] for name in ("engine", *_TIMES, "machine", "threads")}


def _speeds(own: pd.DataFrame, engines: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {"difference": own["difference"].max()}
    for engine in engines:
        rows = own[(own["engine"] == engine) & (own["batch"] > 0)]
        single = rows.loc[rows["batch"] == 1, "images_per_second"]
        found[f"fps_{engine}"] = float(single.iloc[0]) if len(single) else np.nan
        if len(rows):
            best = rows.iloc[int(rows["images_per_second"].to_numpy(dtype=float).argmax())]
            found |= {f"fps_best_{engine}": best["images_per_second"], f"best_batch_{engine}": best["batch"]}
    return found


def _quality(classes: pd.DataFrame) -> dict[str, float]:
    if classes.empty:
        return {}
    whole = classes.iloc[-1]
    names = [f"{name}{end}" for name in MAIN_F1 for end in ("", "_low", "_high")]
    return {name: float(whole[name]) for name in names if name in whole}
