import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import ANNA, BEN, MODEL, TOKENS, says


def _nothing_is_kept(folder: Path) -> bool:
    return not list(folder.glob("users/*/jobs/*"))


@pytest.mark.parametrize("sent", ["/cells", ""])
def test_a_prefix_works_whether_the_proxy_takes_it_off_or_not(
    tmp_path: Path, serve: Any, files: Any, sent: str
) -> None:
    with serve(tmp_path, root_path="cells/") as client:
        page = client.get(f"{sent}/").text
        assert 'src="/cells/static/start.js"' in page
        for path in ("/static/start.js", "/bokeh/bokeh.min.js", "/health", "/api/v1/jobs", "/api/openapi.json"):
            assert client.get(sent + path).status_code == 200, path
        assert client.post(f"{sent}/api/v1/jobs", files=files(one=1), data={"model": MODEL}).status_code == 201


def test_health_says_when_no_job_is_worked_on(tmp_path: Path, serve: Any) -> None:
    with serve(tmp_path) as client:
        assert client.get("/health").status_code == 200
        client.app.state.queue.stop()
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "no job is worked on")


def test_metrics_count_jobs(tmp_path: Path, serve: Any, files: Any, submit: Any) -> None:
    with serve(tmp_path) as client:
        submit(client, files(one=1))
        text = client.get("/metrics").text
    assert 'cell_pipelines_jobs{kind="count",state="done"} 1' in text
    assert "cell_pipelines_jobs_waiting 0" in text


def test_a_job_that_was_deleted_is_not_there_for_a_page_that_is_still_open(
    tmp_path: Path, serve: Any, files: Any, submit: Any
) -> None:
    with serve(tmp_path) as client:
        job = submit(client, files(one=1))
        client.get(f"/api/v1/jobs/{job}/counts")
        assert client.delete(f"/api/v1/jobs/{job}").status_code == 204
        for path in ("", "/counts", "/images/0/cells", "/images/0/picture", "/download/counts.csv"):
            says(client.get(f"/api/v1/jobs/{job}{path}"), 404, "may have been deleted")
        says(client.post(f"/api/v1/jobs/{job}/thresholds"), 404, "may have been deleted")
        says(client.delete(f"/api/v1/jobs/{job}"), 404, "may have been deleted")
        assert _nothing_is_kept(tmp_path)


def test_a_job_waits_is_cancelled_and_can_be_deleted(tmp_path: Path, serve: Any, files: Any) -> None:
    with serve(tmp_path, works=False) as client:
        job = client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}).json()["id"]
        says(client.get(f"/api/v1/jobs/{job}/counts"), 400, "have not been counted yet")
        says(client.delete(f"/api/v1/jobs/{job}"), 400, "cancel it first")
        assert client.post(f"/api/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
        assert client.delete(f"/api/v1/jobs/{job}").status_code == 204


def test_a_job_is_called_otherwise(tmp_path: Path, serve: Any, files: Any) -> None:
    with serve(tmp_path, works=False, tokens=TOKENS) as client:
        job = client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}, headers=ANNA).json()["id"]
        path = f"/api/v1/jobs/{job}/title"
        assert (
            client.post(path, json={"title": " Day 3,\n <b>x</b> "}, headers=ANNA).json()["title"] == "Day 3, <b>x</b>"
        )
        says(client.post(path, json={"title": "\u200b \n"}, headers=ANNA), 400, "a job needs a name")
        says(client.post(path, json={"title": "Ben's"}, headers=BEN), 404, "there is no job")
        assert client.get(f"/api/v1/jobs/{job}", headers=ANNA).json()["title"] == "Day 3, <b>x</b>"
        assert "Day 3, &lt;b&gt;x&lt;/b&gt;</h1>" in client.get(f"/jobs/{job}", headers=ANNA).text


@pytest.mark.parametrize(
    ("names", "title"),
    [(["a.png"], "a.png"), (["a.png", "b.png"], "a.png and 1 more"), (["day 1/x/a.png", "day 1/b.png"], "day 1"),
     (["day 1/a.png", "day 2/b.png"], "a.png and 1 more"), (["day 1/a.png", "b.png"], "a.png and 1 more")],
)  # fmt: skip
def test_a_job_is_first_called_by_its_folder_or_first_file(
    tmp_path: Path, serve: Any, files: Any, names: list[str], title: str
) -> None:
    content = files(one=1)[0][1][1]
    with serve(tmp_path, works=False) as client:
        upload = [("files", (name, content)) for name in names]
        assert client.post("/api/v1/jobs", files=upload, data={"model": MODEL}).json()["title"] == title


