"""Choose thresholds on stored predictions and put them into the model file."""

from cell_pipelines.pipelines.threshold_optimisation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
