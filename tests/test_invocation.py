from pathlib import Path

import pandas as pd

from cell_pipelines.invocation import Invocation, note_command


def test_the_command_is_what_a_user_types():
    run = {"project_path": "/p", "env": "bccd", "pipeline_names": ["train_yolo", "evaluation"],
           "runtime_params": {"yolo": {"epochs": 3}, "images": "/my images"}}  # fmt: skip
    expected = "kedro run --env=bccd --pipelines=train_yolo,evaluation '--params=yolo.epochs=3,images=/my images'"
    assert Invocation.from_run(run).command() == expected
    assert Invocation(Path("/p")).command() == "kedro run"


def test_the_command_says_what_was_chosen_of_a_pipeline():
    run = {"project_path": "/p", "env": "bccd", "from_nodes": ["yolo.tune", "yolo.predict"], "tags": ("yolo",),
           "to_nodes": [], "only_missing_outputs": True, "conf_source": "/elsewhere/conf"}  # fmt: skip
    assert Invocation.from_run(run).command() == (
        "kedro run --env=bccd --tags=yolo --from-nodes=yolo.tune,yolo.predict --only-missing-outputs "
        "--conf-source=/elsewhere/conf"
    )


def test_commands_are_noted_one_below_the_other(tmp_path):
    path = tmp_path / "commands.csv"
    first = Invocation(tmp_path, "bccd", None, ("train_yolo",), {"yolo": {"weights": "a, b.pt"}})
    note_command(path, first, "run1")
    note_command(path, Invocation(tmp_path), "run2")
    table = pd.read_csv(path)
    assert list(table.columns) == ["time", "command", "pipeline", "run_id"]
    assert table["command"].tolist() == [first.command(), "kedro run"]
    assert table["pipeline"].tolist() == ["train_yolo", "__default__"]
    assert table["run_id"].tolist() == ["run1", "run2"]


def test_members_of_experiments_and_studies_without_results_note_nothing(tmp_path):
    note_command(tmp_path / "commands.csv", Invocation(tmp_path, parameters={"results": "x"}), "run")
    note_command(tmp_path / "missing" / "commands.csv", Invocation(tmp_path), "run")
    assert not list(tmp_path.rglob("*.csv"))
