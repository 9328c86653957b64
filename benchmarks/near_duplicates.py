"""Measure how many copies of a field are detected, how many other pairs are, and the time for 10,000 images.

    python benchmarks/near_duplicates.py                  # copies of the real images in CELL_REAL_DATA
    python benchmarks/near_duplicates.py --images 10000   # time, on generated fields of 256 x 256, two processes

The alternative in the time table is the least that any method has to do: reading every image once.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cell_pipelines.analysis.near_duplicates.pairs import find_pairs
from cell_pipelines.imaging.intensity import to_uint8
from cell_pipelines.imaging.keypoints import find_keypoints
from cell_pipelines.imaging.reading import ImageFile, list_image_files, read_image, write_image

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SETS = {
    "DSB 2018, nuclei": "nuclei_fluorescence_dsb2018/images",
    "BCCD, blood cells": "detection_blood_voc/JPEGImages",
    "live/dead, bright field": "detection_livedead_brightfield_voc/Images",
    "BBBC039, nuclei, 16 bit": "nuclei_fluorescence_16bit_bbbc039/images",
}
Change = Callable[[np.ndarray], np.ndarray]


def as_jpeg(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_UNCHANGED)


def cropped(side: float) -> Change:
    def crop(image: np.ndarray) -> np.ndarray:
        height, width = (round(length * side) for length in image.shape[:2])
        rng = np.random.default_rng(image.size)
        row, column = (rng.integers(0, n - m + 1) for n, m in zip(image.shape[:2], (height, width), strict=True))
        return image[row : row + height, column : column + width]

    return crop


CHANGES: dict[str, Change] = {
    "mirrored": lambda image: image[:, ::-1],
    "rotated by 90°": np.rot90,
    "rotated by 180° and mirrored": lambda image: np.rot90(image, 2)[::-1],
    "brighter by 30 % and 15": lambda image: np.clip(image * 1.3 + 15, 0, 255).astype(np.uint8),
    "JPEG of quality 85": as_jpeg,
    "cropped to 80 % of the area": cropped(0.8**0.5),
    "cropped to 80 % of each side": cropped(0.8),
    "resized to 75 %": lambda image: cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
    "mirrored, cropped to 80 % of each side, JPEG": lambda image: as_jpeg(
        np.ascontiguousarray(cropped(0.8)(image[:, ::-1]))
    ),
}


def recall(images: int) -> None:
    """Print, for each set of images and each change, how many of its copies are joined with their original."""
    rows = []
    for title, folder in SETS.items():
        files = list(list_image_files(DATA / folder).values())[:images]
        originals = [to_uint8(file(), normalisation="percentile") for file in files]
        alone = find_pairs(
            [str(i) for i in range(len(files))], [find_keypoints(i) for i in originals], [None] * len(files),
            [None] * len(files),
        )  # fmt: skip
        shown, names = list(originals), [f"{i}|original" for i in range(len(files))]
        for change, apply in CHANGES.items():
            shown += [np.ascontiguousarray(apply(image)) for image in originals]
            names += [f"{i}|{change}" for i in range(len(files))]
        table = find_pairs(names, [find_keypoints(i) for i in shown], [None] * len(names), [None] * len(names))
        rows.append({"images": title, "fields": len(files), **_found(table, names), **_wrong(table, alone)})
    titles, *_ = [list(row) for row in rows]
    for title in titles:
        print(f"| {title} | {' | '.join(str(row[title]) for row in rows)} |")
        if title == titles[0]:
            print(f"|---|{'---|' * len(rows)}")


def _found(table: pd.DataFrame, names: list[str]) -> dict[str, str]:
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for one, other in table[["image", "other_image"]].itertuples(index=False):
        parent[root(one)] = root(other)
    found = {}
    for change in CHANGES:
        copies = [name for name in names if name.endswith(f"|{change}")]
        joined = sum(root(name) == root(f"{name.split('|')[0]}|original") for name in copies)
        found[change] = f"{joined} of {len(copies)}"
    return found


def _wrong(table: pd.DataFrame, alone: pd.DataFrame) -> dict[str, int]:
    """Count pairs of other fields; those that the originals by themselves have are copies within the source."""
    known = {frozenset(pair) for pair in alone[["image", "other_image"]].itertuples(index=False)}
    fields = {
        frozenset((one.split("|")[0], other.split("|")[0]))
        for one, other in table[["image", "other_image"]].itertuples(index=False)
    }
    return {
        "pairs of fields among the originals themselves": len(known),
        "further pairs of different fields": sum(len(pair) == 2 and pair not in known for pair in fields),
    }


def timing(images: int) -> None:
    """Print how long generated images take, beside reading them once."""
    from cell_pipelines.pipelines.data_preparation.splitting import _describe
    from cell_pipelines.workflows.parallel import ParallelParameters, map_images

    parallel = ParallelParameters(engine="processes", workers=2)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(images):
            write_image(_field(number), Path(folder) / f"{number:06d}.png")
        files = {path.name: ImageFile(path) for path in sorted(Path(folder).glob("*.png"))}
        start = time.perf_counter()
        list(map_images(_size, files.values(), description="reading", total=images, parallel=parallel))
        read = time.perf_counter() - start
        start = time.perf_counter()
        used = _cpu_s()
        described = list(
            map_images(_describe, files.values(), description="keypoints", total=images, parallel=parallel)
        )
        found, used_by_keypoints = time.perf_counter() - start, _cpu_s() - used
        table = find_pairs(list(files), described, [None] * images, [None] * images)
        total, used_in_all = time.perf_counter() - start, _cpu_s() - used
    print(f"{images} images: read {read:.1f} s, keypoints {found:.1f} s, all {total:.1f} s ({total / read:.1f} times "
          f"reading); {len(table)} pairs; CPU time of keypoints {used_by_keypoints:.1f} s, all {used_in_all:.1f} s")  # fmt: skip


def _cpu_s() -> float:
    """Return the CPU time of this process and of those that it waited for: it hardly depends on what runs beside."""
    return sum(os.times()[:4])


def _size(file: ImageFile) -> int:
    return int(read_image(file.path).size)


def _field(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full((256, 256), 20.0, dtype=np.float32)
    for _ in range(int(rng.integers(5, 60))):
        centre, axes = tuple(map(int, rng.integers(0, 256, 2))), tuple(map(int, rng.integers(6, 16, 2)))
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(60, 170)), -1)
    noisy = cv2.GaussianBlur(image, (0, 0), 1.5) + rng.normal(0, 3, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=0, help="generated images to time")
    parser.add_argument("--fields", type=int, default=40, help="real images of each set")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.images:
        timing(given.images)
    else:
        recall(given.fields)
