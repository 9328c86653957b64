"""Generated images with perfect annotation."""

from cell_pipelines.pipelines.sample_data.pipeline import create_pipeline

__all__ = ["create_pipeline"]
