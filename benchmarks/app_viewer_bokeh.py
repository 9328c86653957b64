"""What a painted frame costs while an image with thousands of outlines is moved: the page's viewer beside BokehJS.

    python benchmarks/app_viewer_bokeh.py --cells 5000

Both show the same picture and the same outlines, as the page's server gives them, in places of the same size in one
Chromium, and are moved by the same steps of the mouse, in turns. BokehJS draws an image and patches without filling,
with its panning tool; by default it leaves out most of more than 2,000 glyphs while it moves (`lod_threshold`), so it is
measured with all of them and as it comes. Printed are the processor time of all of Chromium's processes over the whole
movement, in how many frames outlines were drawn, the time for each of these, and the milliseconds from one to the next.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from app_viewer import chromium_program, move, write_field
from simulated.app_server import serve

RECORD = """() => {
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  if (!window.drawn_) {
    CanvasRenderingContext2D.prototype.stroke = function (...values) { window.strokes_ += 1; return stroke.apply(this, values); };
  }
  [window.strokes_, window.drawn_] = [0, []];
  const note = (now) => {
    if (window.strokes_) { window.drawn_.push(now); window.strokes_ = 0; }
    window.going_ = requestAnimationFrame(note);
  };
  window.going_ = requestAnimationFrame(note);
}"""
STOP = "() => { cancelAnimationFrame(window.going_); return window.drawn_; }"
BOKEH = """async ([base, width, height, lod]) => {
  const cells = await (await fetch(`${base}/cells`)).json();
  document.body.innerHTML = "<div id='viewer'></div>";
  document.body.style.margin = "0";
  const figure = Bokeh.Plotting.figure({
    width, height, tools: "pan,wheel_zoom", active_scroll: "wheel_zoom", toolbar_location: null, min_border: 0,
    x_range: [0, cells.width], y_range: [cells.height, 0], match_aspect: true, lod_threshold: lod,
  });
  for (const axis of [...figure.below, ...figure.left]) { axis.visible = false; }
  figure.image_url({ url: [`${base}/picture`], x: 0, y: 0, w: cells.width, h: cells.height, anchor: "top_left" });
  const rings = cells.cells.flatMap((cell) => cell.rings);
  const source = new Bokeh.ColumnDataSource({ data: { xs: rings.map((one) => one.x), ys: rings.map((one) => one.y) } });
  figure.patches({ field: "xs" }, { field: "ys" }, { source, fill_color: null, line_color: "#0072b2", line_width: 1.5 });
  await Bokeh.Plotting.show(figure, document.querySelector("#viewer"));
  return rings.length;
}"""


def chromium_seconds() -> float:
    """Return the processor time of all of this process's browsers so far, in seconds."""
    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                times = process.cpu_times()
                seconds += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return seconds


def open_own(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#count-here:not(:empty)", timeout=600_000)
    page.locator("#viewer").scroll_into_view_if_needed()


def open_bokeh(page: Any, address: str, size: tuple[int, int], lod: int | None) -> int:
    """Show the same in BokehJS, and return the number of outlines."""
    page.goto(address)
    root = address.partition("/jobs/")[0]
    for name in ("bokeh.min.js", "bokeh-api.min.js"):
        page.add_script_tag(url=f"{root}/bokeh/{name}")
    base = f"{root}/api/v1/jobs/{address.rpartition('/')[2]}/images/0"
    count = int(page.evaluate(BOKEH, [base, *size, lod]))
    page.wait_for_timeout(3000)
    return count


def measure(page: Any) -> tuple[float, np.ndarray]:
    """Return the processor's seconds while the image is moved, and when frames with outlines were drawn, in ms."""
    box = page.locator("#viewer").bounding_box()
    page.evaluate(RECORD)
    before = chromium_seconds()
    move(page, box)
    page.wait_for_timeout(1000)
    return chromium_seconds() - before, np.asarray(page.evaluate(STOP), float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as address, sync_playwright() as playwright:
        field = Path(name) / "field.png"
        write_field(field, given.cells)
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.set_input_files("#files", str(field))
        page.wait_for_selector("#count-here:not(:empty)", timeout=600_000)
        job, box = page.url, page.locator("#viewer").bounding_box()
        size = int(box["width"]), int(box["height"])
        ways: dict[str, Callable[[], object]] = {
            "own viewer": lambda: open_own(page, job),
            "BokehJS, all outlines": lambda: open_bokeh(page, job, size, None),
            "BokehJS as it comes": lambda: open_bokeh(page, job, size, 2000),
        }
        print(page.inner_text("#count-here"), f"{size[0]} x {size[1]} px")
        for _ in range(given.rounds):
            for way, show in ways.items():
                show()
                seconds, drawn = measure(page)
                print(f"{way}: {seconds:.2f} s of the processor, {len(drawn)} frames, {1000 * seconds / len(drawn):.1f} ms "
                      f"each; {np.median(np.diff(drawn)):.1f} ms to the next", flush=True)  # fmt: skip
        browser.close()


if __name__ == "__main__":
    main()
