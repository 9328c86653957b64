"""Parts of a 1 GB tiled TIFF: our region reader against tifffile's whole array, memory map and zarr store.

Each way runs in a process of its own, so that the peak of its memory is its own. The file is made in a temporary
folder: 23,168 x 23,168 pixels of 16 bit in tiles of 256 x 256, once uncompressed and once with zlib.

    python benchmarks/images.py
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE, TILE, REGION, REGIONS = 23_168, 256, 512, 100
WAYS = ("nothing", "ours, regions", "ours, bands", "imread, regions", "imread, whole", "zarr, regions")


def make_image(path: Path, compression: str | None) -> None:
    import tifffile

    rng = np.random.default_rng(0)
    noise = rng.poisson(20, (TILE, TILE)).astype(np.uint16)

    def tiles():
        for i in range((-(-SIDE // TILE)) ** 2):
            yield np.roll(noise, i, axis=i % 2) + np.uint16(i % 500)

    options = {"tile": (TILE, TILE), "shape": (SIDE, SIDE), "dtype": "uint16", "photometric": "minisblack"}
    tifffile.imwrite(path, tiles(), compression=compression, bigtiff=True, metadata=None, **options)


def windows() -> list[tuple[int, int]]:
    return [tuple(corner) for corner in np.random.default_rng(1).integers(0, SIDE - REGION, (REGIONS, 2)).tolist()]


def run_nothing(path: Path) -> int:
    return 0


def run_our_regions(path: Path) -> int:
    from cell_pipelines.imaging.reading import open_region_reader

    with open_region_reader(path) as image:
        return sum(int(image.read(r, c, REGION, REGION).sum(dtype=np.int64)) for r, c in windows())


def run_our_bands(path: Path) -> int:
    from cell_pipelines.imaging.reading import open_region_reader

    with open_region_reader(path) as image:
        return sum(int(band.sum(dtype=np.int64)) for _, band in image.bands())


def run_imread_regions(path: Path) -> int:
    import tifffile

    image = tifffile.imread(path)
    return sum(int(image[r : r + REGION, c : c + REGION].sum(dtype=np.int64)) for r, c in windows())


def run_imread_whole(path: Path) -> int:
    import tifffile

    return int(tifffile.imread(path).sum(dtype=np.int64))


def run_zarr_regions(path: Path) -> int:
    import tifffile
    import zarr

    image = zarr.open(tifffile.imread(path, aszarr=True), mode="r")
    return sum(int(image[r : r + REGION, c : c + REGION].sum(dtype=np.int64)) for r, c in windows())


RUNS = dict(
    zip(
        WAYS,
        (run_nothing, run_our_regions, run_our_bands, run_imread_regions, run_imread_whole, run_zarr_regions),
        strict=True,
    )
)


def measure(way: str, path: Path) -> dict | None:
    words = [sys.executable, __file__, "--way", way, "--path", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None


def compare(path: Path) -> None:
    print(f"{path.name}: {path.stat().st_size / 2**30:.2f} GiB")
    results = {way: measure(way, path) for way in WAYS}
    for way, result in results.items():
        if result is None:
            print(f"  {way:18} not installed or not possible")
            continue
        print(f"  {way:18} {result['seconds']:7.2f} s   peak {result['mib']:6.0f} MiB   sum {result['sum']}")
    regions, whole = results["imread, regions"], results["imread, whole"]
    for ours, theirs in (("ours, regions", regions), ("ours, bands", whole)):
        time_ratio = theirs["seconds"] / results[ours]["seconds"]
        memory_ratio = theirs["mib"] / results[ours]["mib"]
        print(f"  {ours}: {time_ratio:.2f} times as fast as imread, its peak of memory {memory_ratio:.1f} times ours")
        assert results[ours]["sum"] == theirs["sum"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        start = time.perf_counter()
        total = RUNS[arguments.way](arguments.path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - start, "mib": peak, "sum": total}))
        return
    with tempfile.TemporaryDirectory() as folder:
        for compression in (None, "zlib"):
            path = Path(folder) / f"{compression or 'uncompressed'}.tif"
            make_image(path, compression)
            compare(path)
            path.unlink()


if __name__ == "__main__":
    main()
