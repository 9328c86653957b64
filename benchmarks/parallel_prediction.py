"""Count images, network included, by one process and by two workers: processes, and Dask with one of them killed on the way.

`python benchmarks/parallel_prediction.py --images 200 --rounds 2`; clock times of finding cells, in turns, on a machine with nothing beside.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch

from cell_pipelines.imaging.reading import list_image_files, write_image
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.parallel import ParallelParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel

SCENE = NucleiScene(height=512, width=512, cells=120, mean_radius_px=10.0, clumping=0.3, noise=0.5, debris=0.0)
CASES = {
    "one process, two threads": (2, {}, False),
    "one process, one thread": (1, {}, False),
    "two processes": (1, {"engine": "processes", "workers": 2}, False),
    "Dask, two workers": (1, {"engine": "dask", "workers": 2}, False),
    "Dask, two workers, one killed": (1, {"engine": "dask", "workers": 2}, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fields = [simulate_nuclei(SCENE, seed=seed).image for seed in range(8)]
        for number in range(arguments.images):
            write_image(np.roll(fields[number % 8], number, axis=0), Path(folder) / "images" / f"{number:05d}.tif")
        rows, tables = [], {}
        for turn in range(arguments.rounds):
            for name, case in CASES.items():
                seconds, tables[name] = run(Path(folder) / "images", Path(folder) / f"{turn} {name}", *case)
                rows.append({"case": name, "seconds": seconds})
                print(rows[-1], flush=True)
    first = next(iter(CASES))
    table = pd.DataFrame(rows).groupby("case", sort=False)["seconds"].agg(["median", "min", "max"]).round(1)
    table["times_as_fast"] = (table["median"][first] / table["median"]).round(2)
    table["equal_counts"] = [tables[name].equals(tables[first]) for name in table.index]
    print(table.to_string())


def run(images: Path, folder: Path, threads: int, parallel: dict, kill: bool) -> tuple[float, pd.DataFrame]:
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = "1"
    model, parameters = TrainedModel.open("nuclei"), PredictionParameters(parallel=ParallelParameters(**parallel))
    if kill:
        threading.Thread(target=kill_a_worker, daemon=True).start()
    begin = time.perf_counter()
    found = find_cells(list_image_files(images), model, folder, InferenceParameters(diameter_px=20), parameters)
    return time.perf_counter() - begin, count_cells(found, model, parameters)


def kill_a_worker() -> None:
    time.sleep(35)
    children = psutil.Process().children(recursive=True)
    workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
    print("killing", workers[0].pid, flush=True)
    workers[0].kill()


if __name__ == "__main__":
    main()
