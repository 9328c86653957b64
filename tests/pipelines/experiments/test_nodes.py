import pandas as pd
import pytest

from cell_pipelines.pipelines.experiments import nodes
from cell_pipelines.pipelines.experiments.comparison import _against_baseline, main_metric
from cell_pipelines.pipelines.experiments.nodes import check_trials
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.states import State, read_state, write_state
from cell_pipelines.pipelines.experiments.trials import Trial

TRIALS = [Trial(name, "unet") for name in ("new", "done", "changed", "crashed", "killed", "unnoticed", "impossible")]
STATES = {
    "done": State("finished", "key", "1"),
    "changed": State("finished", "another key", "2"),
    "crashed": State("failed", "key", "3"),
    "killed": State("running", "key", "4"),
    "unnoticed": State("running", "key", "5"),
    "impossible": State("impossible", "key", error="can't be built"),
}


class Runs:
    """MLflow, which saw one trial end that the killed call did not."""

    def is_finished(self, run_id):
        return run_id == "5"


def test_due_is_what_is_not_finished_as_it_is_asked_for_now(tmp_path):
    for name, state in STATES.items():
        write_state(tmp_path / name, state)
    due = nodes._due_trials(TRIALS, dict.fromkeys((m.name for m in TRIALS), "key"), tmp_path, Runs())
    assert [trial.name for trial in due] == ["new", "changed", "crashed", "killed"]
    assert read_state(tmp_path / "unnoticed").status == "finished"


def test_a_failed_trial_ends_the_call_as_failed_and_is_named():
    table = pd.DataFrame({"trial": ["a", "b"], "status": ["finished", "failed"], "error": [None, "ValueError: why"]})
    with pytest.raises(RuntimeError, match=r"1 of 2 trials failed.*b: ValueError: why"):
        check_trials(table, "page")
    check_trials(table.head(1), "page")


@pytest.mark.parametrize(("given", "columns", "expected"), [
    ({"metric": "dice"}, ["instance_f1"], "dice"),
    ({}, ["f1", "instance_f1"], "instance_f1"),
    ({}, ["f1"], "f1"),
])  # fmt: skip
def test_trials_are_ranked_by_masks_where_there_are_masks(given, columns, expected):
    trials = pd.DataFrame({column: [0.5] for column in columns})
    assert main_metric(trials, ExperimentParameters(models=("unet",), **given)) == expected


def test_changes_are_set_against_the_baseline_whichever_way_round_they_were_tested():
    tests = pd.DataFrame({
        "metric": ["f1"] * 3, "first": ["unet_whole", "unet_a", "unet_a"], "second": ["unet_a", "unet_b", "unet_whole"],
        "difference": [0.1, 0.5, 0.3], "low": [0.05, 0, 0.2], "high": [0.2, 1, 0.4], "p_holm": [0.01, 1, 0.02],
        "significant": [True, False, True], "caution": "",
    })  # fmt: skip
    tests.loc[2, "first"] = "unet_b"
    estimates = pd.DataFrame({"metric": "f1", "model": ["unet_whole", "unet_a", "unet_b"], "value": [0.6, 0.5, 0.9]})

    class Compared:
        pass

    found, compared = Compared(), Compared()
    found.compared, compared.tests, compared.estimates = compared, tests, estimates
    parameters = ExperimentParameters(
        kind="ablation", models=("unet",), baseline="whole", variants={"whole": {}, "a": {"x": 1}, "b": {"x": 2}}
    )
    table = _against_baseline(found, parameters).set_index("trial")
    assert table.loc["unet_a", ["difference", "low", "high"]].tolist() == [-0.1, -0.2, -0.05]
    assert table.loc["unet_b", ["difference", "low", "high"]].tolist() == [0.3, 0.2, 0.4]
    assert table["baseline"].tolist() == [0.6, 0.6]
