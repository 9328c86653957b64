"""From nuclei and their spots to signal patterns and mosaicism."""

from cell_pipelines.pipelines.fish.pipeline import create_pipeline

__all__ = ["create_pipeline"]
