"""Share the tests out over processes: by file, and files that share an expensive fixture go together."""

import os
import signal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

ROOT = Path(__file__).resolve().parents[1]
#: Fixtures of the session that take a minute: the tests that use them are run by one process.
SHARED = ("whole_road",)


def pytest_configure() -> None:
    """Let the processes that tests start hear Ctrl-C, which the background jobs of a shell are told to ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an MLflow store without runs, to be copied: its tables take seconds to make."""
    import mlflow

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{file.as_posix()}").search_experiments()
    return file


@cache
def group_of(file: str) -> str:
    """Return what is run by one process: a file, or all files that use one of the shared fixtures."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return next((fixture for fixture in SHARED if fixture in text), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.split("::", 1)[0])

    return ByGroup(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests first, so that no process is left alone with one at the end."""
    for item in items:
        if not is_quick(item):
            item.add_marker("exhaustive")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def is_quick(item: pytest.Item) -> bool:
    """Return whether all parameters of a test have values that its marks `quick` name."""
    values = getattr(item, "callspec", None) and item.callspec.params
    chosen = [pair for mark in item.iter_markers("quick") for pair in mark.kwargs.items()]
    return all(values[name] in few for name, few in chosen)


@pytest.fixture
def pretend_detector(monkeypatch):
    """Let any file be a detector whose file says what is given, of these classes."""

    def pretend(record, categories):
        from cell_pipelines.models import model_file, yolo_checkpoint

        monkeypatch.setattr(model_file, "model_family", lambda path: "yolo")
        monkeypatch.setattr(model_file, "read_record", lambda path: record)
        monkeypatch.setattr(yolo_checkpoint, "read_categories", lambda path: tuple(categories))

    return pretend


@pytest.fixture(scope="session")
def squares_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a network of a thousand weights that has learned in two seconds that bright squares are cells."""
    import torch

    from cell_pipelines.models.checkpoint import write_checkpoint
    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = create_network(NetworkSpec("resunet", in_channels=1, out_channels=1, options={"width": 4}))
        steps = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(60):
            target = (torch.nn.functional.interpolate(torch.rand(4, 1, 8, 8), scale_factor=8) > 0.85).float()
            given = target * 0.8 + 0.1 * torch.rand_like(target)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(given), target)
            steps.zero_grad()
            loss.backward()
            steps.step()
    description = {
        "representation": {"name": "binary", "options": {}}, "categories": ["cell"], "colour": "grey",
        "normalisation": "full_range", "mean_area_px": 144.0,
        "decoding": {"cell": {"cutoff": 0.5, "min_area_px": 20.0, "spacing_px": 0.0}},
    }  # fmt: skip
    path = tmp_path_factory.mktemp("models") / "squares.pt"
    path.write_bytes(write_checkpoint(network.eval(), description))
    return path


@pytest.fixture(scope="session")
def squares_image() -> Any:
    """Give a function of n: an image (64, 64) uint8 with n bright squares, up to nine."""
    import numpy as np

    def draw(n: int) -> Any:
        image = np.full((64, 64), 12, dtype=np.uint8)
        for place in range(n):
            row, column = 4 + 20 * (place // 3), 4 + 20 * (place % 3)
            image[row : row + 12, column : column + 12] = 220
        return image

    return draw
