"""Pages in a real browser: nothing sticks out, lines are switched where the cells are, and paper shows all."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.figures.panels import create_note
from cell_pipelines.report.page.html import (
    Commands,
    Group,
    LayeredPicture,
    Picture,
    Section,
    Table,
    Text,
    embedded_page,
    render_page,
    render_report,
)
from cell_pipelines.report.page.layers import instance_layers
from cell_pipelines.report.pages.study import StudyPage, page_group, study_page

pytestmark = pytest.mark.slow
Opener = Callable[..., Any]
SIZE, CELL = 40, slice(10, 30)  # the cell is a bright square


def _layered(scale: int = 1) -> LayeredPicture:
    image = np.zeros((SIZE * scale, SIZE * scale), np.uint8)
    labels = np.zeros(image.shape, np.int32)
    inside = slice(CELL.start * scale, CELL.stop * scale)
    image[inside, inside], labels[inside, inside] = 230, 1
    layers = instance_layers(labels, labels, found=np.array([True]), correct=np.array([True]))
    return LayeredPicture(image, layers, "a square cell, " + "a_very_long_name_of_an_image" * 3)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.random((40, 14)), columns=[f"a_long_name_{i}" for i in range(14)])
    parts = [
        Section(
            "Numbers", [Table(wide.assign(image="f" * 64), "Every image", {"a_long_name_0": "what it means " * 20})]
        ),
        Section("Figure", [Picture(create_note("a figure"), "a figure")]),
        Section("Images", [_layered(), _layered(), Picture(rng.integers(0, 255, (300, 900, 3), dtype=np.uint8), "x")]),
    ]
    other = embedded_page("Other", {"Very long headline number": "0.123456789"}, [Section("Shown", [_layered()])])
    model = embedded_page("A model", {"F1": "0.9"}, parts)
    page = StudyPage(
        title="A study with a title that is rather long, as titles are",
        cards={"Images": "100", "Best model": "unetplusplus", "Count MAE, cells per image": "3.21"},
        summary=["Said in words. " * 30],
        data=[Section("Data", [Text("All came in.")])],
        parts=[
            page_group(model, "Model unet"),
            page_group(model, "Model yolo (chosen)"),
            page_group(other, "Another part"),
        ],
        commands={"Train:": ["kedro run --env=a_study --pipelines=train_unet,train_yolo --params=a=b" * 2]},
        log=pd.DataFrame(),
        origin={"data.sha256": "0" * 64},
    )
    file = tmp_path_factory.mktemp("study") / "report.html"
    file.write_text(render_page(study_page(page)), encoding="utf-8")
    return file


def _open_all(page: Any) -> None:
    page.run("document.querySelectorAll('details').forEach(group => { group.open = true; })")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1600, 1280, 768, 360])
def test_nothing_sticks_out_and_the_console_is_silent(study: Path, opened: Opener, width: int, dark: bool) -> None:
    page = opened(study, width, dark=dark)
    for prepare in (lambda _: None, _open_all):
        prepare(page)
        assert page.run("document.documentElement.scrollWidth") <= width
        loose = page.run(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, .plot, pre, svg')"
            " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"
        )
        assert loose == []
    assert page.said == []


def test_nothing_is_asked_of_a_network(study: Path, opened: Opener) -> None:
    page = opened(study, 1280)
    assert page.run("performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length") == 0


def _green(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = (pixels[..., i].astype(int) for i in range(3))
    return np.asarray((green > 140) & (green - red > 60) & (green - blue > 40))


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize(("size", "side"), [(1, 40), (1, 400), (30, 300)])
def test_lines_lie_on_the_cells_at_any_size(opened: Opener, tmp_path: Path, size: int, side: int, scale: float) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_report("t", {}, [Section("s", [_layered(size)])]), encoding="utf-8")
    page = opened(file, 1280, scale=scale)
    page.run(f"document.querySelector('.picture').style.cssText = 'width:{side}px;height:{side}px;max-width:none'")
    page.run("document.querySelector('.see-truth').click()")
    pixels = page.see(".picture")
    step = pixels.shape[0] / (SIZE * size)  # pixels of the screen to a pixel of the image
    rows, columns = np.nonzero(_green(pixels))
    for found in (rows, columns):
        # The line is up to 1.8 pixels of the page wide, and its centre half a pixel of the image inside the cell.
        assert found.min() / step == pytest.approx(CELL.start * size + 0.5, abs=(1.5 * scale + 1) / step)
        assert (found.max() + 1) / step == pytest.approx(CELL.stop * size - 0.5, abs=(1.5 * scale + 1) / step)


def test_switching_a_layer_off_takes_its_lines_away_and_no_others(study: Path, opened: Opener) -> None:
    page = opened(study, 1280)
    _open_all(page)
    picture = "#layers-1 .picture"
    whole = page.see(picture)
    assert _green(whole).any()
    page.run("document.querySelector('#layers-1 .see-found').click()")
    assert not _green(page.see(picture)).any()
    assert _green(page.see("#layers-2 .picture")).any()
    page.run("document.querySelector('#layers-1 .see-found').click()")
    assert (page.see(picture) == whole).all()


def test_layers_are_switched_by_keys_alone_and_have_names(study: Path, opened: Opener) -> None:
    page = opened(study, 1280)
    _open_all(page)
    page.run("document.querySelector('#layers-1 .see-found').focus()")
    page.press(" ", "Space")
    assert not page.run("document.querySelector('#layers-1 .see-found').checked")
    assert not _green(page.see("#layers-1 .picture")).any()
    names = page.run("[...document.querySelectorAll('#layers-1 input')].map(i => i.labels[0].innerText.trim())")
    assert names[:4] == ["Truth 1", "Missed 0", "Found 1", "False 0"]


def test_taken_over_pictures_are_seen_too(study: Path, opened: Opener) -> None:
    page = opened(study, 1280)
    _open_all(page)
    pixels = page.see("#layers-5 .picture")
    assert pixels.max() > 200
    assert _green(pixels).any()


def test_a_link_opens_the_group_it_leads_into(study: Path, opened: Opener) -> None:
    page = opened(study, 1280)
    assert not page.run("document.querySelector('#group-2').open")
    page.run("(() => { location.hash = document.querySelector('#group-2 section').id; })()")
    assert page.run("new Promise(done => setTimeout(() => done(document.querySelector('#group-2').open), 200))")


def _pages(pdf: bytes) -> int:
    assert pdf.startswith(b"%PDF")
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_shows_closed_groups_and_switched_off_layers(study: Path, opened: Opener, scripts: bool) -> None:
    page = opened(study, 1280)
    page.run("document.querySelectorAll('.see-found').forEach(box => { box.checked = false; })")
    if not scripts:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
    closed = _pages(page.pdf())
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert not page.run("document.querySelector('#group-1').open"), "closed again after printing"
    page.print_media()
    assert page.run("document.querySelector('#group-1 section').getBoundingClientRect().height") > 100
    assert page.run("getComputedStyle(document.querySelector('#layers-1 .layer.found')).display") == "inline"
    page.print_media(on=False)
    _open_all(page)
    assert closed == _pages(page.pdf())


def test_no_table_is_cut_on_paper(study: Path, opened: Opener) -> None:
    page = opened(study, 680)  # as wide as A4 within its margins, in CSS pixels
    _open_all(page)
    page.print_media()
    sticking = page.run(
        "[...document.querySelectorAll('table, pre, img, .picture')].filter(e => e.getBoundingClientRect().right"
        " > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert sticking == []


def test_a_page_of_plain_sections_prints_too(opened: Opener, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    parts = [Section("s", [Text("words"), Commands(["kedro run"])]), Group("g", [Section("inner", [Text("more")])])]
    file.write_text(render_report("t", {}, parts), encoding="utf-8")
    assert _pages(opened(file, 360).pdf()) == 1
