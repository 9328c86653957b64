"""Whose cells a statement about samples is made of: the truth's, a model's, or those found in new images."""

from cell_pipelines.pipelines.cell_selection.pipeline import create_pipeline

__all__ = ["create_pipeline"]
