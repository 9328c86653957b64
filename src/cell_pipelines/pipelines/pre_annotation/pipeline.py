"""Proposals for a person to correct, and the account of what the person changed."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.pre_annotation.nodes import (
    compare_with_corrections,
    draw_proposals,
    propose_cells,
    write_proposals,
)
from cell_pipelines.workflows.new_folders import in_new_folder


def create_pipeline() -> Pipeline:
    """Return the pipeline: find cells by brightness, write them for a person's program, draw them."""
    return Pipeline(
        [
            Node(
                propose_cells,
                inputs=["raw@images", "params:pre_annotation"],
                outputs=["proposed_annotations", "proposal_counts"],
                name="propose_cells",
            ),
            Node(
                in_new_folder(write_proposals),
                inputs=["new_folder", "proposed_annotations", "params:pre_annotation"],
                outputs="proposals",
                name="write_proposals",
            ),
            Node(
                in_new_folder(draw_proposals),
                inputs=["new_folder", "proposed_annotations", "raw@images", "params:pre_annotation"],
                outputs="proposal_overlays",
                name="draw_proposals",
            ),
        ],
        tags="preparation",
    )


def create_correction_pipeline() -> Pipeline:
    """Return the pipeline: read what a person made of the proposals and list what was changed."""
    node = Node(
        compare_with_corrections,
        inputs=["proposed_annotations", "corrected_source", "params:pre_annotation"],
        outputs=["corrected_annotations", "correction_objects", "correction_images"],
        name="compare_with_corrections",
    )
    return Pipeline([node], tags="preparation")
