"""Find labels that look wrong."""

from cell_pipelines.pipelines.suspected_labels.pipeline import create_pipeline

__all__ = ["create_pipeline"]
