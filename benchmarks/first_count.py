"""From the command to the first count of one image: `cell-pipelines count` beside StarDist's and Ultralytics' commands.

All take the same generated field of 1024x1024 pixels with 300 nuclei. Each command is started anew and in turn, by the
clock and by processor seconds; then one Python process of each counts the image again and again, the network loaded.
Files are in the system's cache. What each command writes is its default: we tables, a page, annotations and an overlay;
StarDist a label image; Ultralytics a picture with boxes, after it has shrunk the image to 640 pixels.

Published weights can't be fetched everywhere, so the others' are made here once, in `--folder`: a StarDist of the layout of
2D_versatile_fluo, trained for 100 steps on generated fields, and an untrained YOLOv8n, which finds no boxes. Times
are compared, not counts.

    python benchmarks/first_count.py --folder /tmp/first_count --stardist-python stardist-env/bin/python

The environment of `--stardist-python` has `pip install stardist tensorflow-cpu`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE_PX, NUCLEI = 1024, 300
# As a person's shell has them: every side uses all cores, and no host is asked for.
SETTINGS = {"YOLO_OFFLINE": "true", "TF_CPP_MIN_LOG_LEVEL": "3", "KEDRO_DISABLE_TELEMETRY": "true"}

_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"

MAKE_STARDIST = """
import sys
import numpy as np
from csbdeep.utils import normalize
from stardist.models import Config2D, StarDist2D
fields = np.load(sys.argv[1])
images, labels = [normalize(image, 1, 99.8) for image in fields["images"]], list(fields["labels"])
config = Config2D(n_rays=32, grid=(2, 2), train_patch_size=(128, 128), train_batch_size=4, train_epochs=5,
                  train_steps_per_epoch=20, train_learning_rate=0.001, train_tensorboard=False, train_checkpoint=None)
model = StarDist2D(config, name="stardist", basedir=sys.argv[2])
model.train(images[:6], labels[:6], validation_data=(images[6:], labels[6:]), augmenter=None)
"""

WARM = {
    "cell-pipelines": """
from cell_pipelines import count, load_model
model = load_model("nuclei")
def run():
    return int(count(sys.argv[1], model).table["total"].sum())
""",
    "stardist": """
from csbdeep.utils import normalize
from stardist.models import StarDist2D
from tifffile import imread
model = StarDist2D(None, name=sys.argv[2])
def run():
    return int(model.predict_instances(normalize(imread(sys.argv[1]), 1, 99.8))[0].max())
""",
    "ultralytics": """
from ultralytics import YOLO
model = YOLO(sys.argv[2])
def run():
    return len(model.predict(sys.argv[1], verbose=False)[0].boxes)
""",
}
TIMES = """
import json, time
walls, cpus = [], []
found = run()
for _ in range(int(sys.argv[3])):
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    walls.append(time.perf_counter() - wall)
    cpus.append(time.process_time() - cpu)
print("\\n" + json.dumps({"wall": walls, "cpu": cpus, "found": found}))
"""


def make_inputs(folder: Path, stardist_python: str) -> tuple[Path, Path, Path]:
    """Make the image and the other tools' models where they are not there yet; return their paths."""
    image, stardist, yolo = folder / "field.tif", folder / "stardist", folder / "yolov8n.pt"
    folder.mkdir(parents=True, exist_ok=True)
    if not image.exists():
        from cell_pipelines.imaging.reading import write_image

        write_image(make_field(SIDE_PX, NUCLEI, 0).image, image)
    if not (stardist / "weights_last.h5").exists():
        train_stardist(folder, stardist_python)
    if not yolo.exists():
        from cell_pipelines.models.ultralytics_home import prepare_ultralytics

        prepare_ultralytics()
        from ultralytics import YOLO

        YOLO("yolov8n.yaml").save(yolo)
    return image, stardist, yolo


