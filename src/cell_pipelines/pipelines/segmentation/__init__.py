"""Training a segmentation network."""

from cell_pipelines.pipelines.segmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
