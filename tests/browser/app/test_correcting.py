"""Cells are corrected by mouse, by touch and by keys alone, and the corrections can be trained on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Opener = Callable[..., Any]


class Image:
    """The image of a page that is corrected: where its points are on the screen, and how many cells it has."""

    def __init__(self, page: Any) -> None:
        self.page = page
        path = page.url.replace("/jobs/", "/api/v1/jobs/") + "/images/0/corrections"
        self.path, self.state = path, page.request.get(path).json()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the image is in the window, as long as the whole image is shown."""
        box = self.page.locator("#viewer").bounding_box()
        width, height = self.state["width"], self.state["height"]
        scale = min((box["width"] - 2) / width, (box["height"] - 2) / height)
        centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return centre[0] + (x - width / 2) * scale, centre[1] + (y - height / 2) * scale

    def draw(self, *points: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=3)
        mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def expect(self, cells: int, corrections: int) -> None:
        text = f"{cells} cells after {corrections} correction{'' if corrections == 1 else 's'}."
        self.page.wait_for_selector(f"#count-here:text-is('{text}')")
        assert self.page.request.get(self.path).json()["total"] == cells


def _begin(page: Any) -> tuple[Image, int]:
    page.locator("#viewer").scroll_into_view_if_needed()
    page.click("#correct")
    page.wait_for_selector("#viewer:focus")
    image = Image(page)
    image.page.locator("#viewer").evaluate("one => one.scrollIntoView({block: 'center'})")
    return image, int(image.state["total"])


def _use(page: Any, name: str) -> None:
    page.click(f"#{name}")
    page.locator("#viewer").evaluate("one => one.scrollIntoView({block: 'center'})")


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.exhaustive)])
def test_cells_are_corrected_by_mouse(uploaded: Opener, fits: Any, width: int) -> None:
    page = uploaded(width)
    total = page.inner_text("#summary")
    image, n = _begin(page)
    _use(page, "tool-draw")
    image.draw((100, 60), (140, 60), (140, 100), (100, 100), (101, 61))
    image.expect(n + 1, 1)
    _use(page, "tool-split")
    image.draw((120, 50), (120, 80), (120, 110))
    image.expect(n + 2, 2)
    _use(page, "tool-select")
    image.click(105, 97)
    page.wait_for_selector("#chosen:has-text('1 cell selected')")
    page.keyboard.down("Shift")
    image.click(135, 97)
    page.keyboard.up("Shift")
    page.wait_for_selector("#chosen:has-text('2 cells selected')")
    _use(page, "edit-merge")
    image.expect(n + 1, 3)
    _use(page, "tool-redraw")
    image.draw((110, 70), (130, 70), (130, 90), (110, 90))
    image.expect(n + 1, 4)
    _use(page, "edit-delete")
    image.expect(n, 5)
    _use(page, "edit-undo")
    image.expect(n + 1, 4)
    _use(page, "edit-redo")
    image.expect(n, 5)
    _use(page, "edit-undo")
    page.check("#finished")
    fits(page)
    page.click("#correct")
    row = page.locator("#changes tbody tr")
    row.wait_for()
    assert [row.locator("td").nth(i).inner_text() for i in (0, 1, 8, 9)] == [str(n), str(n + 1), "1", "yes"]
    assert page.inner_text("#summary") == total, "corrections don't change what the model counted"
    fits(page)
    with page.expect_download() as waiting:
        page.click("#export-corrected button")
    assert Path(waiting.value.path()).read_bytes().startswith(b"PK")
    page.reload()
    page.wait_for_selector("#changes tbody tr")


def _tab_to(page: Any, identity: str, key: str = "Tab") -> None:
    for _ in range(80):
        if page.evaluate("document.activeElement.id") == identity:
            return
        page.keyboard.press(key)
    raise AssertionError(f"the focus does not come to {identity}")


