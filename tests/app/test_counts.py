import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from cell_pipelines.annotations.formats.registry import FORMATS

from .conftest import says


def _rows(client: TestClient, job: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/jobs/{job}/counts").json()
    return {row[0]: dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]}


def test_a_count_has_a_row_for_each_image_and_names_the_one_that_cannot_be_read(
    served: TestClient, counted: str
) -> None:
    rows = _rows(served, counted)
    assert {name: row["total"] for name, row in rows.items() if not row["error"]} == {
        "a/five.png": 5, "a/none.png": 0, "b/three.png": 3,
    }  # fmt: skip
    assert rows["b/cut.png"]["error"].startswith("b/cut.png: ")


def test_totals_of_folders_are_sums(served: TestClient, counted: str) -> None:
    answer = served.get(f"/api/v1/jobs/{counted}/counts").json()
    assert [(row["folder"], row["images"], row["total"]) for row in answer["folders"]] == [("a", 2, 5), ("b", 1, 3)]
    assert answer["total"] == 8
    assert answer["names"] == ["a/five.png", "a/none.png", "b/three.png"]


def test_an_image_is_shown_with_the_cells_that_were_counted(served: TestClient, counted: str) -> None:
    cells = served.get(f"/api/v1/jobs/{counted}/images/0/cells").json()
    assert (cells["total"], len(cells["cells"]), cells["width"], cells["height"]) == (5, 5, 64, 64)
    for kind in ("picture", "overlay.png"):
        answer = served.get(f"/api/v1/jobs/{counted}/images/0/{kind}")
        assert answer.content.startswith(b"\x89PNG")


def test_a_picture_is_as_small_as_is_asked_for(served: TestClient, counted: str) -> None:
    from PIL import Image

    content = served.get(f"/api/v1/jobs/{counted}/images/0/picture", params={"side": 16}).content
    assert Image.open(io.BytesIO(content)).size == (16, 16)


@pytest.mark.parametrize("number", ["-1", "3", "99999999999999999999"])
def test_an_image_that_is_not_there_is_said_so(served: TestClient, counted: str, number: str) -> None:
    for kind in ("cells", "picture", "overlay.png", "corrections"):
        says(served.get(f"/api/v1/jobs/{counted}/images/{number}/{kind}"), 400, "the job has 3 images")


def test_the_report_runs_its_own_script_and_reaches_nothing(served: TestClient, counted: str) -> None:
    answer = served.get(f"/api/v1/jobs/{counted}/report")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy.replace("default-src 'none'", "")
    assert "five.png" in answer.text


def test_tables_are_those_of_the_page(served: TestClient, counted: str) -> None:
    def get(kind: str) -> bytes:
        return bytes(served.get(f"/api/v1/jobs/{counted}/download/{kind}").content)

    table = pd.read_csv(io.BytesIO(get("counts.csv")))
    assert list(table["total"].dropna()) == [5, 0, 3]
    assert len(pd.read_csv(io.BytesIO(get("cells.csv")))) == 8
    assert "xl/worksheets/sheet2.xml" in zipfile.ZipFile(io.BytesIO(get("counts.xlsx"))).namelist()
    assert get("report.html").startswith(b"<!DOCTYPE html>") or b"<html" in get("report.html")[:200]


def test_all_of_it_is_an_archive_with_an_overlay_for_each_image(served: TestClient, counted: str) -> None:
    content = served.get(f"/api/v1/jobs/{counted}/download/all").content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"counts.csv", "counts.xlsx", "cells.csv", "report.html"} <= set(names)
    assert {"overlays/a/five.png", "overlays/b/three.png"} <= set(names)


@pytest.mark.quick(annotation_format=("coco", "qupath_geojson", "yolo"))
@pytest.mark.parametrize("annotation_format", FORMATS)
def test_cells_come_in_every_annotation_format(served: TestClient, counted: str, annotation_format: str) -> None:
    answer = served.get(f"/api/v1/jobs/{counted}/download/{annotation_format}")
    assert answer.status_code == 200, answer.text
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


@pytest.mark.parametrize("kind", ["annotations", "overlays", "nothing", "..%2f..%2fjob.json", "job.json"])
def test_what_is_not_offered_is_not_downloaded(served: TestClient, counted: str, kind: str) -> None:
    answer = served.get(f"/api/v1/jobs/{counted}/download/{kind}")
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]


def test_thresholds_act_on_stored_scores_and_the_network_does_not_run(
    served: TestClient, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr("cell_pipelines.inference.predictor.create_predictor", refuse)
    before = served.get(f"/api/v1/jobs/{counted}/counts").json()
    larger = served.get(f"/api/v1/jobs/{counted}/images/0/cells", params={"min_area": 1e6}).json()
    assert larger["total"] == 0
    assert _rows(served, counted)["a/five.png"]["total"] == 5, "looking changes nothing"
    job = served.post(f"/api/v1/jobs/{counted}/thresholds", params={"min_area": 1e6}).json()
    assert job["settings"]["min_area_px"] == 1e6
    assert served.get(f"/api/v1/jobs/{counted}/counts").json()["total"] == 0
    served.post(f"/api/v1/jobs/{counted}/thresholds", params={"own": True})
    assert served.get(f"/api/v1/jobs/{counted}/counts").json() == before


def test_two_clients_with_other_thresholds_leave_one_result_that_agrees_with_itself(
    served: TestClient, files: Any, submit: Any
) -> None:
    job = submit(served, files(one=1, nine=9))
    areas, path = [0.0, 1e6] * 6, f"/api/v1/jobs/{job}/thresholds"
    threads = [
        threading.Thread(target=served.post, args=(path,), kwargs={"params": {"min_area": area}}) for area in areas
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = served.get(f"/api/v1/jobs/{job}/counts").json()
    cells = sum(served.get(f"/api/v1/jobs/{job}/images/{n}/cells").json()["total"] for n in range(2))
    table = pd.read_csv(io.BytesIO(served.get(f"/api/v1/jobs/{job}/download/cells.csv").content))
    assert counts["total"] == cells == len(table)


@pytest.mark.parametrize("threshold", ["-0.1", "1.1", "nan", "high"])
def test_a_threshold_out_of_range_is_refused_in_a_sentence(served: TestClient, counted: str, threshold: str) -> None:
    answer = served.post(f"/api/v1/jobs/{counted}/thresholds", params={"threshold": threshold})
    says(answer, 422, "threshold")


def test_counts_stay_those_of_the_model_that_made_them(
    tmp_path: Path, serve: Any, files: Any, submit: Any, models_root: Path
) -> None:
    other = models_root / "test" / "06_models" / "other.pt"
    other.write_bytes((models_root / "test" / "06_models" / "squares.pt").read_bytes())
    with serve(tmp_path) as client:
        job = submit(client, files(four=4), model="test/other")
        before = client.get(f"/api/v1/jobs/{job}/download/counts.csv").content
        other.unlink()
        assert "test/other" not in client.get("/api/v1/models").json()
        client.post(f"/api/v1/jobs/{job}/thresholds", params={"min_area": 1e6})
        client.post(f"/api/v1/jobs/{job}/thresholds", params={"own": True})
        assert client.get(f"/api/v1/jobs/{job}/download/counts.csv").content == before
