"""From cells to their size, shape and light, and to how groups differ."""

from cell_pipelines.pipelines.morphology.pipeline import create_comparison_pipeline, create_pipeline

__all__ = ["create_comparison_pipeline", "create_pipeline"]
