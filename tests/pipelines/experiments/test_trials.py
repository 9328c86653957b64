import itertools

import pytest
from pydantic import ValidationError

from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.trials import equal_trials, list_trials


def test_trials_are_every_combination_of_models_values_and_seeds():
    trials = list_trials(
        ExperimentParameters(
            models=("unet", "fpn"), values={"model.encoder": ("resnet18", "vgg19"), "a.b": (1, 2, 3)}, seeds=(0, 1)
        )
    )
    varied = [(m.model, m.varied["encoder"], m.varied["b"], m.varied["seed"]) for m in trials]
    assert varied == list(itertools.product(["unet", "fpn"], ["resnet18", "vgg19"], [1, 2, 3], [0, 1]))
    assert len({m.name for m in trials}) == len(trials)


def test_a_trials_parameters_are_those_of_its_own_model():
    (trial,) = list_trials(
        ExperimentParameters(
            models=("fpn",),
            values={"model.encoder": ("vgg19",)},
            seeds=(3,),
            settings={"model.options": {"encoder_depth": 3}},
        )
    )
    assert trial.changes == {
        "fpn.options": {"encoder_depth": 3}, "fpn.encoder": "vgg19", "segmentation.seed": 3, "training_subset.seed": 3,
    }  # fmt: skip
    assert trial.pipelines == ("train_fpn", "evaluation")


def test_seeds_of_a_yolo_are_its_own():
    trials = list_trials(ExperimentParameters(models=("yolo",), seeds=(0, 1)))
    assert [m.changes["yolo.seed"] for m in trials] == [0, 1]


def test_parameters_with_the_same_last_word_keep_their_whole_names():
    (trial,) = list_trials(ExperimentParameters(models=("yolo",), values={"a.seed": (1,), "b.seed": (2,)}))
    assert dict(trial.varied) == {"a.seed": 1, "b.seed": 2}


def test_names_are_those_of_files():
    trials = list_trials(
        ExperimentParameters(models=("yolo",), values={"yolo.weights": ("/my weights/yolo ünknown.pt", "yolo11n.pt")})
    )
    assert [m.name for m in trials] == ["yolo_yolo-nknown", "yolo_yolo11n"]


def test_trials_with_the_same_name_are_refused():
    parameters = ExperimentParameters(models=("yolo",), values={"yolo.weights": ("a/x.pt", "b/x.pt")})
    with pytest.raises(ValueError, match=r"'yolo_x' comes twice"):
        list_trials(parameters)


def test_a_variant_may_be_another_model():
    trials = list_trials(
        ExperimentParameters(
            kind="ablation",
            models=("resunet",),
            baseline="whole",
            variants={"whole": {}, "plain": {"model": "unet", "unet.encoder": "resnet18"}, "gone": None},
        )
    )
    assert [(m.name, m.model, dict(m.changes)) for m in trials] == [
        ("resunet_whole", "resunet", {}), ("unet_plain", "unet", {"unet.encoder": "resnet18"}),
    ]  # fmt: skip


def test_a_trial_is_another_as_soon_as_its_result_would_be():
    (trial,) = list_trials(ExperimentParameters(models=("unet",), values={"model.encoder": ("resnet18",)}))
    study = {"segmentation": {"epochs": 2}, "unet": {"encoder": "x"}, "reporting": {"title": "a"}}
    key = trial.key(study, "data")
    assert key == trial.key({**study, "reporting": {"title": "b"}}, "data")
    assert key != trial.key(study, "other data")
    assert key != trial.key({**study, "segmentation": {"epochs": 3}}, "data")
    (other,) = list_trials(ExperimentParameters(models=("unet",), values={"model.encoder": ("vgg19",)}))
    assert key != other.key(study, "data")


def test_a_variant_that_changes_nothing_is_told_with_the_trial_that_it_equals():
    variants = {
        "as it is": {},
        "no rules": {"segmentation.rules": []},
        "plain": {"model": "unet"},
        "five": {"segmentation.epochs": 5},
    }
    given = ExperimentParameters(models=("resunet",), kind="ablation", baseline="as it is", variants=variants)
    trials = list_trials(given)
    study = {"segmentation": {"rules": [], "epochs": 2}, "resunet": {}, "unet": {}}
    equal = equal_trials(trials, study)
    assert list(equal) == [trials[1].name] and trials[0].name in equal[trials[1].name]
    assert equal_trials(trials, {**study, "segmentation": {"rules": ["a"], "epochs": 5}}) == {
        trials[3].name: f"It changes nothing: its parameters are those of {trials[0].name}, so it is not trained."
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"models": ("unknown",)}, "must be different ones among"),
        ({"models": ("unet", "unet")}, "must be different ones among"),
        ({"models": ("unet",), "values": {"a": (1,)}, "variants": {"b": {}}}, "exclude each other"),
        ({"models": ("unet",), "kind": "ablation", "variants": {"b": {}}}, "`baseline` must be one of"),
        ({"models": ("unet",), "kind": "learning_curve"}, "needs `values` of training_subset.share"),
        ({"models": ("unet",), "variants": {"b": {"model": "unknown"}}}, "a variant's `model` must be one of"),
        ({"models": ("unet",), "values": {"a": ()}}, "at least 1 item"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ExperimentParameters(**given)


def test_parameters_that_exclude_each_other_are_refused():
    with pytest.raises(ValueError, match=r"can't be set beside"):
        list_trials(ExperimentParameters(models=("unet",), values={"a.b": (1,), "a.b.c": (2,)}))


def test_a_name_that_no_folder_can_have_is_shortened_and_stays_its_own():
    long = [["a" * 300], ["a" * 299 + "b"]]
    parameters = ExperimentParameters.model_validate(
        {"models": ["unet"], "values": {"unet.encoder": [x for (x,) in long]}}
    )
    names = [trial.name for trial in list_trials(parameters)]
    assert len(set(names)) == 2 and all(len(name) < 200 for name in names)
