"""From the cells of a time-lapse to tracks, films and exports."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.tracking.nodes import (
    TABLES,
    draw,
    export,
    follow_shapes,
    link,
    log_metrics,
    measure,
    plot,
    score,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_FIGURES = ["tracking_ways_figure", "tracking_speeds_figure", "tracking_displacements_figure"]
_LINKED = "tracking_cells"
_SETTINGS = "params:tracking"


def create_pipeline(source: str, images: str) -> Pipeline:
    """Return the tracking of the cells of `source`, seen in `images`."""
    nodes = [
        Node(link, inputs=["cells", "joined_metadata", "origin", _SETTINGS], outputs=_LINKED, name="link_cells"),
        Node(
            measure,
            inputs=[_LINKED, "cells", "origin", _SETTINGS],
            outputs=["tracking_tracks", "tracking_steps", "tracking_displacements", "tracking_persistence"],
            name="measure_tracks",
        ),
        Node(
            follow_shapes,
            inputs=[_LINKED, "cells", "origin"],
            outputs="tracking_shapes",
            name="follow_shapes",
        ),
        Node(
            score,
            inputs=["annotations", "true_lineage", _LINKED, "cells", "joined_metadata", "origin", _SETTINGS],
            outputs="tracking_scores",
            name="score_tracks",
        ),
        Node(
            in_new_folder(export),
            inputs=["new_folder", _LINKED, "cells", "joined_metadata", _SETTINGS],
            outputs="tracking_export_folder",
            name="export_tracks",
        ),
        Node(
            in_new_folder(draw),
            inputs=["new_folder", _LINKED, "cells", "joined_metadata", images, _SETTINGS],
            outputs="tracking_films_folder",
            name="draw_tracks",
        ),
        Node(
            plot,
            inputs=["tracking_tracks", "tracking_displacements", "tracking_persistence", _LINKED, "cells"],
            outputs=_FIGURES,
            name="plot_tracks",
        ),
        Node(
            log_metrics, inputs=["tracking_tracks", "tracking_scores"], outputs="tracking_metrics", name="log_tracking"
        ),
        Node(
            write_report,
            inputs=[
                "tracking_films_folder",
                "origin",
                "metadata_findings",
                _SETTINGS,
                *(f"tracking_{name}" for name in TABLES),
                *_FIGURES,
            ],
            outputs="tracking_report",
            name="report_tracking",
        ),
    ]
    shared = {images, "annotations", "true_lineage", "new_folder"}
    return Pipeline(nodes, namespace=source, inputs=shared, parameters={_SETTINGS}, tags="biology")
