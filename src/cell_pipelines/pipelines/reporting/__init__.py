"""Pages that tell it all: one a model, one that compares models, one about the study, and a model card."""

from cell_pipelines.pipelines.reporting.comparison_pipeline import create_comparison_pipeline
from cell_pipelines.pipelines.reporting.pipeline import create_pipeline
from cell_pipelines.pipelines.reporting.study_pipeline import create_study_pipeline

__all__ = ["create_comparison_pipeline", "create_pipeline", "create_study_pipeline"]
