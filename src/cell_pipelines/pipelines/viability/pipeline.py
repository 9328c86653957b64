"""From the cells of one source to its viability."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.viability.nodes import (
    TABLES,
    compare,
    count,
    count_within_regions,
    draw,
    fit_doses,
    log_metrics,
    plot,
    plot_doses,
    summarise,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_FIELDS = "viability_fields"
_FIGURE = "viability_conditions_figure"
_DOSE_FIGURES = "viability_dose_response_folder"


def create_pipeline(source: str, images: str) -> Pipeline:
    """Return the viability by the cells of `source`, seen in `images`."""
    tables = [f"viability_{name}" for name in TABLES]
    nodes = [
        Node(
            count,
            inputs=["cells", "joined_metadata", "origin", "params:viability"],
            outputs=[_FIELDS, "viability_cells"],
            name="count_viability",
        ),
        Node(
            count_within_regions,
            inputs=["cells", "joined_metadata", "viability_cells", "origin", images, "params:viability"],
            outputs="viability_regions",
            name="count_viability_in_regions",
        ),
        Node(summarise, inputs=[_FIELDS, "origin"], outputs=tables[1:4], name="summarise_viability"),
        Node(
            compare,
            inputs=[_FIELDS, "origin", "params:viability"],
            outputs="viability_comparisons",
            name="compare_conditions",
        ),
        Node(
            fit_doses,
            inputs=[_FIELDS, "origin"],
            outputs=["dose_responses", tables[-1], "viability_dose_curves"],
            name="fit_dose_responses",
        ),
        Node(
            in_new_folder(plot_doses),
            inputs=["new_folder", "dose_responses"],
            outputs=_DOSE_FIGURES,
            name="plot_dose_responses",
        ),
        Node(plot, inputs=[_FIELDS, "viability_conditions"], outputs=_FIGURE, name="plot_viability"),
        Node(log_metrics, inputs=_FIELDS, outputs="viability_metrics", name="log_viability"),
        Node(
            in_new_folder(draw),
            inputs=["new_folder", "cells", "viability_cells", images, "params:viability"],
            outputs="viability_pictures_folder",
            name="draw_viability",
        ),
        Node(
            write_report,
            inputs=[
                "viability_pictures_folder",
                _FIGURE,
                _DOSE_FIGURES,
                "origin",
                "metadata_findings",
                "params:viability",
                *tables,
            ],
            outputs="viability_report",
            name="report_viability",
        ),
    ]
    return Pipeline(
        nodes, namespace=source, inputs={images, "new_folder"}, parameters={"params:viability"}, tags="biology"
    )
