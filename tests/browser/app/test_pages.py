"""Every page: accessible, within the window at any width, in light and dark; reports and the HTTP interface."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
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
