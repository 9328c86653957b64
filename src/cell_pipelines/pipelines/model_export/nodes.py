"""Node of the export of a model."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cell_pipelines.pipelines.model_export.parameters import ModelExportParameters
from cell_pipelines.workflows.model_export import FORMATS, export_model

logger = logging.getLogger(__name__)


def export(checkpoint: Path, parameters: ModelExportParameters) -> Callable[[Path], None]:
    """Return what writes a model into a folder, in the format of the parameters, called as the model."""
    return partial(_write, checkpoint, parameters)


def _write(checkpoint: Path, parameters: ModelExportParameters, folder: Path) -> None:
    path = folder / f"{checkpoint.stem}{FORMATS[parameters.format]}"
    logger.info("%s", export_model(checkpoint, path, **parameters.model_dump()).sentence())
