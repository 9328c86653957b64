"""Select the source of cells for statements about samples: the ground truth, a model, or new images."""

from cell_pipelines.pipelines.cell_selection.pipeline import create_pipeline

__all__ = ["create_pipeline"]
