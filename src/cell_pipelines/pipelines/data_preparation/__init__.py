"""Splits without leaks, tiles, and the data set as Ultralytics wants it."""

from cell_pipelines.pipelines.data_preparation.pipeline import create_pipeline, create_yolo_pipeline

__all__ = ["create_pipeline", "create_yolo_pipeline"]
