"""Training a detector."""

from cell_pipelines.pipelines.detection.pipeline import create_pipeline, create_preview_pipeline

__all__ = ["create_pipeline", "create_preview_pipeline"]
