"""From a table of images and a layout to the wells of plates."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.plates.nodes import (
    analyse,
    log_metrics,
    plot,
    write_report,
    write_tables,
)
from cell_pipelines.workflows.new_folders import in_new_folder
from cell_pipelines.workflows.plates import FIGURES, TABLES

_PARAMETERS = "params:plates"
_RESULT = "analysed_plates"


def create_pipeline(measurements: str) -> Pipeline:
    """Return what is said of plates by `measurements`, a table with one row per image or cell."""
    tables, figures = [f"plates_{name}" for name in TABLES], [f"plates_{name}_figure" for name in FIGURES]
    return Pipeline(
        [
            Node(
                analyse,
                inputs=[measurements, "plate_layout", _PARAMETERS],
                outputs=[_RESULT, *tables],
                name="analyse_plates",
            ),
            Node(plot, inputs=[_RESULT, _PARAMETERS], outputs=figures, name="plot_plates"),
            Node(log_metrics, inputs="plates_quality", outputs="plates_metrics", name="log_plates"),
            Node(
                in_new_folder(write_tables),
                inputs=["new_folder", *tables],
                outputs="plates_workbook_folder",
                name="write_plate_workbook",
            ),
            Node(
                write_report,
                inputs=[_RESULT, measurements, "invocation", _PARAMETERS, *figures],
                outputs="plates_report",
                name="report_plates",
            ),
        ],
        tags="biology",
    )