def make_field(side: int, nuclei: int, seed: int):
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    return simulate_nuclei(NucleiScene(height=side, width=side, cells=nuclei, debris=0.0), seed)


def train_stardist(folder: Path, python: str) -> None:
    import numpy as np

    fields = [make_field(256, 19, seed) for seed in range(1, 9)]
    data = folder / "fields.npz"
    np.savez(data, images=np.stack([f.image for f in fields]), labels=np.stack([f.labels for f in fields]))
    subprocess.run([python, "-c", MAKE_STARDIST, str(data), str(folder)], check=True, env=environment())


def environment() -> dict[str, str]:
    """Return this process's environment with all cores, and with compiled Python files, which the first round writes."""
    kept = os.environ.items() - {(name, os.environ.get(name)) for name in ("OMP_NUM_THREADS", _UNCOMPILED)}
    return {**dict(kept), **SETTINGS}


def run_cold(words: list[str], folder: Path) -> dict[str, float]:
    """Run a command in a folder; return its seconds by the clock and of the processor, and its memory in MB."""
    start = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment(), stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: {(folder / 'log.txt').read_text()[-2000:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory_mb": usage.ru_maxrss / 1024}


def run_warm(side: str, python: str, image: Path, model: Path, repeats: int) -> dict:
    script = "import sys\n" + WARM[side] + TIMES
    words = [python, "-c", script, str(image), str(model), str(repeats)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def describe(name: str, values: dict[str, list[float]], ours: dict[str, list[float]]) -> str:
    cells = [name]
    for kind in ("wall", "cpu"):
        middle, base = statistics.median(values[kind]), statistics.median(ours[kind])
        cells.append(f"{middle:.2f} s ({min(values[kind]):.2f} to {max(values[kind]):.2f}), ratio {middle / base:.2f}")
    if "memory_mb" in values:
        cells.append(f"{statistics.median(values['memory_mb']):.0f} MB")
    return "| " + " | ".join([*cells, str(values.get("found", ""))]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, required=True, help="for the image and the models, kept for the next run"
    )
    parser.add_argument("--stardist-python", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--warm-repeats", type=int, default=7)
    parser.add_argument("--prepare-only", action="store_true")
    chosen = parser.parse_args()
    stardist_python = str(Path(chosen.stardist_python).absolute())
    image, stardist, yolo = make_inputs(chosen.folder.resolve(), stardist_python)
    if chosen.prepare_only:
        return
    bins = Path(sys.executable).parent, Path(stardist_python).parent
    commands = {
        "cell-pipelines": [bins[0] / "cell-pipelines", "count", image, "--out", "counts"],
        "stardist": [bins[1] / "stardist-predict2d", "-i", image, "-m", stardist, "-o", "labels"],
        "ultralytics": [bins[0] / "yolo", "predict", f"model={yolo}", f"source={image}", "project=runs"],
    }
    cold: dict[str, dict[str, list[float]]] = {side: {} for side in commands}
    for number in range(chosen.repeats + 1):
        for side, words in commands.items():
            with tempfile.TemporaryDirectory() as place:
                measured = run_cold([str(word) for word in words], Path(place))
            print(f"cold {side} {measured}{'' if number else ', not counted'}", file=sys.stderr)
            for kind, value in measured.items() if number else ():
                cold[side].setdefault(kind, []).append(value)
    warm_of = {"cell-pipelines": (sys.executable, image), "stardist": (stardist_python, stardist)}
    warm_of["ultralytics"] = (sys.executable, yolo)
    warm = {
        side: run_warm(side, python, image, model, chosen.warm_repeats) for side, (python, model) in warm_of.items()
    }
    for title, values in (("whole command", cold), ("again in one process", warm)):
        print(f"\n{title}: seconds by the clock, of the processor; ratio to ours; memory; cells in warm runs")
        print("\n".join(describe(side, values[side], values["cell-pipelines"]) for side in values))


if __name__ == "__main__":
    main()
