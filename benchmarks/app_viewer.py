"""Frames per second of the page's viewer with thousands of cells in one image: moved, zoomed, corrected.

    python benchmarks/app_viewer.py --cells 5000

A server of its own counts a generated image; Chromium then moves and zooms it by mouse while the page notes when each
frame is drawn. Printed are the median and the 5 % worst times between frames (a screen of 60 Hz shows one each 16.7 ms),
and the time from a key to the corrected count on the page.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from simulated.app_server import serve

RECORD = """() => {
  const paint = CanvasRenderingContext2D.prototype.drawImage;
  if (!window.frames_) {
    CanvasRenderingContext2D.prototype.drawImage = function (...values) { window.painted_ = true; return paint.apply(this, values); };
  }
  window.frames_ = [];
  const note = (now) => { window.frames_.push([now, window.painted_]); window.painted_ = false; window.going_ = requestAnimationFrame(note); };
  window.going_ = requestAnimationFrame(note);
}"""
STOP = "() => { cancelAnimationFrame(window.going_); return window.frames_; }"


def write_field(path: Path, cells: int) -> None:
    """Write an image with about so many nuclei, 24 px apart on average."""
    from cell_pipelines.imaging.reading import write_image
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    side = int(26 * cells**0.5)
    scene = NucleiScene(height=side, width=side, cells=cells, mean_radius_px=8.0, clumping=0.1, debris=0.0)
    write_image(simulate_nuclei(scene, seed=0).image, path)


def chromium_program() -> str | None:
    """Return the path of the system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def record(page: Any, act: Callable[[], None]) -> np.ndarray:
    """Return the milliseconds that frames take in which the image is painted, while something is done."""
    page.evaluate(RECORD)
    act()
    times, painted = np.asarray(page.evaluate(STOP), float).T
    # The image is painted just before or after a frame is noted.
    return np.diff(times)[(painted[1:] + painted[:-1]) > 0]


def move(page: Any, box: dict[str, float], steps: int = 150) -> None:
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(steps):
        page.mouse.move(x + 120 * np.sin(step / 12), y + 60 * np.cos(step / 9))
    page.mouse.up()


def zoom(page: Any, box: dict[str, float], steps: int = 100) -> None:
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for step in range(steps):
        page.mouse.wheel(0, -60 if step < steps / 2 else 60)


def correct(page: Any, times: int = 8) -> list[float]:
    """Add cells by key, and return the seconds from each key to the count on the page."""
    page.click("#correct")
    page.wait_for_selector("#viewer:focus")
    seconds = []
    for number in range(1, times + 1):
        page.keyboard.press("Shift+ArrowRight")
        start = time.perf_counter()
        page.keyboard.press("a")
        page.wait_for_selector(f"#count-here:has-text('after {number} correction')")
        seconds.append(time.perf_counter() - start)
    return seconds


def measure(page: Any, address: str, field: Path) -> None:
    page.goto(address)
    start = time.perf_counter()
    page.set_input_files("#files", str(field))
    page.wait_for_selector("#count-here:not(:empty)", timeout=600_000)
    print(f"counted and shown after {time.perf_counter() - start:.1f} s: {page.inner_text('#count-here')}")
    page.locator("#viewer").scroll_into_view_if_needed()
    box = page.locator("#viewer").bounding_box()
    acts: dict[str, Callable[[], None]] = {
        "the whole image moved": lambda: move(page, box),
        "zoomed in and out": lambda: zoom(page, box),
    }
    for name, act in acts.items():
        times = record(page, act)
        print(
            f"{name}: median {np.median(times):.1f} ms, 5 % worst {np.quantile(times, 0.95):.1f} ms, {len(times)} frames"
        )
    seconds = correct(page)
    print(f"a cell added by key: median {np.median(seconds):.2f} s, longest {max(seconds):.2f} s")
    times = record(page, lambda: move(page, box))
    print(f"moved while correcting: median {np.median(times):.1f} ms, 5 % worst {np.quantile(times, 0.95):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--width", type=int, default=1440, help="of the window, in CSS pixels")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as address, sync_playwright() as playwright:
        field = Path(name) / "field.png"
        write_field(field, given.cells)
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        measure(browser.new_page(viewport={"width": given.width, "height": 900}), address, field)
        browser.close()


if __name__ == "__main__":
    main()
