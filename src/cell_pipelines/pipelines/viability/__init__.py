"""From cells to viability: of fields, series and conditions, with intervals."""

from cell_pipelines.pipelines.viability.pipeline import create_pipeline

__all__ = ["create_pipeline"]
