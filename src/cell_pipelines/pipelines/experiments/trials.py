"""The trials of an experiment: every training that it asks for, with a name and its own parameters."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.study import DETECTORS
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters

_LONGEST = 150
#: Column that says which training images a cross-validation's trial was trained on.
PART = "trained"
_FOLDS, _FOLD = "training_subset.folds", "training_subset.fold"


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        name: Names its folder and its run.
        model: What is trained.
        varied: What tells it from the others, by column of the tables.
        changes: Its parameters by dotted names.
        is_evaluated: Whether its model is evaluated on test images; else its thresholds are chosen, and no more.
        members: Names of the trials whose models it is the ensemble of; it is not trained itself.
    """

    name: str
    model: str
    varied: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    is_evaluated: bool = True
    members: tuple[str, ...] = ()

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Names of the pipelines that it runs."""
        last = "evaluation" if self.is_evaluated else "threshold_optimisation"
        return (last,) if self.members else (f"train_{self.model}", last)

    @property
    def starts_from(self) -> str:
        """Name of the data set that its pipelines start from; those before are there already."""
        return f"{self.model}.scores" if self.members else "prepared_annotations"

    @property
    def subset(self) -> SubsetParameters:
        """The part of the training images that a fold's training takes; all of any other trial."""
        return SubsetParameters(fold=self.changes.get(_FOLD), folds=self.changes.get(_FOLDS))

    @property
    def is_detector(self) -> bool:
        """Whether it finds cells by boxes or outlines of its own, with parameters of its own."""
        return self.model in DETECTORS

    def key(self, parameters: Mapping[str, Any], data: str) -> str:
        """Return what is the same as long as its result would be: a hash of all that goes into it.

        Args:
            parameters: All parameters of the study at hand.
            data: Hash of the annotations.
        """
        groups = ("segmentation", self.model, "data_preparation", "training_subset", "threshold_optimisation",
                  "evaluation", "prediction")  # fmt: skip
        known = {group: parameters[group] for group in groups if group in parameters}
        own = [self.model, dict(self.changes), known, data, *([list(self.members)] if self.members else [])]
        text = json.dumps(own, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def list_trials(parameters: ExperimentParameters) -> list[Trial]:
    """Return the trials in the order in which they are trained.

    Raises:
        ValueError: Two trials would have the same name.
    """
    trials = [
        trial
        for model in parameters.models
        for trial in (_fold_trials(model, parameters) if parameters.folds else _grid_trials(model, parameters))
    ]
    names = [trial.name for trial in trials]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"each trial of an experiment must have a name of its own; {twice[0]!r} comes twice.")
    return trials


def _grid_trials(model: str, parameters: ExperimentParameters) -> Iterator[Trial]:
    for values in _changes(parameters):
        for seed in parameters.seeds or (None,):
            yield _trial(model, values, seed, parameters.settings)


def searched_trial(number: int, chosen: Mapping[str, Any], key: str, parameters: ExperimentParameters) -> Trial:
    """Return a trial of a search, which is trained and has its thresholds chosen, and never sees test images.

    Args:
        number: Of the trial.
        chosen: Its parameters by dotted names, and its ``model`` where there are several.
        key: The search's, so that another search in the same folder has trials of other names.
        parameters: Of the search.
    """
    model = chosen.get("model", parameters.models[0])
    given = {**parameters.settings, **chosen, "threshold_optimisation.scored": ["val"]}
    varied = {name: value for name, value in chosen.items() if name != "model"}
    trial = _trial(model, _Change(varied, given), None, {})
    return replace(trial, name=f"{model}_{number:03d}-{key[:6]}", is_evaluated=False)


def _fold_trials(model: str, parameters: ExperimentParameters) -> Iterator[Trial]:
    """Yield one trial per fold, one of all training images where that is asked for, and the folds' ensemble."""
    numbers = range(1, (parameters.folds or 0) + 1)
    changes = [_Change({PART: f"without fold {n}"}, {_FOLDS: parameters.folds, _FOLD: n}) for n in numbers]
    folds = [_trial(model, change, None, parameters.settings) for change in changes]
    yield from folds
    if parameters.whole:
        yield _trial(model, _Change({PART: "all images"}, {}), None, parameters.settings)
    if model not in DETECTORS:
        # Thresholds are chosen on the scores that each training image has of the model trained without it.
        change = _Change({PART: "ensemble"}, {"threshold_optimisation.split": "train"})
        made = _trial(model, change, None, parameters.settings)
        yield replace(made, members=tuple(fold.name for fold in folds))


@dataclass(frozen=True)
class _Change:
    label: Mapping[str, Any]
    values: Mapping[str, Any]


def equal_trials(trials: Sequence[Trial], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the trials that an earlier one equals in all that it is trained by, with a sentence that says so.

    Args:
        trials: Of one experiment.
        parameters: All parameters of the study at hand.
    """
    first: dict[str, str] = {}
    equal = {}
    for trial in trials:
        changed = merge(parameters, nest(trial.changes))
        other = first.setdefault(replace(trial, changes={}).key(changed, ""), trial.name)
        if other != trial.name:
            equal[trial.name] = f"It changes nothing: its parameters are those of {other}, so it is not trained."
    return equal


def _changes(parameters: ExperimentParameters) -> Iterator[_Change]:
    if parameters.variants:
        for name, values in parameters.variants.items():
            yield _Change({parameters.column: name}, values)
        return
    columns = _columns(list(parameters.values))
    for combination in itertools.product(*parameters.values.values()):
        yield _Change(
            dict(zip(columns, combination, strict=True)), dict(zip(parameters.values, combination, strict=True))
        )


def _columns(keys: list[str]) -> list[str]:
    """Return the last word of each dotted name where that tells them apart, else the whole name."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for short, key in zip(last, keys, strict=True)]


def _trial(model: str, change: _Change, seed: int | None, settings: Mapping[str, Any]) -> Trial:
    given = {**settings, **change.values}
    model = given.pop("model", model)  # a variant may be another model altogether
    if seed is not None:
        own = f"{model}.seed" if model in DETECTORS else "segmentation.seed"
        given |= {own: seed, "training_subset.seed": seed}
    changes = {re.sub(r"^model\.", f"{model}.", key): value for key, value in given.items()}
    nest(changes)  # refuses names that exclude each other
    varied = {**change.label, **({} if seed is None else {"seed": seed})}
    return Trial(_name(model, change.label, seed), model, varied, changes)


def _name(model: str, label: Mapping[str, Any], seed: int | None) -> str:
    words = [model, *(_word(value) for value in label.values()), *([] if seed is None else [f"seed{seed}"])]
    name = "_".join(words)
    # A folder is called so, and file systems take 255 bytes.
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _word(value: Any) -> str:
    text = "none" if value is None else str(value)
    stem = text.rpartition("/")[2].removesuffix(".pt")
    word = re.sub(r"[^A-Za-z0-9.+-]+", "-", stem).strip("-.")
    return word or "empty"
