import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

ROOT = Path(__file__).resolve().parents[2]


class Project:
    """The project with a data folder and an MLflow store of its own."""

    template: Path  # an empty store, whose tables take seconds to make

    def __init__(self, folder: Path, study: str = "test") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.template, folder / "mlflow.db")
        self.study = study
        self.store = f"sqlite:///{(folder / 'mlflow.db').as_posix()}"
        self.environment = {
            "CELL_DATA_ROOT": str(folder / "data"),
            "CELL_ARTIFACT_ROOT": str(folder / "artifacts"),
            "CELL_ULTRALYTICS_HOME": str(folder / "ultralytics"),
            "MLFLOW_TRACKING_URI": self.store,
            "KEDRO_DISABLE_TELEMETRY": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath("data", self.study, *parts)

    @contextmanager
    def session(self, **parameters: object) -> Iterator[KedroSession]:
        """Open a session with these parameters; within it the environment is the project's."""
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            bootstrap_project(ROOT)
            with KedroSession.create(project_path=ROOT, env=self.study, runtime_params=parameters) as session:
                yield session
        finally:
            os.environ.clear()
            os.environ.update(before)

    def run(self, pipeline: str, **parameters: object) -> dict[str, object]:
        with self.session(**parameters) as session:
            return session.run(pipeline_names=[pipeline])

    def runs(self, name: str, parent: str | None = None) -> list:
        """Return the runs of a name, the latest first; with `parent` those below runs of that name only."""
        import mlflow

        mlflow.set_tracking_uri(self.store)
        found = mlflow.search_runs(search_all_experiments=True, output_format="list")
        above = {run.info.run_id for run in found if run.info.run_name == parent}
        named = [run for run in found if run.info.run_name == name]
        return named if parent is None else [run for run in named if run.data.tags.get("mlflow.parentRunId") in above]


@pytest.fixture(scope="session", autouse=True)
def template_of_stores(empty_store):
    Project.template = empty_store


@pytest.fixture(scope="session")
def whole_road(tmp_path_factory):
    """The default pipeline, run once on the tiny study; `looked_up` are the hosts that it asked for."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.looked_up, watching = [], True

    def watch(event, args):
        asks = watching and event in ("socket.getaddrinfo", "socket.gethostbyname")
        if asks and args[0] not in (None, "localhost", "127.0.0.1"):
            project.looked_up.append(args[0])

    sys.addaudithook(watch)  # it can't be taken away again
    project.run("__default__")
    watching = False
    return project


@pytest.fixture
def fresh_project(tmp_path):
    return Project(tmp_path)
