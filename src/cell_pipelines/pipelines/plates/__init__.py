"""From a table of images and a layout to the wells of plates: quality, effects of position, dose-response, hits."""

from cell_pipelines.pipelines.plates.pipeline import create_pipeline

__all__ = ["create_pipeline"]
