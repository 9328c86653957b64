import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cell_pipelines.app.server import create_app
from cell_pipelines.app.settings import AppSettings

#: Name of the small model of these tests.
MODEL = "test/squares"
#: Users by their tokens, and what each of them sends along.
TOKENS = {"secret-of-anna": "anna", "secret-of-ben": "ben"}
ANNA, BEN = ({"Authorization": f"Bearer {token}"} for token in TOKENS)
Files = list[tuple[str, tuple[str, bytes]]]


def says(answer: Any, status: int, text: str) -> None:
    """Check that an answer is one of a status whose sentence has some words, and shows no folder of the server."""
    assert answer.status_code == status, answer.text
    assert text in answer.json()["error"]
    assert "/users/" not in answer.text


def encode(image: Any) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def models_root(tmp_path_factory: pytest.TempPathFactory, squares_model: Path) -> Path:
    """Give the data folder of a project whose one model is `squares_model`."""
    root = tmp_path_factory.mktemp("project") / "data"
    (root / "test" / "06_models").mkdir(parents=True)
    shutil.copy(squares_model, root / "test" / "06_models" / "squares.pt")
    return root


@pytest.fixture(scope="module", autouse=True)
def environment(models_root: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELL_DATA_ROOT", str(models_root))
        yield


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[TestClient]:
    with TestClient(create_app(AppSettings(folder=folder, **settings))) as client:
        yield client


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    """Give a function that starts a server of a folder, with these settings, in a `with` block."""
    return serving


@pytest.fixture(scope="session")
def files(squares_image: Any) -> Callable[..., Files]:
    """Give a function that returns an upload of images by name, each with so many squares."""

    def make(**counts: int) -> Files:
        return [("files", (name.replace("__", "/") + ".png", encode(squares_image(n)))) for name, n in counts.items()]

    return make


@pytest.fixture(scope="session")
def submit() -> Callable[..., str]:
    """Give a function that has images counted by `client`, waits, and returns the job's identity."""

    def run(client: TestClient, files: Files, **form: str) -> str:
        answer = client.post("/api/v1/jobs", files=files, data={"model": MODEL, **form})
        assert answer.status_code == 201, answer.text
        identity = str(answer.json()["id"])
        job = client.get(f"/api/v1/jobs/{identity}", params={"wait": 30}).json()
        assert job["state"] == "done", job
        return identity

    return run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, serve: Any) -> Iterator[TestClient]:
    """Give a client of a server that all tests of a file share."""
    with serve(tmp_path_factory.mktemp("served") / "jobs") as client:
        yield client


@pytest.fixture(scope="module")
def counted(served: TestClient, files: Any, submit: Any) -> str:
    """Give a job of `served`: five, three and no squares in two folders, and an image that is cut short."""
    whole = files(b__cut=9)[0][1][1]
    cut = whole[: len(whole) // 2]
    return str(submit(served, [*files(a__five=5, a__none=0, b__three=3), ("files", ("b/cut.png", cut))]))
