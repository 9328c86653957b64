"""The web app in a process of its own, and its pages in Chromium, whose errors and other hosts fail the test."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_SECONDS = 60_000


@contextmanager
def _serve(folder: Path, *words: str) -> Iterator[str]:
    """Serve the app from a folder that is a project with a report of the demo; give its address."""
    reports = folder / "data" / "demo" / "08_reporting"
    reports.mkdir(parents=True)
    (reports / "report.html").write_text("<!DOCTYPE html><title>Demo</title><h1>The demo's report</h1>")
    own = {key: value for key, value in os.environ.items() if not key.startswith("CELL_")}
    command = [sys.executable, "-m", "cell_pipelines", "app", "--folder", "jobs", "--port", "0", "--no-open", *words]
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            found = re.search(r"http\S+", process.stdout.readline() if process.stdout else "")
            assert found, (folder / "log.txt").read_text()
            yield found[0]
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def jobs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the jobs of the server for one person."""
    return Path(tmp_path_factory.mktemp("app")) / "jobs"


@pytest.fixture(scope="session")
def address(chromium: str, jobs_folder: Path) -> Iterator[str]:
    """Address of a server for one person, whose jobs all tests of a process share."""
    with _serve(jobs_folder.parent) as found:
        yield found


@pytest.fixture(scope="session")
def guarded_address(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that asks for a token."""
    with _serve(tmp_path_factory.mktemp("guarded"), "--token", "anna:open-sesame", "--pages-only") as found:
        yield found


@pytest.fixture(scope="module")
def running(chromium: str) -> Iterator[Any]:
    """A browser for the tests of a file: while it runs, no other event loop can."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Said:
    """What pages of a test said or asked that they should not."""

    lines: list[str] = field(default_factory=list)
    allowed: str = "$^"

    def watch(self, page: Any, host: str) -> None:
        page.on("console", lambda one: self.note(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.note(str(error)))
        page.on("request", lambda one: self._check(one.url, host))

    def note(self, text: str) -> None:
        if not re.search(self.allowed, text):
            self.lines.append(text)

    def _check(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != host:
            self.lines.append(f"asked {url}")


@pytest.fixture
def visit(running: Any) -> Iterator[Callable[..., Any]]:
    """Return what opens an address in a new browser profile; errors, warnings and other hosts fail the test."""
    said, contexts = Said(), []

    def open_page(url: str, width: int = 1440, *, dark: bool = False, touch: bool = False, allowed: str = "$^") -> Any:
        said.allowed = allowed
        height = 844 if width < 600 else 900
        context = running.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", has_touch=touch,
            is_mobile=touch, accept_downloads=True,
        )  # fmt: skip
        context.set_default_timeout(_SECONDS)
        contexts.append(context)
        page = context.new_page()
        said.watch(page, urlsplit(url).netloc)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said.lines == []


def draw_field(number: int) -> bytes:
    """Return a PNG of 192x256 pixels with a few nuclei, another one for each number."""
    import cv2

    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    scene = NucleiScene(height=192, width=256, cells=10, clumping=0.0, debris=0.0)
    return bytes(cv2.imencode(".png", simulate_nuclei(scene, seed=3 + number).image)[1].tobytes())


@pytest.fixture(scope="session")
def field_of_nuclei() -> bytes:
    """A PNG of 192x256 pixels with a few nuclei."""
    return draw_field(0)


@pytest.fixture
def uploaded(visit: Callable[..., Any], address: str) -> Callable[..., Any]:
    """Return what uploads images on the start page and gives the page of their counts."""

    def upload(width: int = 1440, count: int = 1, **options: Any) -> Any:
        page = visit(address, width, **options)
        files = [{"name": f"field_{i}.png", "mimeType": "image/png", "buffer": draw_field(i)} for i in range(count)]
        page.set_input_files("#files", files)
        page.wait_for_selector("#count-here:not(:empty)")
        return page

    return upload


@pytest.fixture
def fits() -> Callable[[Any], None]:
    """Return what checks that nothing sticks out of the window to the right."""

    def check(page: Any) -> None:
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        loose = page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .viewer, .unseen, .hidden')"
            " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
        )
        assert loose == []

    return check


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Return what waits until something is so."""

    def wait(is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + _SECONDS / 1000
        while not is_so():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

    return wait
