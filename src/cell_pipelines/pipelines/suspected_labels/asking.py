"""One labelled image and what each model sees in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.analysis.active_learning.evidence import describe_labels, gather_evidence
from cell_pipelines.analysis.active_learning.suspects import Asked
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.workflows.model_outputs import OutputReader

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Asking:
    """One labelled image whose scores are stored.

    Attributes:
        truth: The image with its labels.
        rows: For each model the image's row of the table of scores.
        models: What reads each model's scores.
        folders: Where each model's stored scores lie.
    """

    truth: AnnotationSet
    rows: Rows
    models: Mapping[str, OutputReader]
    folders: Mapping[str, Path]

    def run(self) -> Asked:
        """Return the labels and the evidence of each model."""
        evidence = {}
        for model, row in self.rows.items():
            output = self.models[model].read(row, self.folders[model])
            evidence[model] = gather_evidence(self.truth, output.candidates, self.models[model].thresholds, output.maps)
        return Asked(describe_labels(self.truth), evidence)


def askings(
    truth: AnnotationSet, scores: pd.DataFrame, models: Mapping[str, OutputReader], folders: Mapping[str, Path]
) -> Iterator[Asking]:
    """Yield the images of `truth` with their rows of the table of scores."""
    by_image: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in truth.names}
    for row in scores.astype(object).where(scores.notna(), None).to_dict(orient="records"):
        if str(row["image"]) in by_image and not row["error"]:
            by_image[str(row["image"])][str(row["model"])] = {str(key): value for key, value in row.items()}
    for one in iterate_images(truth):
        yield Asking(one, by_image[one.names[0]], models, folders)
