"""Measure the costs of a trained model, in one row, for comparisons, reports and model cards."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cell_pipelines.inference.benchmark.engine_runs import Measurement
from cell_pipelines.models.accelerators import Device


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class CostParameters(Measurement):
    """Parameters of the measurement of a model's costs: the library's settings, and the device.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    device: Device = "auto"


def measure_model_costs(checkpoint: Path, parameters: CostParameters) -> pd.DataFrame:
    """Return one row with what a model file costs: parameters, operations, time and memory of one image in PyTorch.

    Of a model that runs by another tool's code there are only the parameters.
    """
    from cell_pipelines.inference.benchmark.costs import measure_costs
    from cell_pipelines.models.model_file import count_parameters, model_family

    if model_family(checkpoint) not in ("yolo", "segmentation"):  # it runs by its own tool's code
        return pd.DataFrame([{"parameters_m": count_parameters(checkpoint) / 1e6}])
    return pd.DataFrame([asdict(measure_costs(checkpoint, parameters, device=parameters.device))])
