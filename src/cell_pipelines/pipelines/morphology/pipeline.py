"""From cells and images to measures and comparisons."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.morphology.nodes import (
    compare,
    compare_sources,
    draw,
    log_metrics,
    measure,
    report_sources,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_CELLS = "morphology_cells"
_COMPARED = ("morphology_groups", "morphology_comparisons")
_FIGURE = "morphology_groups_figure"
_SETTINGS = "params:morphology"


def create_pipeline(source: str, images: str) -> Pipeline:
    """Return the morphology of the cells of `source`, seen in `images`."""
    nodes = [
        Node(
            measure,
            inputs=["cells", images, "joined_metadata", "origin", _SETTINGS],
            outputs=_CELLS,
            name="measure_cells",
        ),
        Node(
            compare,
            inputs=[_CELLS, "origin", _SETTINGS],
            outputs=[*_COMPARED, _FIGURE],
            name="compare_groups",
        ),
        Node(log_metrics, inputs=_CELLS, outputs="morphology_metrics", name="log_morphology"),
        Node(
            in_new_folder(draw),
            inputs=["new_folder", "cells", images, _SETTINGS],
            outputs="morphology_pictures_folder",
            name="draw_cells",
        ),
        Node(
            write_report,
            inputs=[
                "morphology_pictures_folder",
                "origin",
                "metadata_findings",
                _SETTINGS,
                _CELLS,
                *_COMPARED,
                _FIGURE,
            ],
            outputs="morphology_report",
            name="report_morphology",
        ),
    ]
    return Pipeline(nodes, namespace=source, inputs={images, "new_folder"}, parameters={_SETTINGS}, tags="biology")


def create_comparison_pipeline(sources: tuple[str, ...]) -> Pipeline:
    """Return the comparison of cells by several sources, such as methods; nothing where there is only one."""
    if len(sources) < 2:
        return Pipeline([])
    tables = [f"{source}.{name}" for name in (_CELLS, "joined_metadata") for source in sources]
    compared = [f"methods.{name}" for name in (*_COMPARED, _FIGURE)]
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each source, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        nodes = [
            Node(
                compare_sources(len(sources)),
                inputs=[_SETTINGS, *tables],
                outputs=compared,
                name="compare_methods",
            ),
            Node(
                report_sources(len(sources)),
                inputs=[_SETTINGS, *compared, *tables],
                outputs="methods.morphology_report",
                name="report_methods",
            ),
        ]
        return Pipeline(nodes, tags="biology")
