from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cell_pipelines.app.server import create_app
from cell_pipelines.app.settings import AppSettings

from .conftest import ANNA, BEN, MODEL, TOKENS, says


def test_without_a_token_nothing_is_told(tmp_path: Path, serve: Any) -> None:
    with serve(tmp_path, tokens=TOKENS) as client:
        for path in ("/api/v1/jobs", "/api/v1/models", "/metrics", "/api/v1/jobs/20260101-000000-00000000"):
            says(client.get(path), 401, "a token is needed")
        for headers in ({"Authorization": "Bearer wrong"}, {"Cookie": "cell_pipelines_token=w\u00f6"}):
            raw = {name: value.encode("latin-1") for name, value in headers.items()}
            says(client.get("/api/v1/jobs", headers=raw), 401, "this token is not known")
        assert client.get("/api/v1/jobs", headers=ANNA).json() == []
        assert client.get("/health").json()["status"] == "ok"


def test_users_see_their_own_jobs_only(tmp_path: Path, serve: Any, files: Any) -> None:
    with serve(tmp_path, tokens=TOKENS) as client:
        job = client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}, headers=ANNA).json()["id"]
        client.get(f"/api/v1/jobs/{job}", params={"wait": 30}, headers=ANNA)
        assert client.get(f"/api/v1/jobs/{job}/counts", headers=ANNA).json()["total"] == 1
        assert client.get("/api/v1/jobs", headers=BEN).json() == []
        base = f"/api/v1/jobs/{job}"
        for path in ("", "/counts", "/images/0/cells", "/images/0/picture", "/images/0/overlay.png", "/report",
                     "/download/all", "/corrections", "/images/0/corrections", "/training", "/training/report",
                     "/corrections/download/coco"):  # fmt: skip
            says(client.get(base + path, headers=BEN), 404, "there is no job")
        for path, body in (("/cancel", None), ("/thresholds", None), ("/images/0/corrections", {"kind": "undo"}),
                           ("/train", {"name": "x"})):  # fmt: skip
            says(client.post(base + path, json=body, headers=BEN), 404, "there is no job")
        says(client.delete(base, headers=BEN), 404, "there is no job")
        assert client.get(base, headers=ANNA).json()["state"] == "done"


def test_logging_in_keeps_the_token_out_of_reach_of_scripts_and_other_pages(tmp_path: Path, serve: Any) -> None:
    with serve(tmp_path, tokens=TOKENS) as client:
        assert (
            client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
            .headers["location"]
            .endswith("/login")
        )
        assert client.post("/login", data={"token": "wrong"}).status_code == 401
        answer = client.post("/login", data={"token": "secret-of-anna"}, follow_redirects=False)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "secret-of-anna" not in cookie
        assert client.get("/api/v1/jobs").status_code == 200


def test_a_proxy_that_logs_people_in_names_them(tmp_path: Path, serve: Any, files: Any) -> None:
    with serve(tmp_path, user_header="X-Forwarded-User") as client:
        says(client.get("/api/v1/jobs"), 403, "X-Forwarded-User")
        says(client.get("/api/v1/jobs", headers={"X-Forwarded-User": "../ben"}), 403, "letters, digits")
        head = {"X-Forwarded-User": "anna@example.org"}
        client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}, headers=head)
        assert len(client.get("/api/v1/jobs", headers=head).json()) == 1
        assert client.get("/api/v1/jobs", headers={"X-Forwarded-User": "ben"}).json() == []
        assert (tmp_path / "users" / "anna@example.org").is_dir()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_other_machines_need_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="needs a token"):
        AppSettings(folder=tmp_path, host=host)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://testserver.evil.example", "http://testserver:1"]
)
def test_another_page_cannot_make_a_browser_send_anything(served: TestClient, counted: str, origin: str) -> None:
    for method, path in (("POST", f"/api/v1/jobs/{counted}/thresholds"), ("DELETE", f"/api/v1/jobs/{counted}"),
                         ("POST", "/api/v1/jobs"),
                         ("POST", f"/api/v1/jobs/{counted}/images/0/corrections")):  # fmt: skip
        answer = served.request(method, path, headers={"Origin": origin}, json={"kind": "undo"})
        assert answer.status_code == 403, (method, path, answer.text)
    assert served.get(f"/api/v1/jobs/{counted}").json()["state"] == "done"


def test_the_page_itself_may_send(served: TestClient, counted: str) -> None:
    head = {"Origin": "http://testserver"}
    assert served.post(f"/api/v1/jobs/{counted}/thresholds", params={"own": True}, headers=head).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8700", 200), ("localhost", 200), ("[::1]:8700", 200), ("evil.example", 400), ("testserver", 400),
     ("[", 400)],
)  # fmt: skip
def test_a_server_of_this_machine_answers_to_its_own_names_only(tmp_path: Path, host: str, status: int) -> None:
    client = TestClient(create_app(AppSettings(folder=tmp_path, works=False)), client=("127.0.0.1", 4000))
    assert client.get("/health", headers={"Host": host}).status_code == status
