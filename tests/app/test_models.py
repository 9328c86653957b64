"""Models that a user's trainings gave: what is known of them, and that counts outlive them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cell_pipelines.app.jobs import JobStore
from cell_pipelines.app.models import OwnModel, keep_trained, own_models

from .conftest import ANNA, BEN, TOKENS, says


@pytest.fixture
def client(tmp_path: Path, serve: Any, squares_model: Path) -> Iterator[TestClient]:
    """Give a client of a server on which anna has a trained model ``mine/new``."""
    trained = datetime(2026, 11, 30, 12, tzinfo=UTC)
    model = OwnModel(name="mine/new", trained=trained, start="nuclei", images=7, source="gone", title="Day <1>")
    keep_trained(JobStore(tmp_path), "anna", squares_model, model)
    with serve(tmp_path, tokens=TOKENS) as found:
        yield found


def _models(client: TestClient, head: dict[str, str] = ANNA) -> list[str]:
    return [name for name in client.get("/api/v1/models", headers=head).json() if name.startswith("mine/")]


def test_a_model_says_when_and_from_what_it_was_trained(client: TestClient) -> None:
    assert _models(client) == ["mine/new"]
    one = client.get("/api/v1/models/mine", headers=ANNA).json()[0]
    assert (one["name"], one["start"], one["images"], one["title"]) == ("mine/new", "nuclei", 7, "Day <1>")
    assert one["trained"].startswith("2026-11-30T12:00")
    page = client.get("/", headers=ANNA).text
    assert 'href="/?model=mine/new"' in page
    assert "Day &lt;1&gt;" in page
    assert client.get("/api/v1/models/mine", headers=BEN).json() == []


def test_a_model_of_which_nothing_is_known_has_the_time_of_its_file(tmp_path: Path, squares_model: Path) -> None:
    path = tmp_path / "users" / "anna" / "models" / "old.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(squares_model.read_bytes())
    (one,) = own_models(JobStore(tmp_path), "anna")
    assert (one.name, one.start, one.images) == ("mine/old", "", 0)
    assert abs((datetime.now(UTC) - one.trained).total_seconds()) < 600


def test_a_deleted_model_is_gone_and_counts_that_it_made_stay(client: TestClient, files: Any, tmp_path: Path) -> None:
    job = client.post("/api/v1/jobs", files=files(four=4), data={"model": "mine/new"}, headers=ANNA).json()["id"]
    client.get(f"/api/v1/jobs/{job}", params={"wait": 30}, headers=ANNA)
    assert client.delete("/api/v1/models/mine/new", headers=ANNA).status_code == 204
    assert _models(client) == []
    assert not list((tmp_path / "users" / "anna" / "models").glob("new.*"))
    assert client.get(f"/api/v1/jobs/{job}/counts", headers=ANNA).json()["total"] == 4
    client.post(f"/api/v1/jobs/{job}/thresholds", params={"min_area": 1e6}, headers=ANNA)
    client.post(f"/api/v1/jobs/{job}/thresholds", params={"own": True}, headers=ANNA)
    assert client.get(f"/api/v1/jobs/{job}/counts", headers=ANNA).json()["total"] == 4
    says(client.delete("/api/v1/models/mine/new", headers=ANNA), 404, "there is no model 'mine/new'")


@pytest.mark.parametrize("name", ["nuclei", "..%2f..%2fanna%2fmodels%2fnew", "other", "new"])
def test_only_own_models_are_deleted(client: TestClient, name: str, tmp_path: Path) -> None:
    assert client.delete(f"/api/v1/models/mine/{name}", headers=BEN).status_code == 404
    assert client.delete("/api/v1/models/nuclei", headers=BEN).status_code in (404, 405)
    assert _models(client) == ["mine/new"]
    assert (tmp_path / "users" / "anna" / "models" / "new.pt").is_file()


def test_a_model_that_a_waiting_job_counts_with_is_not_deleted(
    tmp_path: Path, serve: Any, client: TestClient, files: Any
) -> None:
    client.app.state.queue.stop()  # type: ignore[attr-defined]
    job = client.post("/api/v1/jobs", files=files(four=4), data={"model": "mine/new"}, headers=ANNA).json()["id"]
    says(client.delete("/api/v1/models/mine/new", headers=ANNA), 400, "cancel it first")
    client.post(f"/api/v1/jobs/{job}/cancel", headers=ANNA)
    assert client.delete("/api/v1/models/mine/new", headers=ANNA).status_code == 204
