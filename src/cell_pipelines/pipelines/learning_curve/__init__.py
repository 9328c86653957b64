"""Estimate what more training images would bring, from the trials of an experiment."""

from cell_pipelines.pipelines.learning_curve.pipeline import create_pipeline

__all__ = ["create_pipeline"]
