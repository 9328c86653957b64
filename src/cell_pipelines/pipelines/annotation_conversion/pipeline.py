"""From a folder of images and somebody's annotations to an `AnnotationSet`."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.annotation_conversion.nodes import convert_annotations, survey_images


def create_pipeline() -> Pipeline:
    """Return the pipeline: read the images, read the annotations, account for both."""
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
                outputs=["annotations", "conversion_findings", "conversion_summary"],
                name="convert_annotations",
            ),
        ],
        tags="preparation",
    )
