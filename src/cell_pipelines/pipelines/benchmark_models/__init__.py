"""Benchmark the costs of each model on each engine."""

from cell_pipelines.pipelines.benchmark_models.cost_pipeline import create_cost_pipeline
from cell_pipelines.pipelines.benchmark_models.pipeline import create_pipeline, create_untrained_pipeline

__all__ = ["create_cost_pipeline", "create_pipeline", "create_untrained_pipeline"]
