"""Many objects from COCO to YOLO and to label images: ours beside datumaro and supervision, time and memory.

    python benchmarks/conversion.py --images 10000 --objects 100 --peer-python /path/to/an/environment/bin/python

The peers live in an environment of their own (``pip install datumaro supervision``), since their pins differ. Every
case runs in a process of its own, one after the other, on the same files; objects are counted in what was written.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np

SIDE = 512
VOC_FILES = 1000
CASES = (
    "ours_yolo", "datumaro_yolo", "supervision_yolo", "ours_labels", "datumaro_labels", "ours_voc", "datumaro_voc",
    "supervision_voc",
)  # fmt: skip


def make_source(folder: Path, images: int, objects: int) -> None:
    """Write `images` grey images, all links to one file, and a COCO file with `objects` star-shaped cells on each."""
    import cv2

    rng = np.random.default_rng(0)
    (folder / "images" / "train").mkdir(parents=True)
    (folder / "annotations").mkdir()
    first = folder / "images" / "train" / "i00000.png"
    cv2.imwrite(str(first), np.full((SIDE, SIDE, 3), 90, np.uint8))
    for i in range(1, images):
        os.link(first, first.with_name(f"i{i:05d}.png"))
    angles = np.arange(20) * 2 * np.pi / 20
    with (folder / "annotations" / "instances_train.json").open("w") as file:
        listed = [{"id": i + 1, "file_name": f"i{i:05d}.png", "width": SIDE, "height": SIDE} for i in range(images)]
        classes = [{"id": 1, "name": "living"}, {"id": 2, "name": "dead"}]
        file.write(json.dumps({"images": listed, "categories": classes})[:-1] + ', "annotations": [')
        for i in range(images):
            cells = [_cell(rng, angles, i * objects + k + 1, i + 1) for k in range(objects)]
            file.write((", " if i else "") + json.dumps(cells)[1:-1])
        file.write("]}")


def _cell(rng: np.random.Generator, angles: np.ndarray, number: int, image: int) -> dict:
    radii = rng.uniform(7, 14) * rng.uniform(0.8, 1.2, 20)
    ring = rng.uniform(20, SIDE - 20, 2) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
    low, high = ring.min(axis=0), ring.max(axis=0)
    return {
        "id": number, "image_id": image, "category_id": int(rng.integers(1, 3)), "iscrowd": 0,
        "bbox": np.round([*low, *(high - low)], 2).tolist(), "area": round(float(np.prod(high - low)), 2),
        "segmentation": [np.round(ring, 2).ravel().tolist()],
    }  # fmt: skip


def make_voc(folder: Path, objects: int) -> None:
    """Write `VOC_FILES` Pascal VOC files with `objects` boxes each, and their images, all links to one file."""
    import cv2

    # Datumaro knows VOC's own twenty classes only.
    rng = np.random.default_rng(1)
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    first = folder / "JPEGImages" / "i0000.jpg"
    cv2.imwrite(str(first), np.full((SIDE, SIDE, 3), 90, np.uint8))
    for i in range(VOC_FILES):
        if i:
            os.link(first, first.with_name(f"i{i:04d}.jpg"))
        low = rng.integers(1, SIDE - 40, (objects, 2))
        boxes = np.concatenate([low, low + rng.integers(8, 30, (objects, 2))], axis=1).tolist()
        cells = "".join(
            f"<object><name>bird</name><difficult>0</difficult><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>" for a, b, c, d in boxes
        )  # fmt: skip
        size = f"<size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>"
        text = f"<annotation><filename>i{i:04d}.jpg</filename>{size}{cells}</annotation>"
        (folder / "Annotations" / f"i{i:04d}.xml").write_text(text)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("".join(f"i{i:04d}\n" for i in range(VOC_FILES)))


def run_case(case: str, source: Path, target: Path) -> None:
    """Convert in this process and print what it took as JSON; loading the program is not counted."""
    if case.startswith("ours"):
        names = {"yolo": ("coco", "yolo"), "labels": ("coco", "label_image"), "voc": ("pascal_voc",)}
        for name in ("registry", *names[case.split("_")[1]]):
            import_module(f"cell_pipelines.annotations.formats.{name}")
    else:
        import_module(case.split("_")[0])
    start = time.perf_counter()
    objects = globals()[f"_{case}"](source, target)
    seconds = time.perf_counter() - start
    # Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "objects": objects}))


def _ours(source: Path, target: Path, name: str) -> None:
    from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
    from cell_pipelines.annotations.images import ImageIndex, ImageRecord

    # The peers take the sizes from the file, too.
    files = sorted((source / "images" / "train").iterdir())
    index = ImageIndex(ImageRecord(file.relative_to(source).as_posix(), SIDE, SIDE) for file in files)
    conversion = read_annotations(source, index, format="coco")
    write_annotations(conversion.annotations, target, format=name)


def _ours_yolo(source: Path, target: Path) -> None:
    _ours(source, target, "yolo")


def _ours_labels(source: Path, target: Path) -> None:
    _ours(source, target, "label_image")


def _datumaro_yolo(source: Path, target: Path) -> None:
    from datumaro import Dataset

    # Datumaro writes boxes to YOLO, no polygons, so it has less to do.
    dataset = Dataset.import_from(str(source), "coco_instances")
    dataset.export(str(target), "yolo", save_media=False)


def _datumaro_labels(source: Path, target: Path) -> None:
    from datumaro import Dataset

    dataset = Dataset.import_from(str(source), "coco_instances")
    dataset.transform("polygons_to_masks")
    dataset.export(str(target), "voc_instance_segmentation", save_media=False)


def _supervision_yolo(source: Path, target: Path) -> None:
    from supervision import DetectionDataset

    dataset = DetectionDataset.from_coco(
        str(source / "images" / "train"), str(source / "annotations" / "instances_train.json"), force_masks=True
    )
    dataset.as_yolo(annotations_directory_path=str(target / "labels"), data_yaml_path=str(target / "data.yaml"))


def _ours_voc(source: Path, _: Path) -> int:
    from cell_pipelines.annotations.formats.registry import read_annotations
    from cell_pipelines.annotations.images import ImageIndex, ImageRecord

    folder = source.parent / "voc"
    files = sorted((folder / "JPEGImages").iterdir())
    index = ImageIndex(ImageRecord(file.relative_to(folder).as_posix(), SIDE, SIDE) for file in files)
    return read_annotations(folder, index, format="pascal_voc").annotations.n_objects


def _datumaro_voc(source: Path, _: Path) -> int:
    from datumaro import Dataset

    return sum(len(item.annotations) for item in Dataset.import_from(str(source.parent / "voc"), "voc_detection"))


def _supervision_voc(source: Path, _: Path) -> int:
    from supervision import DetectionDataset

    folder = source.parent / "voc"
    dataset = DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    return sum(len(found) for found in dataset.annotations.values())


def count_written(case: str, target: Path) -> int:
    """Count the objects in what a case wrote."""
    if case.endswith("yolo"):
        files = [path for path in target.rglob("*.txt") if path.parent != target]
        return sum(1 for path in files for line in path.read_text().splitlines() if line.strip())
    import cv2

    if case.startswith("ours"):
        files = [p for p in target.rglob("*") if p.suffix in (".png", ".tif")]
        return sum(len(np.unique(cv2.imread(str(p), cv2.IMREAD_UNCHANGED))) - 1 for p in files)
    # A VOC object image has one colour per object.
    files = list((target / "SegmentationObject").rglob("*.png"))
    return sum(len(np.unique(cv2.imread(str(p)).reshape(-1, 3), axis=0)) - 1 for p in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    parser.add_argument("--one", nargs=3, metavar=("CASE", "SOURCE", "TARGET"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        run_case(chosen.one[0], Path(chosen.one[1]), Path(chosen.one[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        make_source(source, chosen.images, chosen.objects)
        if any(case.endswith("voc") for case in chosen.cases):
            make_voc(Path(folder) / "voc", 20)
        size = (source / "annotations" / "instances_train.json").stat().st_size / 1e6
        print(f"{chosen.images} images x {chosen.objects} polygons, COCO file of {size:.0f} MB")
        print("| case | seconds | peak MB | objects | time / ours | memory / ours |")
        print("|---|---|---|---|---|---|")
        ours: dict[str, dict[str, float]] = {}
        for case in chosen.cases:
            target = Path(folder) / case
            target.mkdir()
            python = sys.executable if case.startswith("ours") else chosen.peer_python
            command = [python, __file__, "--one", case, str(source), str(target)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
            if done.returncode:
                print(f"| {case} | failed, exit {done.returncode}: {done.stderr.strip()[-160:]} | | | | |", flush=True)
            else:
                taken = json.loads(done.stdout.strip().splitlines()[-1])
                kind = case.split("_")[1]
                if case.startswith("ours"):
                    ours[kind] = taken
                ratios = [f"{taken[k] / ours[kind][k]:.2f}" if kind in ours else "" for k in ("seconds", "peak_mb")]
                numbers = f"{taken['seconds']:.1f} | {taken['peak_mb']:.0f} | {taken['objects'] or count_written(case, target)}"
                print(f"| {case} | {numbers} | {' | '.join(ratios)} |", flush=True)
            shutil.rmtree(target)


if __name__ == "__main__":
    main()
