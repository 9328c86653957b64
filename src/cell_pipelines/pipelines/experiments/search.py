"""Trials of a search: Optuna chooses their parameters, remembers them on disk and says which end early."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.pipelines.experiments.estimates import refuse_impossible
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.progress import read_progress
from cell_pipelines.pipelines.experiments.results import model_file
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.tracking import ExperimentRuns
from cell_pipelines.pipelines.experiments.trials import Trial, searched_trial

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

logger = logging.getLogger(__name__)

#: What the choice of a model is called among the parameters of a search over several.
MODEL = "model"
# Percent of a training from which on no trial is ended early.
_LAST_THIRD = 67


@dataclass(eq=False)
class Search:
    """A search's trials so far, kept by Optuna in ``search.db`` in its folder.

    A trial is known to Optuna before it is trained and its value is told after its state was written, so a call that is
    killed at any moment is gone on with: what was running is resumed, what had ended is told.

    Attributes:
        study: Optuna's.
        key: Hash of all that trials share; another one is another search in the same file.
        folder: Holds one folder per trial.
        data: Annotations of the study.
        everything: All parameters of the study.
        parameters: Of the search.
    """

    study: "Study"
    key: str
    folder: Path
    data: AnnotationSet
    everything: Mapping[str, Any]
    parameters: ExperimentParameters
    _fingerprint: str = ""
    _numbers: dict[str, int] = field(default_factory=dict)

    def key_of(self, trial: Trial) -> str:
        """Return the hash of all that goes into a trial."""
        self._fingerprint = self._fingerprint or self.data.fingerprint()
        return trial.key(self.everything, self._fingerprint)

    def trials(self) -> list[tuple["FrozenTrial", Trial]]:
        """Return all trials so far as Optuna knows them and as they are trained."""
        return [(one, self._trial(one.number, one.params)) for one in self.study.get_trials() if self._is_whole(one)]

    def best(self) -> tuple[Trial, float] | None:
        """Return the trial with the best value; None where none has come to its end."""
        done = [(trial, known.value) for known, trial in self.trials() if known.state.name == "COMPLETE"]
        return max(done, key=lambda one: one[1] or 0.0, default=None)  # type: ignore[return-value]

    def left(self) -> int:
        """Return how many trials have not ended yet."""
        return (self.parameters.trials or 0) - sum(known.state.is_finished() for known in self.study.get_trials())

    def due(self, runs: ExperimentRuns) -> Iterator[tuple[Trial, str]]:
        """Yield the trials to be trained with their keys: those of a killed call first, then new ones until the last.

        Args:
            runs: Know which trial came to its end unnoticed.
        """
        given = 0
        for trial in self._begun(runs):
            given += 1
            yield trial, self.key_of(trial)
        most = self.parameters.stop_after
        while len(self.study.get_trials(deepcopy=False)) < (self.parameters.trials or 0):
            if most is not None and given >= most:
                return
            trial = self._ask()
            if (reason := self._reason_against(trial)) is not None:
                state = State("impossible", self.key_of(trial), error=reason)
                write_state(self.folder / trial.name, state)
                logger.warning("%s is not trained: %s", trial.name, reason)
                self.tell(trial, state)
                continue
            given += 1
            yield trial, self.key_of(trial)

    def tell(self, trial: Trial, state: State) -> None:
        """Tell Optuna how a trial has ended; one that still runs, since the call was ended, is left as it is."""
        from optuna.trial import TrialState

        number = self._numbers[trial.name]
        if state.status == "finished":
            value = validation_f1(self.folder / trial.name, trial)
            if value is not None:
                self.study.tell(number, value)
                return
        elif state.status in ("running", "waiting"):
            return
        self.study.tell(number, state=TrialState.PRUNED if state.status == "pruned" else TrialState.FAIL)

    def is_hopeless(self, trial: Trial) -> bool:
        """Tell Optuna how far a running trial has come; say whether it is to be ended, as worse than others there."""
        import optuna

        pruning = self.parameters.pruning
        if pruning is None:
            return False
        known = self.study.get_trials(deepcopy=False)[self._numbers[trial.name]]
        running = optuna.trial.Trial(self.study, known._trial_id)
        told = set(known.intermediate_values)
        epochs = merge(self.everything, nest(trial.changes)).get(trial.model, {}).get("epochs", 1)
        for percent, best in read_progress(self.folder / trial.name, trial, pruning.metric, int(epochs)):
            if percent in told or percent >= _LAST_THIRD:
                continue
            told.add(percent)
            running.report(best, percent)
            if running.should_prune():
                logger.info("%s is ended after %d %% of its training, at %.3f.", trial.name, percent, best)
                return True
        return False

    def _begun(self, runs: ExperimentRuns) -> Iterator[Trial]:
        """Yield what a killed call was at; tell Optuna what had ended, or never began."""
        from optuna.trial import TrialState

        for known in self.study.get_trials(states=[TrialState.RUNNING]):
            if not self._is_whole(known):
                self.study.tell(known.number, state=TrialState.FAIL)
                continue
            trial = self._trial(known.number, known.params)
            state = read_state(self.folder / trial.name)
            if state.status == "running" and runs.is_finished(state.run_id):
                state = state.changed(status="finished")
                write_state(self.folder / trial.name, state)
            self.tell(trial, state)
            if state.status in ("running", "waiting"):
                yield trial

    def _ask(self) -> Trial:
        number = len(self.study.get_trials(deepcopy=False))
        # Drawn by the trial's number, so that a search that was killed chooses as one that was not.
        self.study.sampler = create_sampler(self.parameters, number)
        asked = self.study.ask(distributions(self.parameters))
        return self._trial(asked.number, asked.params)

    def _trial(self, number: int, chosen: Mapping[str, Any]) -> Trial:
        trial = searched_trial(number, chosen, self.key, self.parameters)
        self._numbers[trial.name] = number
        return trial

    def _is_whole(self, known: "FrozenTrial") -> bool:
        return set(known.params) == set(distributions(self.parameters))

    def _reason_against(self, trial: Trial) -> str | None:
        return refuse_impossible([trial], self.data, self.everything).get(trial.name)


def open_search(
    name: str, folder: Path, data: AnnotationSet, everything: Mapping[str, Any], parameters: ExperimentParameters
) -> Search:
    """Open the search in `folder`, or begin it.

    Args:
        name: The experiment's.
        folder: Keeps ``search.db`` and one folder per trial.
        data: All images with splits.
        everything: All parameters of the study.
        parameters: Of the search; with another space, models or settings, or other data, another one is begun.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    shared = Trial("", "").key(everything, data.fingerprint())
    of_models = [Trial("", model).key(everything, "") for model in parameters.models]
    own = parameters.model_dump(mode="json", include={"models", "space", "settings", "pruning", "sampler_seed"})
    text = json.dumps([name, shared, of_models, own], sort_keys=True, default=str)
    key = hashlib.sha256(text.encode()).hexdigest()
    study = optuna.create_study(
        storage=f"sqlite:///{(folder / 'search.db').absolute().as_posix()}", study_name=f"{name} {key[:12]}",
        direction="maximize", load_if_exists=True, pruner=create_pruner(parameters),
        sampler=create_sampler(parameters, 0),
    )  # fmt: skip
    return Search(study, key, folder, data, everything, parameters)


