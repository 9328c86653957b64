"""Figures of what models cost: time of an image, images per second, and quality over cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.metrics.choices import MAIN_F1, title_of
from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: How engines are called.
ENGINES: Final = {
    "pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO",
    "openvino_bfloat16": "OpenVINO, bfloat16", "pytorch_cuda": "PyTorch, GPU", "onnxruntime_cuda": "ONNX Runtime, GPU",
    "pytorch_mps": "PyTorch, Apple's GPU", "tensorrt": "TensorRT, GPU",
}  # fmt: skip
#: How metrics are called.
QUALITIES: Final = {name: title_of(name) for name in MAIN_F1}
_COSTS: Final = {"latency_ms": "time of an image, ms", "parameters_m": "parameters, million"}
_HEIGHT: Final = 0.8  # of a model's row, shared by the engines


def plot_benchmark(models: pd.DataFrame, runs: pd.DataFrame, *, quality: str | None = None) -> Figure:
    """Plot the time of one image and the most images per second on each engine, and quality over cost.

    Args:
        models: As `analysis.benchmark.summarise_benchmark` gives it.
        runs: The measurements, as `analysis.benchmark.BENCHMARK_TYPES` names the columns.
        quality: Column of `models` that is shown over cost; None shows none.

    Returns:
        The figure: a panel for time, one for speed, and one each for quality over time and over parameters where a
        model has it. It says so where nothing was measured.
    """
    known = runs[runs["batch"] > 0]
    if known.empty:
        return panels.create_note("Nothing was measured.")
    names = list(dict.fromkeys(models["model"]))
    engines = [engine for engine in ENGINES if engine in set(known["engine"])]
    has_quality = quality is not None and quality in models and models[quality].notna().any()
    width = 3.0 + 0.03 * max(len(panels.to_plain(model_title(name), longest=26)) for name in names)
    tall = max(2.2, 0.16 * len(names) * len(engines) + 0.9)
    figure, axes = panels.create_panels(4 if has_quality else 2, columns=2, size=(width, tall))
    handles = _draw_times(axes[0], known[known["batch"] == 1], names, engines)
    _draw_speeds(axes[1], known, names, engines)
    if has_quality and quality is not None:
        for place, column in enumerate(_COSTS, start=2):
            _draw_quality(axes[place], models, quality, column)
    panels.add_legend(figure, handles)
    return figure


def _colour(engine: str) -> str:
    return to_hex(category_colour(list(ENGINES).index(engine)))


def _places(count: int, engines: list[str], engine: str) -> np.ndarray[Any, Any]:
    step = _HEIGHT / len(engines)
    return np.arange(count) - _HEIGHT / 2 + step * (engines.index(engine) + 0.5)


def _draw_times(axes: Axes, single: pd.DataFrame, names: list[str], engines: list[str]) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    for engine in engines:
        own = single[single["engine"] == engine].set_index("model").reindex(names)
        places = _places(len(names), engines, engine)
        colour = _colour(engine)
        axes.hlines(places, own["latency_low_ms"], own["latency_high_ms"], color=colour, linewidth=2.2, alpha=0.5)
        (handles[ENGINES[engine]],) = axes.plot(own["latency_ms"], places, "o", color=colour, markersize=5)
    _frame(axes, names, title="One image: median, 5 to 95 % of calls", x="ms", is_first=True)
    return handles


def _draw_speeds(axes: Axes, known: pd.DataFrame, names: list[str], engines: list[str]) -> None:
    best = known.loc[known.groupby(["model", "engine"])["images_per_second"].idxmax()]
    for engine in engines:
        own = best[best["engine"] == engine].set_index("model").reindex(names)
        places = _places(len(names), engines, engine)
        axes.barh(places, own["images_per_second"], height=_HEIGHT / len(engines) * 0.85, color=_colour(engine))
        for place, speed, batch in zip(places, own["images_per_second"], own["batch"], strict=True):
            if np.isfinite(speed) and batch > 1:
                axes.annotate(
                    f"{batch:.0f} at once", (speed, place), xytext=(2, 0), textcoords="offset points", va="center",
                    fontsize=6.5, color=panels.GREY,
                )  # fmt: skip
    axes.margins(x=0.25)
    _frame(axes, names, title="At the best batch", x="images per second", is_first=False)
    axes.set_xlim(left=0)


def _frame(axes: Axes, names: list[str], *, title: str, x: str, is_first: bool) -> None:
    labels = [panels.to_plain(model_title(name), longest=26) for name in names] if is_first else [""] * len(names)
    axes.set_yticks(np.arange(len(names)), labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    panels.style_axes(axes, title=title, x=x, y="")
    axes.tick_params(axis="y", length=0)
    if is_first:
        low, high = axes.dataLim.intervalx
        is_wide = low > 0 and high > 20 * low
        axes.set_xscale("log" if is_wide else "linear")
        if not is_wide:
            axes.set_xlim(left=0)


def _draw_quality(axes: Axes, models: pd.DataFrame, quality: str, cost: str) -> None:
    known = models[models[quality].notna() & models[cost].notna()]
    midpoint = float(known[cost].min() + known[cost].max()) / 2
    for row in known.to_dict(orient="records"):
        ends = [row.get(f"{quality}_{end}", np.nan) for end in ("low", "high")]
        if np.isfinite(ends).all():
            axes.vlines(row[cost], *ends, color=panels.GREY, linewidth=2, alpha=0.5)
        axes.plot(row[cost], row[quality], "o", color=panels.DARK, markersize=5)
        is_right = row[cost] > midpoint
        axes.annotate(
            panels.to_plain(model_title(str(row["model"])), longest=22), (row[cost], row[quality]), fontsize=7,
            xytext=(-5 if is_right else 5, 3), textcoords="offset points", ha="right" if is_right else "left",
        )  # fmt: skip
    panels.style_axes(axes, title=f"{QUALITIES.get(quality, quality)}, 95 % interval", x=_COSTS[cost], y="0 to 1")
    axes.margins(x=0.15, y=0.2)
