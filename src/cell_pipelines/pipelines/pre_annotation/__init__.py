"""Cells proposed without a model for a person to correct, and what the person changed."""

from cell_pipelines.pipelines.pre_annotation.pipeline import create_correction_pipeline, create_pipeline

__all__ = ["create_correction_pipeline", "create_pipeline"]
