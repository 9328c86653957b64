"""Every page: accessible, within the window at any width, in light and dark; reports and the HTTP interface."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def axe() -> Callable[[Any], None]:
    """Return what checks a page by axe-core."""
    found = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def check(page: Any) -> None:
        violations = found.run(page).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in violations] == []

    return check


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_pages_are_accessible(uploaded: Opener, address: str, axe: Any, fits: Any, width: int, dark: bool) -> None:
    page = uploaded(width, dark=dark, count=2)
    axe(page)
    page.fill("#threshold", "0.9")
    page.locator("summary").click()
    axe(page)
    page.click("#correct")
    page.wait_for_selector("#viewer:focus")
    for key in ("a", "n"):
        page.keyboard.press(key)
    page.wait_for_selector("#count-here:has-text('after 1 correction')")
    axe(page)
    page.click("#correct")
    page.wait_for_selector("#changes tbody tr")
    axe(page)
    for path in ("", "api"):
        page.goto(address + path)
        axe(page)
        fits(page)


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False)])
def test_pages_of_errors_and_the_login_are_accessible(
    visit: Opener, guarded_address: str, axe: Any, fits: Any, width: int, dark: bool
) -> None:
    page = visit(guarded_address, width, dark=dark, allowed="status of 40[014]")
    assert page.url.endswith("/login")
    axe(page)
    page.fill("#token", "not the token")
    page.click("button.primary")
    page.wait_for_selector(".error")
    axe(page)
    fits(page)
    page.fill("#token", "open-sesame")
    page.click("button.primary")
    page.wait_for_selector("#drop")
    for path in ("jobs/20200101-000000-00000000", "nowhere", "studies/demo/other"):
        page.goto(guarded_address + path)
        assert page.inner_text("h1") == "This is not possible"
        axe(page)
        fits(page)
    page.goto(guarded_address)
    page.click("text=Log out anna")
    page.wait_for_selector("#token")


def test_a_training_is_accessible_and_can_be_cancelled(uploaded: Opener, axe: Any, fits: Any) -> None:
    page = uploaded(390, count=3)
    path = page.url.replace("/jobs/", "/api/v1/jobs/")
    for number in range(3):
        answer = page.request.post(f"{path}/images/{number}/corrections", data={"kind": "finish"})
        assert answer.ok
    page.reload()
    page.wait_for_selector("#changes tbody tr")
    page.click("#train button")
    page.wait_for_selector("#curve")
    axe(page)
    fits(page)
    page.click("#cancel")
    page.wait_for_selector("#progress-title:has-text('Cancelled')")
    axe(page)


# What a server says of a training on many images: F1 became better, the count did not.
_CURVE = [{"epoch": n, "train_loss": 1 / n, "val_loss": 1.1 / n, "val_dice": 1 - 0.3 / n} for n in (1, 2, 3)]
_F1 = {"title": "F1 of masks at IoU 0.5", "decimals": 3, "before": [0.81, 0.75, 0.86], "after": [0.9, 0.86, 0.93],
       "difference": [0.09, 0.04, 0.14], "p": 0.0002, "better": "after"}  # fmt: skip
_MAE = {"title": "count MAE, cells per image", "decimals": 2, "before": [2.0, 1.5, 3.0], "after": [2.0, None, None],
        "difference": [-0.001, None, None], "p": None, "better": ""}  # fmt: skip
_COMPARISON = {
    "images": 20, "cells": 1, "models": ["nuclei (before)", "tried (after)"], "metrics": [_F1, _MAE], "level": 0.95,
    "verdict": "The new model is better in F1 of masks at IoU 0.5.", "sentences": ["A.", "B."], "notes": ["C."],
}  # fmt: skip


@pytest.mark.quick(width=[390])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_finished_training_shows_both_models_metric_by_metric(
    uploaded: Opener, axe: Any, fits: Any, width: int, dark: bool
) -> None:
    page = uploaded(width, dark=dark, count=3)
    path = page.url.replace("/jobs/", "/api/v1/jobs/")
    for number in range(3):
        page.request.post(f"{path}/images/{number}/corrections", data={"kind": "finish"})
    job = page.request.post(f"{path}/train", data={"name": f"shown{width}"}).json()
    page.request.post(f"{path.rpartition('/')[0]}/{job['id']}/cancel")
    page.route(f"**/api/v1/jobs/{job['id']}", lambda one: one.fulfill(json={**job, "state": "done"}))
    page.route("**/training", lambda one: one.fulfill(json={"curve": _CURVE, "comparison": _COMPARISON}))
    page.goto(f"{page.url.rpartition('/')[0]}/{job['id']}")
    page.wait_for_selector("#comparison:visible")
    assert page.inner_text("#tested") == "20 test images with 1 cell"
    assert [line.split("\t") for line in page.inner_text("#models").splitlines()] == [
        ["metric", "nuclei (before)", "tried (after)", "difference, after − before", "p"],
        ["F1 of masks at IoU 0.5", "0.810 (0.750 to 0.860)", "0.900 (0.860 to 0.930)", "0.090 (0.040 to 0.140)",
         "below 0.001"],
        ["count MAE, cells per image", "2.00 (1.50 to 3.00)", "2.00", "0.00", ""],
    ]  # fmt: skip
    assert page.inner_text("#reading").startswith("In brackets: intervals of 95 %. p: Wilcoxon's signed-rank test")
    page.locator("summary").click()
    axe(page)
    fits(page)


def test_a_job_is_renamed_on_its_page(uploaded: Opener, address: str, axe: Any, fits: Any) -> None:
    page = uploaded(390)
    page.once("dialog", lambda dialog: dialog.accept("Day 3 <b>x</b> " + "w" * 60))
    page.click("#rename")
    page.wait_for_selector("h1:has-text('Day 3 <b>x</b>')")
    fits(page)
    page.click(".brand")
    assert page.locator("tr", has_text="Day 3 <b>x</b>").count() == 1
    fits(page)


def test_an_own_model_is_listed_and_deleted_after_a_question(
    visit: Opener, address: str, jobs_folder: Path, axe: Any, fits: Any
) -> None:
    from cell_pipelines.app.jobs import JobStore
    from cell_pipelines.app.models import OwnModel, keep_trained
    from cell_pipelines.workflows.model_names import open_model

    known = {"start": "nuclei", "images": 5, "source": "gone", "title": "Day 1"}
    model = OwnModel(name="mine/listed", trained=datetime.now(UTC), **known)
    keep_trained(JobStore(jobs_folder), "local", open_model("nuclei").path, model)
    page = visit(address, 390)
    row = page.locator("#models tr", has_text="listed")
    assert row.locator("td").all_inner_texts()[1:4] == ["nuclei", "5", "Day 1"]
    axe(page)
    fits(page)
    page.click("#models a:text-is('listed')")
    page.wait_for_url("**/?model=mine/listed")
    assert page.locator("#model").input_value() == "mine/listed"
    page.once("dialog", lambda dialog: dialog.accept())
    row.locator("button").click()
    row.wait_for(state="detached")
    assert "mine/listed" not in page.request.get(f"{address}api/v1/models").json()
    assert page.locator("#model option[value='mine/listed']").count() == 0


@pytest.mark.quick(path=["%2e%2e/report"])
@pytest.mark.parametrize("path", ["%2e%2e/report", "../../../../etc/passwd", "report.html", "..%2f..%2fjobs"])
def test_reports_are_those_that_were_found(visit: Opener, address: str, path: str) -> None:
    page = visit(address)
    page.click(".studies a:text-is('Report')")
    page.wait_for_url("**/studies/**")
    assert page.inner_text("h1") == "The demo's report"
    assert page.request.get(f"{address}studies/demo/{path}").status == 404


def test_dates_are_those_of_the_reader(uploaded: Opener, address: str) -> None:
    page = uploaded()
    page.goto(address)
    time = page.locator("#jobs time").first
    assert "UTC" not in time.inner_text()
    assert time.get_attribute("datetime").endswith("+00:00")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_example_of_the_http_interface_runs(
    visit: Opener, address: str, field_of_nuclei: bytes, tmp_path: Path, until: Any
) -> None:
    page = visit(address + "api")
    give, ask, counts, download = page.inner_text("pre").splitlines()
    (tmp_path / "image.png").write_bytes(field_of_nuclei)

    def run(command: str, job: str = "") -> str:
        words = command.replace("JOB", job).split()
        assert words[0] == "curl"
        return subprocess.run([*words, "-sS"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    job = json.loads(run(give))["id"]
    until(lambda: json.loads(run(ask, job))["state"] == "done")
    assert json.loads(run(counts, job))["total"] > 0
    run(download, job)
    assert (tmp_path / "counts.xlsx").read_bytes().startswith(b"PK")


def test_every_address_of_the_interface_is_described(visit: Opener, address: str) -> None:
    page = visit(address + "api")
    described = set(page.locator("h3.operation code").all_inner_texts())
    assert described == set(page.request.get(f"{address}api/openapi.json").json()["paths"])
    assert not re.search(r"\{'|None", page.inner_text("main"))
