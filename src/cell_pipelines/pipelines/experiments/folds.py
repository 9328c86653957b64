"""Models of a cross-validation at work on the images that they were trained without, and their ensemble."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.files import atomic_path
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.results import model_file
from cell_pipelines.pipelines.experiments.trials import Trial, list_trials
from cell_pipelines.spreadsheet_text import protect_table, restore_table
from cell_pipelines.workflows.ensemble import combine_models
from cell_pipelines.workflows.evaluation import evaluate_folds
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import score_images
from cell_pipelines.workflows.trained_model import TrainedModel
from cell_pipelines.workflows.training_images import Intensities, describe_training_images


@dataclass(frozen=True)
class Folds:
    """The data of a cross-validation and the folder of its trials.

    Attributes:
        folder: Holds one folder per trial.
        annotations: All images with splits and groups.
        images: They by name.
        everything: All parameters of the study.
    """

    folder: Path
    annotations: AnnotationSet
    images: Mapping[str, ImageFile]
    everything: Mapping[str, Any]

    def score_held_out(self, trial: Trial) -> None:
        """Score the training images of the fold that a finished trial was trained without, and note where they lie."""
        held_out = self._subset(trial).held_out(self.annotations)
        model = TrainedModel.open(model_file(self.folder / trial.name, trial))
        scores = protect_table(self._score(trial, held_out, model))
        scores.to_csv(self._place(trial) / "held_out.csv", index=False)

    def write_ensemble(self, trial: Trial, run_id: str | None, members: Sequence[Trial]) -> None:
        """Write the ensemble of the folds' models, and the scores that its run starts from.

        Training images have the scores of the model that was trained without them, validation and test images those of
        the ensemble.

        Args:
            trial: The ensemble's.
            run_id: Its MLflow run.
            members: The folds' trials, finished and scored.

        Raises:
            MistakeError: The models can't be put together.
            ImageFormatError: An image can't be read.
        """
        models = [TrainedModel.open(model_file(self.folder / one.name, one)) for one in members]
        content = combine_models(
            models,
            run_id=run_id,
            data_sha256=self.annotations.fingerprint(),
            training_images=self._describe_images(models[0]),
            thresholds_from="scores of each training image by the member that was trained without it",
        )
        path = self.folder / trial.name / "06_models" / f"{trial.model}_untuned.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        others = self._score(trial, select_split(self.annotations, "val", "test"), TrainedModel.open(path))
        scores = pd.concat([*(self._from(trial, one) for one in members), others], ignore_index=True)
        with atomic_path(self._place(trial) / "scores.csv") as temporary:
            protect_table(scores).to_csv(temporary, index=False)

    def _subset(self, trial: Trial) -> Any:
        seed = merge(self.everything, nest(trial.changes)).get("training_subset", {}).get("seed", 0)
        return trial.subset.model_copy(update={"seed": seed})

    def _describe_images(self, model: TrainedModel) -> dict[str, Any]:
        seen = Intensities(model.normalisation, model.record.get("colour", "rgb"))
        diameter = model.record.get("cell_diameter_px")
        return describe_training_images(
            self.annotations, self.images, seen, categories=model.categories, cell_diameter_px=diameter
        )

    def _score(self, trial: Trial, annotations: AnnotationSet, model: TrainedModel) -> pd.DataFrame:
        store = self._place(trial) / "store"
        store.mkdir(parents=True, exist_ok=True)
        given = merge(self.everything, nest(trial.changes)).get("inference", {})
        splits = dict(zip(annotations.names, annotations.images["split"].to_pylist(), strict=True))
        images = {name: self.images[name] for name in annotations.names}
        table = score_images(images, splits, model, store, InferenceParameters(**given))
        if (table["error"] != "").any():
            raise ImageFormatError("; ".join(table.loc[table["error"] != "", "error"]))
        return table

    def _place(self, trial: Trial) -> Path:
        return self.folder / trial.name / "07_model_output" / trial.model

    def _from(self, trial: Trial, member: Trial) -> pd.DataFrame:
        """Return the table of a member's scores, its files as they are called from the ensemble's folder."""
        table = read_held_out(self.folder, member)
        above = Path(os.path.relpath(self._place(member) / "store", self._place(trial) / "store"))
        return table.assign(file=[(above / name).as_posix() for name in table["file"]])


def read_held_out(folder: Path, trial: Trial) -> pd.DataFrame:
    """Return the table of the scores of the images that a trial's model was trained without."""
    path = folder / trial.name / "07_model_output" / trial.model / "held_out.csv"
    return restore_table(pd.read_csv(path, keep_default_na=False, na_values=_EMPTY))


# As the catalog reads tables of scores.
_EMPTY: Any = {name: [""] for name in ("pixel_height_um", "pixel_width_um", "file", "tile_overlap")}


def evaluate_out_of_fold(
    folder: Path, done: Sequence[str], truth: AnnotationSet, parameters: ExperimentParameters,
    evaluation: EvaluationParameters,
) -> pd.DataFrame:  # fmt: skip
    """Return how good a cross-validation's models are on training images, each by the model trained without it.

    Args:
        folder: Holds one folder per trial.
        done: Names of the finished trials.
        truth: All images with splits and groups.
        parameters: Of the experiment; of any other kind there is nothing to be said.
        evaluation: What counts as a match.

    Returns:
        One row per model and class, as `workflows.evaluation.evaluate` gives them, with `model` before; of the models
        whose folds are all finished.
    """
    tables = [pd.DataFrame(columns=["model"])]
    for model in parameters.models if parameters.folds else ():
        trials = [trial for trial in list_trials(parameters) if trial.model == model and trial.subset.fold]
        if {trial.name for trial in trials} <= set(done):
            folds = [_held_out_cells(folder, trial) for trial in trials]
            table = evaluate_folds(select_split(truth, "train"), folds, evaluation)[0]
            table.insert(0, "model", model)
            tables.append(table)
    return pd.concat(tables[1:], ignore_index=True) if tables[1:] else tables[0]


def _held_out_cells(folder: Path, trial: Trial) -> tuple[AnnotationSet, dict[str, Any]]:
    model = TrainedModel.open(model_file(folder / trial.name, trial))
    store = folder / trial.name / "07_model_output" / trial.model / "store"
    scores = read_held_out(folder, trial).replace({np.nan: None})
    return read_cells(scores, store, model), model.thresholds.to_plain()
