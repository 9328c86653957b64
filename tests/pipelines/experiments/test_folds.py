import pandas as pd
import pytest

from cell_pipelines.pipelines.experiments import nodes
from cell_pipelines.pipelines.experiments.fold_sections import describe_folds
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.states import State, write_state
from cell_pipelines.pipelines.experiments.trials import list_trials

GIVEN = {"kind": "cross_validation", "folds": 3}


def _trials(models=("unet",), **changes):
    return list_trials(ExperimentParameters.model_validate({**GIVEN, "models": models, **changes}))


def test_every_fold_is_left_out_once_and_only_networks_make_an_ensemble():
    trials = _trials(("unet", "yolo"), whole=True)
    folds = [(trial.model, trial.subset.fold) for trial in trials if trial.subset.fold]
    assert folds == [("unet", 1), ("unet", 2), ("unet", 3), ("yolo", 1), ("yolo", 2), ("yolo", 3)]
    (ensemble,) = (trial for trial in trials if trial.members)
    assert ensemble.members == ("unet_without-fold-1", "unet_without-fold-2", "unet_without-fold-3")
    assert (ensemble.pipelines, ensemble.starts_from) == (("evaluation",), "unet.scores")
    assert [trial.name for trial in trials if not trial.subset.fold and not trial.members] == [
        "unet_all-images", "yolo_all-images",
    ]  # fmt: skip


def test_an_ensemble_of_other_folds_is_another_one():
    keys = {trials[-1].key({}, "data") for trials in (_trials(), _trials(folds=4), _trials(settings={"unet.x": 1}))}
    assert len(keys) == 3


@pytest.mark.parametrize(("last", "made"), [("finished", True), ("failed", False), ("running", False)])
def test_an_ensemble_is_made_once_all_its_folds_are_finished(tmp_path, monkeypatch, last, made):
    *folds, ensemble = _trials()
    for trial, status in zip(folds, ("finished", "finished", last), strict=True):
        write_state(tmp_path / trial.name, State(status, "key"))
    scored, ran = [], []

    class Runner:
        folder = tmp_path

        def run(self, trials, *, total):
            ran.extend(trials)

    class Folds:
        def score_held_out(self, trial):
            scored.append(trial.name)

    monkeypatch.setattr(nodes, "replace", lambda runner, **_: runner)
    nodes._put_together(Runner(), Folds(), [*folds, ensemble], [(ensemble, "key")])
    assert scored == [trial.name for trial in folds][: 3 if made else 2]
    assert bool(ran) == made


def test_the_page_sets_the_ensemble_beside_the_mean_of_its_members():
    trials = pd.DataFrame({
        "trial": list("abcd"), "model": "unet", "status": ["finished"] * 3 + ["waiting"],
        "trained": ["without fold 1", "without fold 2", "ensemble", "all images"],
        "instance_f1": [0.7, 0.8, 0.85, None], "instance_f1_low": 0.1, "instance_f1_high": 0.9, "dice": 0.5,
    })  # fmt: skip
    out_of_fold = pd.DataFrame({
        "model": "unet", "category": ["cell", "all classes"], "images": 9, "units": 3, "objects": 40,
        "instance_f1": [0.6, 0.65], "instance_f1_low": 0.5, "instance_f1_high": 0.7,
    })  # fmt: skip
    (section,) = describe_folds(trials, out_of_fold, "instance_f1")
    summary = section.items[0].frame.set_index("what")
    assert summary.index.tolist() == ["out of fold", "mean of 2 models, 0.700 to 0.800", "ensemble"]
    assert summary["instance_f1"].tolist() == pytest.approx([0.65, 0.75, 0.85])
    assert "ensemble averages" in section.note
    (section,) = describe_folds(trials.head(0), out_of_fold.head(0), "instance_f1")
    assert "ensemble averages" not in section.note


@pytest.mark.parametrize(("changes", "words"), [
    ({"folds": None}, "`folds` goes with the kind cross_validation and no other, got cross_validation, None"),
    ({"kind": "grid"}, "`folds` goes with the kind cross_validation and no other, got grid, 3"),
    ({"values": {"unet.encoder": ["a"]}}, "a cross_validation has no `values`, `variants` or `seeds`"),
    ({"folds": 1}, "greater than or equal to 2"),
])  # fmt: skip
def test_a_cross_validation_that_is_none_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        _trials(**changes)
