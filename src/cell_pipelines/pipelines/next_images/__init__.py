"""Rank unlabelled images by how much annotating them would bring."""

from cell_pipelines.pipelines.next_images.pipeline import create_pipeline

__all__ = ["create_pipeline"]
