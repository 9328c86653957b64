"""From a folder of images and somebody's annotations to an `AnnotationSet`."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.annotation_conversion.nodes import (
    check_quality,
    convert_annotations,
    report_conversion,
    survey_images,
)


def create_pipeline() -> Pipeline:
    """Return the pipeline: read the images, read the annotations, account for both, find likely errors."""
    tables = ["conversion_findings", "conversion_summary", "conversion_classes"]
    return Pipeline(
        [
            Node(
                survey_images,
                inputs=["raw@images", "params:annotation_conversion"],
                outputs="image_table",
                name="survey_images",
            ),
            Node(
                convert_annotations,
                inputs=["raw@annotations", "image_table", "params:annotation_conversion"],
                outputs=["annotations", *tables],
                name="convert_annotations",
            ),
            Node(
                check_quality,
                inputs=["annotations", "params:annotation_conversion"],
                outputs=["quality_findings", "format_losses"],
                name="check_quality",
            ),
            Node(
                report_conversion,
                inputs=["annotations", *tables[:2], "quality_findings", "format_losses"],
                outputs="conversion_report",
                name="report_conversion",
            ),
        ],
        tags="preparation",
    )