def test_jobs_of_other_versions_and_damaged_ones_keep_nobody_out(
    tmp_path: Path, serve: Any, files: Any, submit: Any
) -> None:
    with serve(tmp_path) as client:
        old, damaged = submit(client, files(one=1)), submit(client, files(two=2))
    path = tmp_path / "users" / "local" / "jobs"
    said = json.loads((path / old / "job.json").read_text())
    (path / old / "job.json").write_text(json.dumps({**said, "field_of_a_later_version": 1}))
    (path / damaged / "job.json").write_text('{"id": ')
    with serve(tmp_path) as client:
        assert [job["id"] for job in client.get("/api/v1/jobs").json()] == [old]
        assert client.get(f"/api/v1/jobs/{old}/counts").json()["total"] == 1
        says(client.get(f"/api/v1/jobs/{damaged}"), 404, "there is no job")


def test_what_an_upload_left_that_was_ended_by_a_signal_is_removed_and_no_job(tmp_path: Path, serve: Any) -> None:
    # The name is that of a process of this machine that is gone.
    from cell_pipelines.processes import this_process

    gone = f".tmp-{this_process().host}-{this_process().boot}-4194305-1-00000000"
    left = tmp_path / "users" / "local" / "jobs" / gone / "received"
    left.mkdir(parents=True)
    (left / "0").write_bytes(b"half an image")
    with serve(tmp_path) as client:
        assert client.get("/api/v1/jobs").json() == []
        assert _nothing_is_kept(tmp_path)


def test_the_log_names_no_image(tmp_path: Path, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="cell_pipelines.app")
    with serve(tmp_path) as client:
        upload = [("files", ("patient_doe.png", b"no image"))]
        job = client.post("/api/v1/jobs", files=upload, data={"model": MODEL}).json()["id"]
        failed = client.get(f"/api/v1/jobs/{job}", params={"wait": 30}).json()
    assert failed["state"] == "failed"
    assert failed["message"].startswith("patient_doe.png: ")
    assert "patient_doe" not in caplog.text


def test_a_fault_is_one_sentence_and_its_log_has_no_names(
    served: TestClient, counted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        {}["patient_doe.png"]

    monkeypatch.setattr("cell_pipelines.app.routes.counts.open_count", fail)
    answer = served.get(f"/api/v1/jobs/{counted}/images/0/cells")
    says(answer, 500, "KeyError")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "patient_doe" not in answer.text + caplog.text.replace('{}["patient_doe.png"]', "")


def test_a_full_disk_is_said_and_nothing_of_the_upload_stays(
    tmp_path: Path, serve: Any, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    with serve(tmp_path) as client:
        monkeypatch.setattr("cell_pipelines.app.routes.jobs.store_uploads", fail)
        says(client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}), 507, "disk is full")
        assert _nothing_is_kept(tmp_path)


def test_the_interface_describes_itself(served: TestClient) -> None:
    described = served.get("/api/openapi.json").json()
    form = described["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["files"]["items"]["format"] == "binary"
    assert set(form["properties"]) >= {"model", "diameter", "channel", "threshold", "title", "sample"}
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            assert said.get("description"), f"{method} {path} says nothing"


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/static/../server.py", "/static/%2e%2e/server.py"])
def test_what_is_not_there_is_said_so(served: TestClient, path: str) -> None:
    assert served.get(path).status_code == 404


def test_a_second_server_of_one_folder_says_who_works_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from cell_pipelines.app.jobs import JobStore
    from cell_pipelines.app.queue import JobQueue
    from cell_pipelines.commands import cli

    # It would keep the other tests' log clean, too.
    monkeypatch.setattr("cell_pipelines.app.serving.keep_log_clean", lambda: None)
    first = JobQueue(JobStore(tmp_path), {})
    first.start()
    try:
        for more in ([], ["--jobs-only"]):
            said = CliRunner().invoke(cli, ["app", "--folder", str(tmp_path), "--port", "0", "--no-open", *more])
            assert said.exit_code == 2
            assert "another server works on the jobs" in said.output
            assert f"process {os.getpid()}" in said.output
    finally:
        first.stop()


def test_pages_and_jobs_are_two_processes_of_one_folder(tmp_path: Path, serve: Any, files: Any) -> None:
    from cell_pipelines.app.jobs import JobStore
    from cell_pipelines.app.server import create_queue

    worker = create_queue(JobStore(tmp_path))
    with serve(tmp_path, works=False) as client:
        job = client.post("/api/v1/jobs", files=files(two=2), data={"model": MODEL}).json()["id"]
        assert client.get(f"/api/v1/jobs/{job}").json()["state"] == "queued"
        worker.start()
        try:
            assert client.get(f"/api/v1/jobs/{job}", params={"wait": 30}).json()["state"] == "done"
        finally:
            worker.stop()
        assert client.get(f"/api/v1/jobs/{job}/counts").json()["total"] == 2
