"""Faults planted in a copy of the package, one at a time: the fast tests must fail at each.

Each fault is a small change that gives wrong numbers without an error. The tests that are run are those of the package
that holds it, without the ones marked `exhaustive`; with the package as it is they pass.

    python benchmarks/planted_faults.py > benchmarks/planted_faults.md
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    """A planted fault.

    Attributes:
        area: What part of the work it falsifies.
        effect: What would be wrong, in words.
        file: The file below ``src/cell_pipelines``.
        right: The text as it is, which stands there once.
        wrong: The text that replaces it.
        tests: Files or folders below ``tests``.
    """

    area: str
    effect: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault("metrics", "panoptic quality counts a missed cell whole, not half", "metrics/ratios.py",
          "right + wrong / 2 + missed / 2", "right + wrong / 2 + missed", "metrics"),
    Fault("metrics", "a true cell can be found by several predictions", "metrics/matching.py",
          "free[best] = False", "free[best] = True", "metrics"),
    Fault("metrics", "too many cells counted gives a negative bias", "metrics/counting.py",
          "error, has_cells = predicted - true, true > 0", "error, has_cells = true - predicted, true > 0", "metrics"),
    Fault("geometry", "polygons are drawn half a pixel too low", "annotations/geometry/rasterising.py",
          "row = np.clip(np.ceil(y - 0.5), 0, height)", "row = np.clip(np.ceil(y), 0, height)",
          "annotations/geometry"),
    Fault("geometry", "run lengths are read row by row", "annotations/geometry/run_lengths.py",
          ".reshape(width, height).T", ".reshape(height, width)", "annotations/geometry"),
    Fault("geometry", "the last tile of a row or column is left out", "imaging/tiling.py",
          "for i in range(steps + 1)", "for i in range(steps)", "imaging/test_tiling.py"),
    Fault("thresholds", "a cell of exactly the threshold's score is dropped", "metrics/thresholds.py",
          "np.count_nonzero(self.confidence >= confidence)", "np.count_nonzero(self.confidence > confidence)",
          "metrics/test_thresholds.py"),
    Fault("thresholds", "thresholds may be chosen on test images", "analysis/evaluation/threshold_choice.py",
          'if "test" in splits:', 'if "tests" in splits:', "analysis/test_threshold_choice.py"),
    Fault("readers", "the first pixel of Pascal VOC is taken for an edge", "annotations/geometry/conventions.py",
          "return float(x_min) - 1, float(y_min) - 1,", "return float(x_min), float(y_min),",
          "annotations/formats/test_pascal_voc.py"),
    Fault("readers", "the width of a COCO box is read as its right edge", "annotations/formats/parts/coco_entries.py",
          "boxes[:, 2:] += boxes[:, :2]", "boxes[:, 2:] += 0", "annotations/formats/test_coco.py"),
    Fault("readers", "fractions of YOLO labels are scaled by the other side", "annotations/geometry/conventions.py",
          "scaled = centres * np.array([width, height, width, height])",
          "scaled = centres * np.array([height, width, height, width])", "annotations/formats/test_yolo.py"),
    Fault("readers", "16-bit images are scaled as if they had 12 bits", "imaging/intensity.py",
          "(0.0, float(np.iinfo(dtype).max))", "(0.0, float(min(np.iinfo(dtype).max, 4095)))", "imaging"),
    Fault("splits", "equal images may stand on two sides", "annotations/splitting.py",
          "if sha256 is not None:", "if sha256 is None:", "annotations/test_splitting.py"),
    Fault("splits", "a larger training subset doesn't hold the smaller one", "annotations/splitting.py",
          "order = np.random.default_rng(seed).permutation(training)",
          "order = np.random.default_rng(seed + int(100 * share)).permutation(training)",
          "annotations/test_training_subset.py"),
    Fault("statistics", "p-values of many comparisons are not adjusted", "analysis/multiple_testing.py",
          "p[ordered] * np.arange(len(ordered), 0, -1)", "p[ordered]", "analysis/test_statistics.py"),
    Fault("statistics", "a proportion's 95 % interval is one of 90 %", "metrics/intervals.py",
          "p, z = successes / trials, float(special.ndtri((1 + level) / 2))",
          "p, z = successes / trials, float(special.ndtri(level))", "metrics/test_intervals.py"),
    Fault("statistics", "images are resampled where whole series must be", "metrics/intervals.py",
          "drawn = table if units is None else _sum_units(table, units)", "drawn = table",
          "metrics/test_intervals.py"),
    Fault("statistics", "a count interval forgets that the new image is one more", "metrics/conformal.py",
          "weights = 1 / ((size.size + 1) * size[number])", "weights = 1 / (size.size * size[number])",
          "metrics/test_conformal.py"),
)  # fmt: skip


def run_tests(source: Path, tests: str) -> tuple[bool, str]:
    """Return whether the fast tests pass with a copy of the package, and the first that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-m", "not exhaustive and not slow", f"tests/{tests}"]
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    failed = re.search(r"^(?:FAILED|ERROR) (?:tests/)?([^\s\[]+)", done.stdout, flags=re.MULTILINE)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return done.returncode == 0, failed[1] if failed else ""


def plant(fault: Fault, source: Path) -> None:
    """Change the copy of the package."""
    path = source / "cell_pipelines" / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.file}: expected {fault.right!r} once, got it {text.count(fault.right)} times.")
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")


def main() -> int:
    """Print the table; the exit code is 1 when a fault is not caught."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source)
        for tests in sorted({fault.tests for fault in FAULTS}):
            passes, failed = run_tests(source, tests)
            if not passes:
                raise RuntimeError(f"without a fault {failed} fails.")
        print("# Planted faults\n\nEach is planted alone in a copy of the package; the fast tests beside it are run.\n")
        print("| area | planted fault | file | first test that fails |\n|---|---|---|---|")
        for fault in FAULTS:
            path = source / "cell_pipelines" / fault.file
            plant(fault, source)
            passes, failed = run_tests(source, fault.tests)
            shutil.copy(ROOT / "src" / "cell_pipelines" / fault.file, path)
            missed += passes
            caught = "**none**" if passes else f"`{failed}`"
            print(f"| {fault.area} | {fault.effect} | `{fault.file}` | {caught} |", flush=True)
    print(
        f"\n{len(FAULTS) - missed} of {len(FAULTS)} are caught by `make test`: `python benchmarks/planted_faults.py`."
    )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
