"""From the reports of a study's models to one page about the study, and the card of its best model."""

import warnings
from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline

from cell_pipelines.pipelines.reporting.card import CARD_INPUTS, describe_model
from cell_pipelines.pipelines.reporting.choice import CHOICE_INPUTS, choose_model
from cell_pipelines.pipelines.reporting.model_inputs import model_inputs
from cell_pipelines.pipelines.reporting.study import REPORT_INPUTS, describe_study, describe_study_data

_DATA = ["conversion_summary", "conversion_findings", "quality_findings", "split_summary"]
_SETTINGS = ["params:evaluation", "params:reporting"]


def create_study_pipeline(models: tuple[str, ...], pages: Sequence[str] = ()) -> Pipeline:
    """Return the page about the study, which also shows the pages in the study's folder, and its model card.

    Args:
        models: By name.
        pages: Data sets of pages that may lie there; a run that writes one writes it before the study's page.
    """
    comparison = ["comparison_report"] if len(models) > 1 else []
    with warnings.catch_warnings():
        # These names do come from namespaces, one of each model, which Kedro can't see from a node outside of them.
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        nodes = [
            Node(
                choose_model(models),
                inputs=["prepared_annotations", *_SETTINGS, "params:comparison",
                        *model_inputs(models, CHOICE_INPUTS)],
                outputs="model_choice",
                name="choose_model",
            ),
            Node(
                describe_study_data,
                inputs=[*_DATA, "study_notes", "params:reporting"],
                outputs="study_data",
                name="describe_study_data",
            ),
            Node(
                describe_study(models),
                inputs=["prepared_annotations", "study_data", "model_choice", "report_pages", "study_notes",
                        "invocation", *_SETTINGS, *comparison, *model_inputs(models, REPORT_INPUTS), *pages],
                outputs="study_report",
                name="describe_study",
            ),
            Node(
                describe_model(models),
                inputs=["prepared_annotations", "conversion_summary", "split_summary", "model_choice", "invocation",
                        *_SETTINGS, *model_inputs(models, CARD_INPUTS)],
                outputs="model_card",
                name="describe_model",
            ),
        ]  # fmt: skip
    return Pipeline(nodes, tags="reporting")
