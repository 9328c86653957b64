"""The store of runs: made whole whatever interrupts it, by one of several at once, and recognised when it is broken."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from cell_pipelines.mlflow_store import StoreError, prepared_store, sqlite_file

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # of MLflow's own tables

MAKE = "from cell_pipelines.mlflow_store import prepared_store\nwith prepared_store({uri!r}):\n    print('made')"


def uri_of(path):
    return f"sqlite:///{path.as_posix()}"


def prepare(path):
    with prepared_store(uri_of(path)):
        pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    prepare(path)
    return path


@pytest.fixture
def store(whole, tmp_path):
    return shutil.copy(whole, tmp_path / "mlflow.db")


def change(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_new_store_is_one_that_mlflow_works_with(store):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri_of(store))
    run = client.create_run(client.create_experiment("study"))
    client.log_metric(run.info.run_id, "f1", 1.0)
    before = store.read_bytes()
    prepare(store)
    assert store.read_bytes() == before
    assert client.get_run(run.info.run_id).data.metrics == {"f1": 1.0}


def test_runs_of_processes_that_are_gone_are_closed_as_killed_and_no_others(store):
    import mlflow

    from cell_pipelines import model_runs
    from cell_pipelines.processes import this_process

    me = this_process()
    owners = {
        "mine": str(me), "gone": str(replace(me, started=me.started - 1)), "unknown": "",
        "elsewhere": str(replace(me, host="0" * 8)), "ended": str(replace(me, started=me.started - 1)),
    }  # fmt: skip
    mlflow.set_tracking_uri(uri_of(store))
    client = mlflow.MlflowClient()
    runs = {name: client.create_run("0", tags={model_runs.OWNER: owner}).info.run_id for name, owner in owners.items()}
    client.set_terminated(runs["ended"], "FINISHED")
    model_runs.close_abandoned()
    assert {name: client.get_run(run_id).info.status for name, run_id in runs.items()} == {
        "mine": "RUNNING", "gone": "KILLED", "unknown": "RUNNING", "elsewhere": "RUNNING", "ended": "FINISHED",
    }  # fmt: skip
    model_runs.mark_killed(runs["mine"])
    assert client.get_run(runs["mine"]).info.status == "KILLED"
    with model_runs.owned_runs(), mlflow.start_run(experiment_id="0"):
        pass
    assert client.search_runs(["0"])[0].data.tags[model_runs.OWNER] == str(me)


def test_nothing_else_is_left_beside_a_store(whole):
    assert {path.name for path in whole.parent.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


@pytest.mark.parametrize("size", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_an_empty_file_is_no_store_yet(size, store, tmp_path):
    path = tmp_path / "new.db"
    path.touch()
    if size:
        change(path, "VACUUM")
    prepare(path)
    with closing(sqlite3.connect(path)) as made, closing(sqlite3.connect(store)) as other:
        asked = "SELECT name FROM sqlite_master ORDER BY name"
        assert made.execute(asked).fetchall() == other.execute(asked).fetchall()


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE alembic_version SET version_num = '451aebb31d03'",  # tables of later revisions are there already
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
        "UPDATE alembic_version SET version_num = 'ffffffffffff'",  # of a version that nobody knows here
        "DROP TABLE runs",
    ],
)
def test_a_broken_store_is_named_in_a_sentence_and_left_as_it_is(broken, store):
    change(store, broken)
    before = store.read_bytes()
    with pytest.raises(
        StoreError, match=r"mlflow\.db: the MLflow store is broken.*move it away, or name another"
    ) as told:
        prepare(store)
    assert "\n" not in str(told.value)
    assert store.read_bytes() == before
    assert {path.name for path in store.parent.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


def test_what_is_no_database_is_named(tmp_path):
    (tmp_path / "mlflow.db").write_text("This is a text of some length, and no database." * 100)
    with pytest.raises(StoreError, match=r"mlflow\.db: expected MLflow's store, got file is not a database"):
        prepare(tmp_path / "mlflow.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match=r"folder\.db: expected MLflow's store, a file; it is a folder"):
        prepare(tmp_path / "folder.db")
    expected = r"the MLflow store can't be written: .*mlflow\.db: this folder can't be written into"
    with pytest.raises(StoreError, match=expected):
        prepare(tmp_path / "mlflow.db" / "x.db")


@pytest.mark.exhaustive
def test_a_store_of_an_earlier_version_is_brought_up_to_date_with_its_runs(tmp_path, whole):
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    path = tmp_path / "mlflow.db"
    engine = create_engine(uri_of(path))
    Base.metadata.create_all(engine)
    config = _get_alembic_config(uri_of(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "97727af70f4d")
    engine.dispose()
    change(path, "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('mine', 'x', 'active')")
    prepare(path)
    with closing(sqlite3.connect(path)) as made, closing(sqlite3.connect(whole)) as other:
        asked = "SELECT version_num FROM alembic_version"
        assert made.execute(asked).fetchone() == other.execute(asked).fetchone()
        assert ("mine",) in made.execute("SELECT name FROM experiments").fetchall()


def test_only_files_are_prepared(tmp_path):
    for uri in ("http://localhost:5000", "sqlite://", "sqlite:///:memory:", "postgresql://x/y", "mlruns", ""):
        assert sqlite_file(uri) is None
        with prepared_store(uri):
            pass
    assert sqlite_file("sqlite:////home/me/mlflow.db?timeout=30").name == "mlflow.db"


def start(path):
    command = [sys.executable, "-c", MAKE.format(uri=uri_of(path))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.exhaustive
def test_several_at_once_make_one_store(tmp_path):
    processes = [start(tmp_path / "mlflow.db") for _ in range(3)]
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert (process.returncode, output) == (0, "made\n"), errors
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


@pytest.mark.parametrize(
    "size", [4096, pytest.param(1, marks=pytest.mark.exhaustive), pytest.param(400_000, marks=pytest.mark.exhaustive)]
)
def test_a_store_whose_making_was_killed_is_made_anew(size, tmp_path):
    process = start(tmp_path / "mlflow.db")
    while process.poll() is None and not any(p.stat().st_size >= size for p in tmp_path.glob(".tmp-*.db")):
        time.sleep(0.001)
    assert not (tmp_path / "mlflow.db").exists()
    process.kill()
    process.communicate()
    prepare(tmp_path / "mlflow.db")
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}
