"""Which unlabelled images are worth annotating next."""

from cell_pipelines.pipelines.next_images.pipeline import create_pipeline

__all__ = ["create_pipeline"]
