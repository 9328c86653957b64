"""Take the pictures of docs/app.md anew: `python benchmarks/app_pictures.py` in a clone, with Chromium on the PATH.

A server of its own, in a temporary folder, counts generated images; look at the pictures before they are committed.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from simulated.app_server import serve

PICTURES = Path(__file__).parents[1] / "docs" / "images"
WIDE, PHONE = {"width": 1100, "height": 800}, {"width": 390, "height": 780}
CONDITIONS = {"control": 30, "treated": 18}  # nuclei in each of their fields


def write_fields(folder: Path) -> None:
    """Write generated fields of nuclei in one folder for each condition."""
    from cell_pipelines.imaging.reading import write_image
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    for seed, (condition, cells) in enumerate(CONDITIONS.items()):
        (folder / condition).mkdir(parents=True)
        for field in (1, 2):
            scene = NucleiScene(height=360, width=520, cells=cells, debris=0.2)
            image = simulate_nuclei(scene, seed=10 * seed + field).image
            write_image(image, folder / condition / f"{condition}_{field}.png")


def _save(page: Any, name: str, selector: str | None = None) -> None:
    page.wait_for_timeout(300)
    target = page.locator(selector) if selector else page
    target.screenshot(path=PICTURES / f"app_{name}.png")


def _count(page: Any, address: str, folder: Path) -> None:
    page.goto(address)
    page.set_input_files("#folder", str(folder))
    page.wait_for_selector("#count-here:not(:empty)", timeout=120_000)


def _point(page: Any, cell: dict[str, Any], number: int) -> tuple[float, float]:
    """Return where a corner of a cell's outline is on the page; the whole image of 520x360 pixels is shown."""
    box = page.locator("#viewer").bounding_box()
    scale = min((box["width"] - 2) / 520, (box["height"] - 2) / 360)
    x, y = (cell["rings"][0][name][number] for name in "xy")
    return box["x"] + box["width"] / 2 + (x - 260) * scale, box["y"] + box["height"] / 2 + (y - 180) * scale


def _correct(page: Any) -> None:
    """Delete a cell of the first image and draw it again, and say of three images that they are right."""
    page.click("#correct")
    page.wait_for_selector("#viewer:focus")
    path = page.url.replace("/jobs/", "/api/v1/jobs/") + "/images/0/corrections"
    cells = page.request.get(path).json()["cells"]
    chosen = max(cells, key=lambda cell: cell["area"])
    for _ in range(cells.index(chosen) + 1):
        page.keyboard.press("n")
    page.keyboard.press("x")
    page.wait_for_selector("#count-here:has-text('after 1 correction')")
    page.click("#tool-draw")
    page.mouse.move(*_point(page, chosen, 0))
    page.mouse.down()
    for number in range(len(chosen["rings"][0]["x"])):
        page.mouse.move(*_point(page, chosen, number))
    page.mouse.up()
    page.wait_for_selector("#count-here:has-text('after 2 corrections')")
    page.click("#tool-select")
    page.locator("#viewer").focus()
    page.keyboard.press("p")
    page.check("#finished")
    _save(page, "correct", "#image-card")
    for number in (1, 2):
        page.select_option("#image", str(number))
        page.wait_for_timeout(1500)  # the corrections of both are said in the same words
        page.check("#finished")
        page.wait_for_timeout(1000)
    page.click("#correct")
    page.wait_for_selector("#changes tbody tr")
    _save(page, "changes", "#changed")


def _train(page: Any) -> None:
    page.fill("#train-minutes", "0.5")
    page.click("#train button")
    page.wait_for_selector("#comparison:visible", timeout=900_000)  # the start page then has the training, too
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=PICTURES / "app_training.png", full_page=True)


def main() -> None:
    """Take all of them."""
    from playwright.sync_api import sync_playwright

    program = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as address, sync_playwright() as playwright:
        fields = Path(name) / "fields"
        write_fields(fields)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport=WIDE)
        _count(page, address, fields)
        _save(page, "count")
        _correct(page)
        _train(page)
        page.goto(address)
        _save(page, "start")
        phone = browser.new_page(viewport=PHONE, color_scheme="dark")
        _count(phone, address, fields)
        phone.locator("#image-title").scroll_into_view_if_needed()
        phone.locator("#image-title").evaluate("one => one.scrollIntoView()")
        _save(phone, "phone")
        browser.close()


if __name__ == "__main__":
    main()