def distributions(parameters: ExperimentParameters) -> dict[str, Any]:
    """Return the space as Optuna takes it; the model is one of its parameters where there are several."""
    from optuna.distributions import CategoricalDistribution

    models = {MODEL: CategoricalDistribution(parameters.models)} if len(parameters.models) > 1 else {}
    return {**models, **{name: own.distribution() for name, own in parameters.space.items()}}


def create_sampler(parameters: ExperimentParameters, number: int) -> Any:
    """Return the sampler of a trial: random for the first third of them, at most ten, then TPE."""
    import optuna

    seed = int(np.random.SeedSequence([parameters.sampler_seed, number]).generate_state(1)[0])
    random = min(10, max(1, (parameters.trials or 0) // 3))
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=random)


def create_pruner(parameters: ExperimentParameters) -> Any:
    """Return what ends trials early; steps are percent of a training."""
    import optuna

    pruning = parameters.pruning
    if pruning is None:
        return optuna.pruners.NopPruner()
    return optuna.pruners.SuccessiveHalvingPruner(
        min_resource=max(1, round(100 * pruning.first)), reduction_factor=pruning.keep
    )


def validation_f1(folder: Path, trial: Trial) -> float | None:
    """Return the F1 of a finished trial's model on validation images, at the thresholds that were chosen on them."""
    from cell_pipelines.models.model_file import read_record

    value = (read_record(model_file(folder, trial)).get("validation") or {}).get("f1")
    return None if value is None else float(value)


def rungs(parameters: ExperimentParameters) -> Sequence[int]:
    """Return after how many percent of a training trials are compared."""
    pruning, found = parameters.pruning, list[int]()
    step = max(1, round(100 * pruning.first)) if pruning else _LAST_THIRD
    while step < _LAST_THIRD:
        found.append(step)
        step *= pruning.keep if pruning else 1
    return found
