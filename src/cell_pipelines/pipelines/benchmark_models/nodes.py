"""Nodes of the benchmark of models."""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.benchmark import BENCHMARK_TYPES, choose_quality, metrics_of, summarise_benchmark
from cell_pipelines.inference.benchmark.engine_runs import Settings
from cell_pipelines.models.spec import NetworkChoice
from cell_pipelines.pipelines.benchmark_models.parameters import BenchmarkParameters
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page

logger = logging.getLogger(__name__)

Joined = tuple[pd.DataFrame, pd.DataFrame]


def export(checkpoint: Path, parameters: BenchmarkParameters) -> bytes:
    """Return a model as ONNX with all that is needed to use it; nothing where no engine reads it, or it can't be."""
    from cell_pipelines.inference.engines.deployed import load_deployed
    from cell_pipelines.inference.engines.export import ExportError, export_onnx
    from cell_pipelines.inference.engines.registry import ENGINES, find_hindrance

    if not any(ENGINES[name].is_exported and find_hindrance(name) is None for name in parameters.engines):
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            difference = export_onnx(load_deployed(checkpoint, parameters.size), path)
        except ExportError as error:
            logger.warning("%s: %s", checkpoint.name, error)
            return b""
        logger.info("%s exported; its output differs from PyTorch's by at most %.1g.", checkpoint.name, difference)
        return path.read_bytes()


def measure(model: str) -> Callable[[Path, Path | None, BenchmarkParameters], pd.DataFrame]:
    """Return the function of the node that measures `model`."""

    def measure_model(checkpoint: Path, exported: Path | None, parameters: BenchmarkParameters) -> pd.DataFrame:
        """Return one row per engine and number of images at once."""
        return _measure(model, checkpoint, exported, parameters)

    return measure_model


def _measure(model: str, checkpoint: Path, exported: Path | None, parameters: BenchmarkParameters) -> pd.DataFrame:
    from cell_pipelines.inference.benchmark.costs import measure_size
    from cell_pipelines.inference.benchmark.engine_comparison import measure_engines

    size = measure_size(checkpoint, parameters.size)
    # The plain class, since the processes that measure load nothing else.
    settings = Settings(**{setting.name: getattr(parameters, setting.name) for setting in fields(Settings)})
    measured = measure_engines(checkpoint, exported, parameters.engines, settings)
    rows = [{"model": model, **size, **asdict(one), **_origin(one.engine)} for one in measured]
    return pd.DataFrame(rows, columns=list(BENCHMARK_TYPES)).astype(BENCHMARK_TYPES)


def _origin(engine: str) -> dict[str, str]:
    from cell_pipelines.inference.benchmark.machine import name_device, name_version
    from cell_pipelines.inference.engines.registry import ENGINES

    return {"machine": name_device(ENGINES[engine].device), "version": name_version(ENGINES[engine].package)}


def measure_untrained(parameters: BenchmarkParameters) -> pd.DataFrame:
    """Return one row per network, engine and number of images at once, of networks that nobody has trained."""
    tables = [pd.DataFrame(columns=list(BENCHMARK_TYPES)).astype(BENCHMARK_TYPES)]
    with tempfile.TemporaryDirectory() as folder:
        for number, choice in enumerate(parameters.networks):
            name = Path(choice).stem if isinstance(choice, str) else choice.name
            place = Path(folder) / str(number)  # of its own, as two choices may have one name
            place.mkdir()
            checkpoint, exported = (place / f"{name}.{ending}" for ending in ("pt", "onnx"))
            _write_untrained(checkpoint, choice, parameters)
            written = export(checkpoint, parameters)
            exported.write_bytes(written)
            tables.append(_measure(name, checkpoint, exported if written else None, parameters))
    return pd.concat(tables, ignore_index=True).astype(BENCHMARK_TYPES)


def _write_untrained(path: Path, choice: str | NetworkChoice, parameters: BenchmarkParameters) -> None:
    from cell_pipelines.models.spec import NetworkSpec
    from cell_pipelines.models.untrained_file import write_untrained_network, write_untrained_yolo

    categories = tuple(f"category {number + 1}" for number in range(parameters.network_categories))
    side = parameters.network_size
    if isinstance(choice, str):
        write_untrained_yolo(path, choice, image_size=side, categories=categories)
        return
    channels = parameters.network_channels
    spec = NetworkSpec(choice.architecture, choice.encoder, channels, len(categories), options=choice.options)
    write_untrained_network(path, spec, tile=side, categories=categories)


def join(*tables: pd.DataFrame) -> Joined:
    """Return one row per model, and all rows of all models.

    Args:
        *tables: One of `measure` for each model, then the class table of each, which is empty where a model was not
            evaluated.
    """
    half = len(tables) // 2
    runs = pd.concat(tables[:half], ignore_index=True)
    return summarise_benchmark(runs, tables[half:]), runs


def join_untrained(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per network."""
    return summarise_benchmark(runs)


def log_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return a model's costs as MLflow wants them, with the same names for every model."""
    return {name: {"value": value, "step": 0} for name, value in metrics_of(table).items()}


def plot(models: pd.DataFrame, runs: pd.DataFrame, parameters: BenchmarkParameters) -> Any:
    """Return the figure of latency and throughput, and of quality over cost where models were evaluated."""
    from cell_pipelines.report.figures.benchmark import plot_benchmark

    return plot_benchmark(models, runs, quality=choose_quality(models, parameters.quality))


def write_report(models: pd.DataFrame, runs: pd.DataFrame, figure: Embedded, parameters: BenchmarkParameters) -> Page:
    """Return the page."""
    from cell_pipelines.report.pages.benchmark import benchmark_cards, benchmark_sections

    return embedded_page(parameters.title, benchmark_cards(models, runs), benchmark_sections(models, runs, figure))
