"""A trained model out, for other programs."""

from cell_pipelines.pipelines.model_export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
