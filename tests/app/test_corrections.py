import io
import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

SQUARE = [[50, 50], [60, 50], [60, 60], [50, 60]]


@pytest.fixture
def job(served: TestClient, files: Any, submit: Any) -> str:
    """Give a new job of one image with four squares."""
    return str(submit(served, files(four=4)))


def _edit(client: TestClient, job: str, status: int = 200, **edit: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/jobs/{job}/images/0/corrections", json=edit)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _now(client: TestClient, job: str) -> dict[str, Any]:
    return dict(client.get(f"/api/v1/jobs/{job}/images/0/corrections").json())


def _log(client: TestClient, job: str) -> Path:
    store = client.app.state.store  # type: ignore[attr-defined]
    return next(store.folder(store.get("local", job)).glob("corrections/*/events.jsonl"))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_log_says_what_was_changed_by_whom_and_when(served: TestClient, job: str) -> None:
    _edit(served, job, kind="delete", ids=[0])
    _edit(served, job, kind="add", points=SQUARE)
    first, second = _lines(_log(served, job))
    assert (first["by"], first["edit"]) == ("local", {"kind": "delete", "ids": [0]})
    assert datetime.fromisoformat(first["at"]) <= datetime.fromisoformat(second["at"])
    row = served.get(f"/api/v1/jobs/{job}/corrections").json()[0]
    assert (row["proposed"], row["corrected"], row["removed"], row["added"], row["by"]) == (4, 4, 1, 1, "local")


def test_an_answer_is_the_difference_that_the_page_needs(served: TestClient, job: str) -> None:
    before = {cell["id"]: cell for cell in _now(served, job)["cells"]}
    for edit in ({"kind": "delete", "ids": [1]}, {"kind": "add", "points": SQUARE}, {"kind": "undo"}, {"kind": "undo"},
                 {"kind": "redo"}, {"kind": "redraw", "id": 0, "points": SQUARE}):  # fmt: skip
        answer = _edit(served, job, **edit)
        for number in answer["removed"]:
            before.pop(number)
        before |= {cell["id"]: cell for cell in answer["cells"]}
        assert before == {cell["id"]: cell for cell in _now(served, job)["cells"]}
        assert answer["total"] == len(before)


def test_all_edits_are_taken_back_and_made_again(served: TestClient, job: str) -> None:
    start = _now(served, job)["cells"]
    for edit in ({"kind": "delete", "ids": [0, 2]}, {"kind": "add", "points": SQUARE}):
        _edit(served, job, **edit)
    end = _now(served, job)
    _edit(served, job, kind="undo")
    _edit(served, job, kind="undo")
    assert sorted(_now(served, job)["cells"], key=lambda cell: cell["id"]) == start
    assert "nothing to undo" in _edit(served, job, 400, kind="undo")["error"]
    _edit(served, job, kind="redo")
    _edit(served, job, kind="redo")
    assert _now(served, job)["total"] == end["total"]
    assert "nothing to redo" in _edit(served, job, 400, kind="redo")["error"]


def test_corrections_are_there_after_a_restart(tmp_path: Path, serve: Any, files: Any, submit: Any) -> None:
    with serve(tmp_path) as client:
        job = submit(client, files(four=4))
        _edit(client, job, kind="delete", ids=[3])
        before = _now(client, job)
    with serve(tmp_path) as client:
        assert _now(client, job) == before
        assert _edit(client, job, kind="undo")["total"] == 4


def test_half_a_line_of_an_edit_that_a_signal_ended_was_not_made(served: TestClient, job: str) -> None:
    _edit(served, job, kind="delete", ids=[0])
    path = _log(served, job)
    with path.open("a", encoding="utf-8") as log:
        log.write('{"at": "2026-01-01T00:00:00+00:00", "by": "local", "edit": {"kind": "delete", "ids": [')
    assert _now(served, job)["total"] == 3
    assert _edit(served, job, kind="delete", ids=[1])["total"] == 2
    assert [line["edit"]["ids"] for line in _lines(path)] == [[0], [1]]


def test_an_edit_that_is_refused_changes_nothing(served: TestClient, job: str) -> None:
    _edit(served, job, kind="delete", ids=[0])
    before = _now(served, job)
    for edit, text in [
        ({"kind": "delete", "ids": [0]}, "is not there any more"),
        ({"kind": "delete", "ids": []}, "ids"),
        ({"kind": "add", "points": [[1, 1], [2, 2]]}, "at least three points"),
        ({"kind": "add", "points": [[-9, -9], [-8, -9], [-8, -8]]}, "no pixel"),
        ({"kind": "add", "points": SQUARE, "category": 7}, "there is no class 7"),
        ({"kind": "add", "points": [["a", 1]] * 3}, "points"),
        ({"kind": "add", "points": [[1e300, 1], [2, 1e300], [3, 3]]}, "points"),
        ({"kind": "split", "id": 1, "points": [[0, 0], [0, 0]]}, "does not cut"),
        ({"kind": "merge", "ids": [1, 3]}, "must touch"),
        ({"kind": "explode"}, "kind"),
        ({}, "kind"),
    ]:  # fmt: skip
        error = _edit(served, job, 400, **edit)["error"]
        assert text in error, (edit, error)
    raw = '{"kind": "add", "points": [[NaN, 1], [Infinity, 2], [3, 3]]}'
    answer = served.post(f"/api/v1/jobs/{job}/images/0/corrections", content=raw)
    assert answer.status_code in (400, 422)
    assert _now(served, job) == before


def test_two_people_who_correct_one_image_lose_nothing(served: TestClient, files: Any, submit: Any) -> None:
    job = submit(served, files(nine=9))
    answers: list[int] = []

    def delete(numbers: range) -> None:
        for number in numbers:
            path = f"/api/v1/jobs/{job}/images/0/corrections"
            answers.append(served.post(path, json={"kind": "delete", "ids": [number]}).status_code)

    threads = [threading.Thread(target=delete, args=(range(first, 8, 2),)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert [cell["id"] for cell in _now(served, job)["cells"]] == [8]
    assert sorted(line["edit"]["ids"][0] for line in _lines(_log(served, job))) == list(range(8))


def test_corrected_cells_are_downloaded(served: TestClient, job: str) -> None:
    base = f"/api/v1/jobs/{job}/corrections/download"
    assert "nothing was corrected" in served.get(f"{base}/coco").json()["error"]
    _edit(served, job, kind="delete", ids=[0])
    assert served.get(f"{base}/coco").content.startswith(b"PK")
    assert served.get(f"{base}/nothing").status_code == 400


# --- training ----------------------------------------------------------------


def test_a_training_needs_images_that_are_fully_corrected(served: TestClient, job: str) -> None:
    _edit(served, job, kind="finish")
    answer = served.post(f"/api/v1/jobs/{job}/train", json={"name": "x", "minutes": 1})
    assert answer.status_code == 400
    assert "at least 3 images" in answer.json()["error"]
    assert "there is 1" in answer.json()["error"]


@pytest.fixture
def corrected(tmp_path: Path, serve: Any, files: Any, submit: Any) -> Any:
    """Give a client whose server works on nothing, with a job of three corrected images."""
    with serve(tmp_path) as client:
        job = submit(client, files(a=3, b=4, c=5))
        for number in range(3):
            client.post(f"/api/v1/jobs/{job}/images/{number}/corrections", json={"kind": "finish"})
    with serve(tmp_path, works=False) as client:
        yield client, job


def test_no_two_trainings_have_one_name(corrected: Any, tmp_path: Path) -> None:
    client, job = corrected
    answers: list[int] = []

    def train() -> None:
        answers.append(client.post(f"/api/v1/jobs/{job}/train", json={"name": "new", "minutes": 1}).status_code)

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 400, 400, 400]
    (tmp_path / "users" / "local" / "models" / "kept.pt").write_bytes(b"")
    answer = client.post(f"/api/v1/jobs/{job}/train", json={"name": "Kept"})
    assert "there is a model 'Kept' already" in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [{"name": "../x"}, {"name": ""}, {"name": "x", "minutes": 0}, {"name": "x", "minutes": 1e9}]
)
def test_a_training_that_cannot_be_is_refused_in_a_sentence(corrected: Any, body: dict[str, Any]) -> None:
    client, job = corrected
    answer = client.post(f"/api/v1/jobs/{job}/train", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(("name: ", "minutes: "))


def nuclei_uploads(count: int) -> list[tuple[str, tuple[str, bytes]]]:
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    images = [simulate_nuclei(NucleiScene(), seed=seed).image for seed in range(count)]
    found = []
    for number, image in enumerate(images):
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PNG")
        found.append(("files", (f"f{number}.png", content.getvalue())))
    return found


@pytest.mark.slow
@pytest.mark.exhaustive
def test_corrections_become_a_model_that_is_compared_with_the_one_before(
    tmp_path: Path, serve: Any, submit: Any
) -> None:
    with serve(tmp_path) as client:
        job = submit(client, nuclei_uploads(4), model="nuclei")
        for number in range(4):
            path = f"/api/v1/jobs/{job}/images/{number}/corrections"
            client.post(path, json={"kind": "delete", "ids": [0]})
            client.post(path, json={"kind": "finish"})
        training = client.post(f"/api/v1/jobs/{job}/train", json={"name": "mine", "minutes": 0.2}).json()["id"]
        ended = {"state": ""}
        while ended["state"] not in ("done", "failed", "cancelled"):
            ended = client.get(f"/api/v1/jobs/{training}", params={"wait": 30}).json()
        assert ended["state"] == "done", ended
        found = client.get(f"/api/v1/jobs/{training}/training").json()
        assert found["curve"]
        assert [row[0] for row in found["comparison"]["rows"]] == ["before", "after"]
        report = client.get(f"/api/v1/jobs/{training}/training/report")
        assert "script-src 'unsafe-inline'" in report.headers["content-security-policy"]
        assert "mine/mine" in client.get("/api/v1/models").json()
        again = submit(client, nuclei_uploads(1), model="mine/mine")
        assert client.get(f"/api/v1/jobs/{again}/counts").json()["total"] > 0
