"""From cells and images to measures and comparisons."""

import warnings

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.morphology.nodes import (
    TABLES,
    compare,
    compare_sources,
    draw,
    log_metrics,
    measure,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_CELLS = "morphology_cells"
_SETTINGS = "params:morphology"


def create_pipeline(source: str, images: str) -> Pipeline:
    """Return the morphology of the cells of `source`, seen in `images`."""
    nodes = [
        Node(
            measure,
            inputs=["cells", images, "image_facts", "origin", _SETTINGS],
            outputs=_CELLS,
            name="measure_cells",
        ),
        Node(
            compare,
            inputs=[_CELLS, "origin", _SETTINGS],
            outputs=["morphology_groups", "morphology_comparisons", "morphology_groups_figure"],
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
                *(f"morphology_{name}" for name in TABLES),
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
    outputs = ("groups", "comparisons", "groups_figure", "report")
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each source, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        node = Node(
            compare_sources(sources),
            inputs=[
                _SETTINGS,
                *(f"{source}.{_CELLS}" for source in sources),
                *(f"{source}.image_facts" for source in sources),
            ],
            outputs=[f"methods.morphology_{name}" for name in outputs],
            name="compare_methods",
        )
        return Pipeline([node], tags="biology")
