"""From nuclei and images to signals, patterns and mosaicism."""

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.fish.nodes import (
    TABLES,
    draw,
    find_spots,
    log_metrics,
    plot_aneuploidy,
    plot_patterns,
    score,
    tabulate,
    write_report,
)
from cell_pipelines.workflows.new_folders import in_new_folder

_FIGURES = ("fish_patterns_figure", "fish_aneuploidy_figure")


def create_pipeline(source: str, images: str) -> Pipeline:
    """Return the mosaicism by the nuclei of `source`, seen in `images`."""
    settings = "params:fish"
    nodes = [
        Node(
            find_spots,
            inputs=["cells", images, "joined_metadata", "origin", settings],
            outputs=["fish_spots", "fish_signals", "fish_nuclei"],
            name="find_spots",
        ),
        Node(
            tabulate,
            inputs=["fish_nuclei", "origin", settings],
            outputs=["fish_patterns", "fish_aneuploidy", "fish_thresholds"],
            name="tabulate_patterns",
        ),
        Node(
            score,
            inputs=["true_spots", "fish_signals", "cells", "origin", settings],
            outputs="fish_scores",
            name="score_spots",
        ),
        Node(plot_patterns, inputs=["fish_patterns", settings], outputs=_FIGURES[0], name="plot_patterns"),
        Node(plot_aneuploidy, inputs=["fish_aneuploidy", settings], outputs=_FIGURES[1], name="plot_aneuploidy"),
        Node(log_metrics, inputs=["fish_nuclei", "fish_scores"], outputs="fish_metrics", name="log_fish"),
        Node(
            in_new_folder(draw),
            inputs=["new_folder", "cells", "fish_nuclei", "fish_signals", "fish_spots", images, settings],
            outputs="fish_pictures_folder",
            name="draw_fish",
        ),
        Node(
            write_report,
            inputs=[
                "fish_pictures_folder",
                "origin",
                "metadata_findings",
                settings,
                *(f"fish_{name}" for name in TABLES),
                *_FIGURES,
            ],
            outputs="fish_report",
            name="report_fish",
        ),
    ]
    return Pipeline(
        nodes, namespace=source, inputs={images, "true_spots", "new_folder"}, parameters={settings}, tags="biology"
    )