def test_keys_alone_do_all_of_it(visit: Opener, address: str) -> None:
    page = visit(address)
    _tab_to(page, "sample")
    page.keyboard.press("Enter")
    page.wait_for_selector("#count-here:not(:empty)")
    _tab_to(page, "threshold")
    before = page.inner_text("#threshold-value")
    page.keyboard.press("ArrowRight")
    assert float(page.inner_text("#threshold-value")) == pytest.approx(float(before) + 0.01)
    page.wait_for_selector("#kept:not(:empty)")
    _tab_to(page, "correct", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer:focus")
    image = Image(page)
    n = image.state["total"]
    for key in ("Shift+ArrowRight", "a"):
        page.keyboard.press(key)
    image.expect(n + 1, 1)
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen:has-text('1 cell selected')")
    page.keyboard.press("x")
    page.wait_for_selector("#count-here:has-text('after 2 corrections')")
    page.keyboard.press("Control+z")
    image.expect(n + 1, 1)
    for key in ("d", " ", "ArrowRight", "ArrowRight", " ", "ArrowDown", "ArrowDown", " ", "Enter"):
        page.keyboard.press(key)
    image.expect(n + 2, 2)
    page.keyboard.press("Escape")
    for key in ("n", "s"):
        page.keyboard.press(key)
    image.expect(n + 3, 3)
    _tab_to(page, "finished")
    page.keyboard.press(" ")
    _tab_to(page, "correct", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#changes tbody tr:has-text('yes')")
    with page.expect_download():
        page.locator(".downloads a[download]").first.focus()
        page.keyboard.press("Enter")


def test_a_phone_moves_and_zooms_the_image_and_still_scrolls_the_page(uploaded: Opener, until: Any) -> None:
    page = uploaded(390, touch=True)
    page.locator("#viewer").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(page)
    box = page.locator("#viewer").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def swipe(*ways: list[tuple[float, float]]) -> None:
        for i in range(len(ways[0])):
            points = [{"x": way[i][0], "y": way[i][1], "id": finger} for finger, way in enumerate(ways)]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(100)

    def shown() -> bytes:
        return bytes(page.locator("#viewer").screenshot())

    whole, top = shown(), page.evaluate("scrollY")
    swipe([(x, y), (x, y - 40), (x, y - 80)])
    moved = shown()
    assert moved != whole
    swipe([(x - 30, y), (x - 60, y), (x - 90, y)], [(x + 30, y), (x + 60, y), (x + 90, y)])
    assert shown() != moved
    assert page.evaluate("scrollY") == top, "the page stays where it is"
    page.evaluate("scrollTo(0, 0)")
    swipe([(200, 300), (200, 260), (200, 200), (200, 150), (200, 100)])
    until(lambda: page.evaluate("scrollY") > 0)


def test_edits_reach_the_image_on_which_they_were_made(uploaded: Opener, until: Any) -> None:
    page = uploaded(count=2)
    image, n = _begin(page)
    held: list[Any] = []
    page.route("**/corrections", lambda one: held.append(one) if one.request.method == "POST" else one.continue_())
    page.check("#finished")
    page.locator("#viewer").focus()
    page.keyboard.press("a")  # waits for the edit before
    page.select_option("#image", "1")
    until(lambda: not page.locator("#editing").evaluate("one => one.inert"))
    assert [page.wait_for_timeout(100), len(held)][1] == 1
    held[0].continue_()
    until(lambda: [page.wait_for_timeout(100), len(held)][1] == 2)
    held[1].continue_()
    until(lambda: page.request.get(image.path).json()["total"] == n + 1)
    other = page.request.get(image.path.replace("/images/0/", "/images/1/")).json()
    assert (other["total"], other["edits"], other["finished"]) == (n, 0, False)
    assert page.inner_text("#count-here") == f"{n} cells after 0 corrections."


@pytest.mark.exhaustive
def test_a_model_is_trained_on_corrections_and_compared(uploaded: Opener, fits: Any, until: Any) -> None:
    page = uploaded(count=4)
    image, _ = _begin(page)
    for number in range(4):
        page.select_option("#image", str(number))
        path = image.path.replace("/images/0/", f"/images/{number}/")
        until(lambda: not page.locator("#editing").evaluate("one => one.inert"))
        page.check("#finished")
        until(lambda path=path: page.request.get(path).json()["finished"])
    page.click("#correct")
    page.fill("#train-name", "tried")
    page.fill("#train-minutes", "0.5")
    page.click("#train button")
    page.wait_for_url("**/jobs/*", timeout=10_000)
    page.wait_for_selector("#comparison:visible", timeout=1_800_000)
    assert page.locator("#models tbody tr").count() == page.locator("#sentences li").count() >= 3
    assert page.inner_text("#verdict").endswith(".")
    fits(page)
    page.click("#comparison a.primary")
    assert page.locator("#model").input_value() == "mine/tried"
