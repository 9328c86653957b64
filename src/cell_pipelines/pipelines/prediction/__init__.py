"""Trained models on images, labelled ones and new ones."""

from cell_pipelines.pipelines.prediction.pipeline import (
    create_foreign_pipeline,
    create_pipeline,
    create_scoring_pipeline,
)

__all__ = ["create_foreign_pipeline", "create_pipeline", "create_scoring_pipeline"]
