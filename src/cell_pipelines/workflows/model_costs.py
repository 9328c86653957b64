"""Measure the costs of a trained model, in one row, for comparisons, reports and model cards."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.models.accelerators import Device

Side = Annotated[int, Field(ge=1)]


class CostParameters(BaseModel):
    """Settings of the measurement of a model's costs.

    Attributes:
        size: Height and width of the image; None for those that the model was trained with.
        threads: Processors; None for all.
        seconds: Time that is spent on measuring, beside a few seconds for starting.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: tuple[Side, Side] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] = 2.0
    device: Device = "auto"


def measure_model_costs(checkpoint: Path, parameters: CostParameters) -> pd.DataFrame:
    """Return one row with what a model file costs: parameters, operations, time and memory of one image in PyTorch."""
    from cell_pipelines.inference.benchmark.costs import measure_costs
    from cell_pipelines.inference.benchmark.engine_runs import Settings

    settings = Settings(size=parameters.size, threads=parameters.threads, seconds=parameters.seconds)
    return pd.DataFrame([asdict(measure_costs(checkpoint, settings, device=parameters.device))])
