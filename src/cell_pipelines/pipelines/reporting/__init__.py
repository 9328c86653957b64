"""One page that tells it all."""

from cell_pipelines.pipelines.reporting.pipeline import create_comparison_pipeline, create_pipeline

__all__ = ["create_comparison_pipeline", "create_pipeline"]
