"""A model on several engines, one after another, each in a process of its own."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cell_pipelines.inference.benchmark.engine_runs import Measured, Settings, measure_batches, write_reference
from cell_pipelines.inference.benchmark.isolated_process import call_in_isolated_process
from cell_pipelines.inference.engines.registry import ENGINES, find_hindrance

logger = logging.getLogger(__name__)


def measure_engines(
    checkpoint: Path, exported: Path | None, engines: Sequence[str], settings: Settings
) -> list[Measured]:
    """Measure a model on several engines, never two at a time.

    Args:
        checkpoint: The model file.
        exported: The same model as ONNX; None where it can't be exported.
        engines: Names in `ENGINES`.
        settings: How.

    Returns:
        One row per engine and batch size. An engine that can't be used here, or fails, has one row that says why.

    Raises:
        ValueError: The file is no model, or there is no such engine.
    """
    rows = []
    hindrances = {engine: find_hindrance(engine) for engine in engines}
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.npz"
        write_reference(checkpoint, settings.size, reference)
        for engine, hindrance in hindrances.items():
            if hindrance is None and ENGINES[engine].is_exported and exported is None:
                hindrance = "the network could not be exported."
            rows += (
                _measure(engine, checkpoint, exported, settings, reference)
                if hindrance is None
                else [_without_numbers(engine, settings, hindrance)]
            )
    return rows


def _measure(
    engine: str, checkpoint: Path, exported: Path | None, settings: Settings, reference: Path
) -> list[Measured]:
    try:
        found: list[Measured] = call_in_isolated_process(
            measure_batches, engine, checkpoint, exported, settings, reference
        )
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        logger.warning("%s: %s", ENGINES[engine].about, reason)
        return [_without_numbers(engine, settings, reason)]
    return found


def _without_numbers(engine: str, settings: Settings, note: str) -> Measured:
    kind = ENGINES[engine]
    return replace(Measured(engine, kind.device, kind.precision, settings.processors), note=note)
