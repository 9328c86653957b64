"""The page about what models cost: the papers' tables with our own numbers, and every measurement behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from cell_pipelines.report.figures.benchmark import ENGINES, QUALITIES
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Share of the processors that other processes may take without being warned of.
_DISTURBED: Final = 0.1
_SIZE: Final = {
    "parameters_m": ("parameters, M", "Numbers that training sets, in millions."),
    "flops_g": (
        "FLOPs, G",
        "Operations of convolutions, matrix products and attention for one image, in thousand millions; a "
        "multiplication with its addition is 2. They grow with the area of the image.",
    ),
    "checkpoint_mb": ("file, MB", "Size of the model file."),
    "input": ("input", "Channels x height x width of the image that all numbers are for."),
    "latency_ms": ("time, ms", "Median time of the network for one image, after a warm-up."),
    "latency_range": ("5 to 95 %", "Range of the time of nine of ten calls."),
    "memory_mb": ("memory, MB", "What a fresh process took for one image at most, beside the libraries."),
}
_RUNS: Final = {
    "model": "model", "engine": "engine", "precision": "precision", "batch": "images at once",
    "latency_ms": "time, ms", "latency_low_ms": "5 %, ms", "latency_high_ms": "95 %, ms", "calls": "calls",
    "images_per_second": "images per second", "memory_mb": "memory, MB", "others_share": "other processes",
    "difference": "difference",
    "note": "note",
}  # fmt: skip


def benchmark_cards(models: pd.DataFrame, runs: pd.DataFrame) -> dict[str, str]:
    """Return the headline numbers: how many models, the fewest parameters, and the lowest time.

    Args:
        models: As `analysis.benchmark.summarise_benchmark` gives it.
        runs: The measurements. Times that other processes disturbed, or of images of several sizes, give no lowest one.
    """
    cards = {"Models": str(len(models))}
    for title, column, unit in (("Fewest parameters", "parameters_m", "M"), ("Lowest time", "latency_ms", "ms")):
        known = models[models[column].notna()]
        comparable = known["input"].nunique() <= 1 and not runs["others_share"].max() > _DISTURBED
        if len(known) and (column == "parameters_m" or comparable):
            if column == "latency_ms":
                title += f", {ENGINES.get(str(known['engine'].iloc[0]), known['engine'].iloc[0])}"
            best = known.iloc[int(known[column].to_numpy(dtype=float).argmin())]
            cards[title] = f"{best['model']}, {_short(float(best[column]))} {unit}"
    return cards


def benchmark_sections(models: pd.DataFrame, runs: pd.DataFrame, figure: Figure | Embedded) -> list[Section]:
    """Return the sections of a page about what models cost.

    Args:
        models: As `analysis.benchmark.summarise_benchmark` gives it.
        runs: The measurements, as `analysis.benchmark.BENCHMARK_TYPES` names the columns.
        figure: Of `figures.benchmark.plot_benchmark`.

    Returns:
        Size, time and memory of one image; speed on each engine; the figure; all measurements; how it was measured.
    """
    if models.empty:
        return [Section("What models cost", [Text("There is no model to measure.")])]
    caption = "Time of one image, images per second at the best batch, and quality over cost"
    return [
        Section("Size, time and memory", [_size_table(models)]),
        Section("Speed", [_speed_table(models, runs)], "Images a second; of the network alone."),
        Section("Figures", [Picture(figure, caption)]),
        Section("Every measurement", [_runs_table(runs)]),
        Section("How it was measured", _how(runs)),
    ]


def _size_table(models: pd.DataFrame) -> Table:
    import pandas as pd

    ends = models[["latency_low_ms", "latency_high_ms"]].to_numpy(dtype=float)
    ranges = [None if math.isnan(low) else f"{_short(low)} to {_short(high)}" for low, high in ends]
    frame: dict[str, list[object]] = {"model": models["model"].tolist()}
    for column, (title, _) in _SIZE.items():
        frame[title] = list(ranges) if column == "latency_range" else models[column].tolist()
    for column, title in QUALITIES.items():
        if column in models and models[column].notna().any():
            frame[title] = models[column].tolist()
    engine = ENGINES.get(str(models["engine"].dropna().iloc[0]), "") if models["engine"].notna().any() else ""
    caption = f"What each model costs for one image{', on ' + engine if engine else ''}"
    return Table(pd.DataFrame(frame), caption, dict(_SIZE.values()))


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _speed_table(models: pd.DataFrame, runs: pd.DataFrame) -> Table:
    import pandas as pd

    frame: dict[str, list[object]] = {"model": models["model"].tolist()}
    for engine in (name for name in ENGINES if name in set(runs["engine"])):
        frame[ENGINES[engine]] = models[f"fps_{engine}"].tolist()
        frame[f"{ENGINES[engine]}, best batch"] = models[f"fps_best_{engine}"].tolist()
    table = pd.DataFrame(frame)
    measured = [column for column in table if column == "model" or table[column].notna().any()]
    return Table(table[measured], "Images a second: one after another, and at the best number of images at once")


def _runs_table(runs: pd.DataFrame) -> Table:
    shown = runs[list(_RUNS)].assign(
        engine=runs["engine"].map(ENGINES).fillna(runs["engine"]), batch=runs["batch"].where(runs["batch"] > 0)
    )
    meaning = {
        "difference": "Largest difference to PyTorch's output: of scores, and of pixels relative to the largest.",
        "other processes": "Share of all processors that other processes took meanwhile; it makes times longer.",
        "memory, MB": "Of a process in which smaller batches ran before, at most.",
    }
    return Table(shown.rename(columns=_RUNS), "One row per engine and number of images at once", meaning)


def _how(runs: pd.DataFrame) -> list[Item]:
    machines = [name for name in dict.fromkeys(runs["machine"]) if name]
    versions = [name for name in dict.fromkeys(runs["version"]) if name]
    threads = sorted(set(runs["threads"]))
    busiest = runs["others_share"].max()
    warning = (
        f"Other processes took up to {100 * busiest:.0f} % of the processors meanwhile, so that times are longer than "
        "they need be and engines are not to be compared. Measure again while the machine rests."
    )
    return [
        *([Text(warning)] if busiest > _DISTURBED else []),
        Text(
            "Each engine ran in a process of its own, one after another: three calls to warm up, then timed ones. "
            "The time is that of the network, with the way of the image to the device and back, and without what "
            "follows: suppressing boxes, joining tiles, separating cells."
        ),
        Text(f"On {', '.join(machines) or 'an unknown machine'}; {', '.join(map(str, threads))} processors used. "
             f"{', '.join(versions)}."),
    ]  # fmt: skip
