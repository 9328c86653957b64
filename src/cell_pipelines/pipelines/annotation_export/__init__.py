"""An `AnnotationSet`, true or predicted, out in any format."""

from cell_pipelines.pipelines.annotation_export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
