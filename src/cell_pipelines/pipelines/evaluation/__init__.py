"""One evaluator for every model."""

from cell_pipelines.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
