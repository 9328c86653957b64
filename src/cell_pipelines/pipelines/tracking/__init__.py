"""From the cells of a time-lapse to tracks: linked, measured, exported, drawn."""

from cell_pipelines.pipelines.tracking.pipeline import create_pipeline

__all__ = ["create_pipeline"]
