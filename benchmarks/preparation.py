"""Converting, splitting and exporting images: time an image and peak memory, for few and for many images.

Flat memory means that the peak hardly grows with the number of images.

    python benchmarks/preparation.py --images 250 1000
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]


def run(images: int) -> dict:
    """Generate, then time conversion and preparation; memory is this process's peak beyond its start."""
    from cell_pipelines.annotations.formats.registry import read_annotations
    from cell_pipelines.imaging.reading import list_image_files
    from cell_pipelines.pipelines.annotation_conversion.nodes import convert_annotations, survey_images
    from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
    from cell_pipelines.pipelines.data_preparation.nodes import export_yolo
    from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
    from cell_pipelines.pipelines.data_preparation.splitting import find_near_duplicates, split_annotations
    from cell_pipelines.workflows.parameters.training_subset import SubsetParameters

    folder = Path(os.environ["BENCHMARK_FOLDER"])
    before = peak_kb()
    start = time.perf_counter()
    files = list_image_files(folder / "images")
    table = survey_images(files, ConversionParameters())
    annotations, _, _ = convert_annotations(
        lambda index: read_annotations(folder, index), table, ConversionParameters()
    )
    alike = find_near_duplicates(annotations, files, PreparationParameters())
    prepared, _ = split_annotations(annotations, alike, pd.DataFrame(), PreparationParameters())
    (folder / "out").mkdir()
    export_yolo(prepared, files, PreparationParameters(), SubsetParameters())(folder / "out")
    seconds = time.perf_counter() - start
    grown = (peak_kb() - before) / 1024
    return {"images": images, "objects": annotations.n_objects, "seconds": seconds, "grown_mb": grown}


def peak_kb() -> int:
    """Peak resident memory of this process; unlike getrusage's it begins anew with the program."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def generate(images: int, folder: Path) -> None:
    from cell_pipelines.pipelines.sample_data.nodes import generate_sample_images
    from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters

    scene = {"height": 480, "width": 640, "cells": 60}
    generate_sample_images(SampleDataParameters(fields=images // 2, series=10, scene=scene))(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--one", type=int)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(run(args.one)))
        return
    for images in args.images:
        with tempfile.TemporaryDirectory() as folder:
            generate(images, Path(folder))
            environment = {**os.environ, "BENCHMARK_FOLDER": folder}
            words = [sys.executable, __file__, "--one", str(images)]
            output = subprocess.run(words, capture_output=True, text=True, check=True, env=environment, cwd=ROOT).stdout
            row = json.loads(output.strip().splitlines()[-1])
            print(
                f"{row['images']:5d} images, {row['objects']:6d} objects: {row['seconds']:6.1f} s, "
                f"{1000 * row['seconds'] / row['images']:.1f} ms per image, memory grew {row['grown_mb']:.0f} MB"
            )


if __name__ == "__main__":
    main()
