"""Any annotation format in, one `AnnotationSet` and the account of it out."""

from cell_pipelines.pipelines.annotation_conversion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
