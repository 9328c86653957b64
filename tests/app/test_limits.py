from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import ANNA, BEN, MODEL, TOKENS, says


def _nothing_is_kept(folder: Path) -> bool:
    return not list(folder.glob("users/*/jobs/*"))


def test_an_upload_that_is_announced_too_large_is_refused_before_it_is_read(tmp_path: Path, serve: Any) -> None:
    with serve(tmp_path, upload_mb=1) as client:
        answer = client.post("/api/v1/jobs", files=[("files", ("a.png", bytes(6_000_000)))])
        says(answer, 413, "at most 1 MB")
        assert _nothing_is_kept(tmp_path)


def test_an_upload_without_a_length_is_ended_where_it_becomes_too_large(tmp_path: Path, serve: Any) -> None:
    def chunks() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        for _ in range(100):
            yield bytes(100_000)
        yield b"\r\n--b--\r\n"

    with serve(tmp_path, upload_mb=1) as client:
        head = {"Content-Type": "multipart/form-data; boundary=b"}
        says(client.post("/api/v1/jobs", content=chunks(), headers=head), 413, "at most 1 MB")
        assert _nothing_is_kept(tmp_path)


def test_too_many_files_are_refused_and_more_than_a_thousand_are_not(tmp_path: Path, serve: Any) -> None:
    with serve(tmp_path, works=False, upload_files=1500) as client:
        many = [("files", (f"{n}.png", b"x")) for n in range(1501)]
        says(client.post("/api/v1/jobs", files=many, data={"model": MODEL}), 413, "at most 1500 files")
        assert client.post("/api/v1/jobs", files=many[1:], data={"model": MODEL}).status_code == 201


def test_nothing_but_an_upload_may_be_large(served: TestClient, counted: str) -> None:
    body = {"kind": "add", "points": [[1.0, 1.0]] * 1_000_000}
    says(served.post(f"/api/v1/jobs/{counted}/images/0/corrections", json=body), 413, "at most 4 MB")


@pytest.mark.parametrize(
    ("content", "head", "status", "text"),
    [
        (b"{}", "application/json", 415, "multipart/form-data"),
        (b"x", "multipart/form-data", 415, "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=b", 400, "damaged"),
        (b"--b\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\nxx",
         "multipart/form-data; boundary=b", 400, "cut short"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", 400, "no field"),
        (b"", "multipart/form-data; boundary=" + "b" * 5000, 400, "damaged"),
        (b"sample=perhaps", "application/x-www-form-urlencoded", 400, "sample"),
        (b"model=" + b"x" * 10_000, "application/x-www-form-urlencoded", 400, "4"),
    ],
)  # fmt: skip
def test_a_damaged_upload_is_refused_in_a_sentence(
    served: TestClient, content: bytes, head: str, status: int, text: str
) -> None:
    says(served.post("/api/v1/jobs", content=content, headers={"Content-Type": head}), status, text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"model": "no-such"}, "there is no model"),
        ({"model": "/etc/passwd"}, "there is no model"),
        ({"model": "../../models/x.pt"}, "there is no model"),
        ({"threshold": "2"}, "threshold"),
        ({"threshold": "<b>"}, "threshold"),
        ({"diameter": "-3"}, "diameter"),
        ({"diameter": "30"}, "sees images as they are"),
        ({"tresold": "0.5"}, "there is no field"),
        ({"title": "x" * 5000}, "at most 4096 bytes"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_a_sentence(
    served: TestClient, files: Any, form: dict[str, str], text: str
) -> None:
    says(served.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL, **form}), 400, text)


@pytest.mark.parametrize("diameter", ["0.001", "1e9", "nan", "-1 um"])
def test_a_diameter_out_of_range_is_refused_before_it_takes_all_memory(
    served: TestClient, files: Any, diameter: str
) -> None:
    answer = served.post("/api/v1/jobs", files=files(one=1), data={"model": "nuclei", "diameter": diameter})
    says(answer, 400, "`diameter` must be")


def test_a_diameter_that_does_not_fit_the_image_is_said_to_be_wrong(served: TestClient, files: Any) -> None:
    answer = served.post("/api/v1/jobs", files=files(one=1), data={"model": "nuclei", "diameter": "4000"})
    job = served.get(f"/api/v1/jobs/{answer.json()['id']}", params={"wait": 30}).json()
    assert job["state"] == "failed"
    assert "does not fit into the image of 64 x 64 pixels" in job["message"]


def test_no_image_is_no_job(served: TestClient) -> None:
    says(served.post("/api/v1/jobs", data={"model": MODEL}), 400, "there is no image")


def test_a_user_has_so_many_jobs_that_have_not_ended_and_others_theirs(tmp_path: Path, serve: Any, files: Any) -> None:
    def send(head: dict[str, str]) -> Any:
        return client.post("/api/v1/jobs", files=files(one=1), data={"model": MODEL}, headers=head)

    with serve(tmp_path, works=False, open_jobs=2, tokens=TOKENS) as client:
        job = send(ANNA).json()["id"]
        assert send(ANNA).status_code == 201
        says(send(ANNA), 429, "2 of your jobs wait or run")
        assert len(client.get("/api/v1/jobs", headers=ANNA).json()) == 2
        assert send(BEN).status_code == 201
        client.post(f"/api/v1/jobs/{job}/cancel", headers=ANNA)
        assert send(ANNA).status_code == 201
