"""Many trainings that differ in one thing, each a run of its own, compared at the end."""

from cell_pipelines.pipelines.experiments.pipeline import (
    create_comparison_pipeline,
    create_plan_pipeline,
    create_results_pipeline,
    create_search_pipeline,
    create_training_pipeline,
)

__all__ = [
    "create_comparison_pipeline",
    "create_plan_pipeline",
    "create_results_pipeline",
    "create_search_pipeline",
    "create_training_pipeline",
]
