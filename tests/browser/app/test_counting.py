"""From the first screen to a count, thresholds and downloads, in a real browser."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
Opener = Callable[..., Any]
EXAMPLES = ["counts.csv", "counts.xlsx", "cells.csv", "report.html", "all"]


def _number(text: str) -> int:
    return int(text.split()[0])


def _download(page: Any, selector: str) -> Path:
    with page.expect_download() as waiting:
        page.click(selector)
    return Path(waiting.value.path())


@pytest.mark.parametrize(("width", "dark"), [(1440, False), pytest.param(390, True, marks=pytest.mark.exhaustive)])
def test_one_click_counts_the_sample(visit: Opener, address: str, fits: Any, width: int, dark: bool) -> None:
    page = visit(address, width, dark=dark)
    fits(page)
    page.click("#sample")
    page.wait_for_selector("#count-here:not(:empty)")
    total = _number(page.inner_text("#summary"))
    assert total > 10
    assert _number(page.inner_text("#count-here")) == total
    fits(page)
    page.click(".brand")
    row = page.locator("tr", has_text="Sample image").first
    assert row.locator("td").nth(0).inner_text() == str(total)
    assert row.locator("td").nth(1).inner_text() == "Done"
    fits(page)


@pytest.mark.quick(width=[390])
@pytest.mark.parametrize("width", [1440, 390])
def test_a_threshold_acts_at_once_and_on_all_images_when_asked(
    uploaded: Opener, fits: Any, until: Any, width: int
) -> None:
    page = uploaded(width, count=2)
    before, here = page.inner_text("#summary"), _number(page.inner_text("#count-here"))
    assert page.inner_text("#kept") == ""
    page.fill("#threshold", "1")
    until(lambda: _number(page.inner_text("#count-here")) < here)
    assert page.inner_text("#summary") == before
    assert f"stays {_number(before)} until" in page.inner_text("#kept")
    fits(page)
    page.click("#apply")
    page.wait_for_selector("#kept:has-text('All images are counted:')")
    fewer = page.inner_text("#summary")
    assert _number(page.inner_text("#count-here")) < _number(fewer) < _number(before)
    page.reload()
    page.wait_for_selector("#count-here:not(:empty)")
    assert page.inner_text("#summary") == fewer
    page.click("#own")
    until(lambda: page.inner_text("#summary") == before)


def test_cells_outside_the_areas_do_not_count(uploaded: Opener) -> None:
    page = uploaded()
    here = _number(page.inner_text("#count-here"))
    page.fill("#max-area", "1")
    page.wait_for_selector("#count-here:has-text('0 cells')")
    page.fill("#max-area", "")
    page.wait_for_selector(f"#count-here:has-text('{here} cells')")


def test_everything_can_be_downloaded(uploaded: Opener) -> None:
    page = uploaded(count=2)
    total = _number(page.inner_text("#summary"))
    files = {name: _download(page, f".downloads a[href$='/{name}']").read_bytes() for name in EXAMPLES}
    assert pd.read_csv(io.BytesIO(files["counts.csv"]))["total"].sum() == total
    assert len(pd.read_csv(io.BytesIO(files["cells.csv"]))) == total
    assert files["counts.xlsx"].startswith(b"PK")
    assert files["all"].startswith(b"PK")
    with page.context.expect_page() as opened:
        page.click("text=Read the report")
    assert str(total) in opened.value.inner_text("body")
    page.select_option("#format", "coco")
    assert _download(page, "#export button").read_bytes().startswith(b"PK")


@pytest.mark.quick(name=["run.exe", "a" * 300 + ".html"])
@pytest.mark.parametrize("name", ["run.exe", "<img src=x onerror=alert(1)>.txt", "a" * 300 + ".html", "none"])
def test_what_is_no_image_is_refused_in_a_sentence(visit: Opener, address: str, fits: Any, name: str) -> None:
    page = visit(address, 390, allowed="status of 400")
    page.set_input_files("#files", [{"name": name, "mimeType": "image/png", "buffer": b"\x7fELF"}])
    page.wait_for_selector("#status.error")
    assert "expected an image" in page.inner_text("#status")
    assert not page.locator("#status img").count()
    fits(page)


@pytest.mark.quick(content=[b"not a picture"])
@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_damaged_image_is_named_on_the_page(visit: Opener, address: str, fits: Any, content: bytes) -> None:
    name = "<b>day 1</b> & 'x'.png"
    page = visit(address, 390)
    page.set_input_files("#files", [{"name": name, "mimeType": "image/png", "buffer": content}])
    page.wait_for_selector("#doing.error, #notes li")
    assert "& 'x'.png" in page.inner_text("#doing.error, #counts")
    assert not page.locator("main b").count()
    fits(page)


def test_a_job_is_deleted_after_a_question(uploaded: Opener, address: str) -> None:
    page = uploaded()
    job = page.url.rsplit("/", 1)[1]
    page.click(".brand")
    button = f"button[data-job='{job}']"
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click(button)
    assert page.locator(button).count() == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.click(button)
    page.wait_for_selector(button, state="detached")
    assert page.request.get(f"{address}api/v1/jobs/{job}").status >= 400
