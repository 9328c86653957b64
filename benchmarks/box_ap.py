"""COCO average precision of boxes with all predictions counted: ours, faster-coco-eval's usual way, and pycocotools.

All begin with the same columns of numbers in memory and end with the average precision; turning the columns into the
dictionaries that the others read is part of their time, loading of the libraries is not. "Four areas" is how they
are used as shipped; "one area" does no more than ours does. pycocotools is slow, so it has a smaller set to itself,
on which all three are compared again.

    python benchmarks/box_ap.py
"""

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable

import numpy as np

from cell_pipelines.metrics.detection import DetectionTable, measure_average_precision

N_CATEGORIES = 2


def draw(n_images: int, n_boxes: int, seed: int) -> tuple[DetectionTable, DetectionTable]:
    """Boxes of 15 to 40 px in 1000 x 1000 px; every one predicted about 3 px off, an eighth of them elsewhere."""
    rng = np.random.default_rng(seed)
    count = n_images * n_boxes
    image, category = np.repeat(np.arange(n_images), n_boxes), rng.integers(0, N_CATEGORIES, count)
    corner, size = rng.uniform(0, 1000, (count, 2)), rng.uniform(15, 40, (count, 2))
    moved = corner + rng.normal(0, 3, (count, 2)) + 200 * (rng.random((count, 1)) < 0.125)
    resized = size * rng.uniform(0.85, 1.15, (count, 2))
    truth = DetectionTable(image, category, np.hstack([corner, corner + size]))
    return truth, DetectionTable(image, category, np.hstack([moved, moved + resized]), rng.random(count))


def to_dictionaries(table: DetectionTable) -> list[dict]:
    corner, size = table.boxes[:, :2], table.boxes[:, 2:] - table.boxes[:, :2]
    scores = np.zeros(len(size)) if table.scores is None else table.scores
    columns = (table.image, table.category, np.hstack([corner, size]), size.prod(axis=1), scores)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        {"id": i, "image_id": image, "category_id": category, "bbox": box, "area": area, "iscrowd": 0, "score": score}
        for i, (image, category, box, area, score) in enumerate(rows, start=1)
    ]


def with_ours(truth: DetectionTable, predictions: DetectionTable, n_images: int) -> tuple[float, float]:
    result = measure_average_precision(truth, predictions, n_images=n_images, n_categories=N_CATEGORIES)
    return result.mean_ap50_95, result.mean_ap50


def with_coco(
    coco: Callable,
    evaluator: Callable,
    truth: DetectionTable,
    predictions: DetectionTable,
    n_images: int,
    one_area: bool,
) -> tuple[float, float]:
    with contextlib.redirect_stdout(io.StringIO()):
        true = coco()
        true.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(n_images)],
            "categories": [{"id": category} for category in range(N_CATEGORIES)],
            "annotations": to_dictionaries(truth),
        }
        true.createIndex()
        evaluation = evaluator(true, true.loadRes(to_dictionaries(predictions)), "bbox")
        limit = max(int(np.bincount(table.image).max()) for table in (truth, predictions))
        evaluation.params.maxDets = [limit] if one_area else [1, 10, limit]
        if one_area:
            evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, -1]
    return float(precision.mean()), float(precision[0].mean())


def ways(names: list[str]) -> dict[str, Callable]:
    import faster_coco_eval
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    faster = (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster)
    known = {
        "ours": with_ours,
        "faster-coco-eval, four areas": lambda *data: with_coco(*faster, *data, False),
        "faster-coco-eval, one area": lambda *data: with_coco(*faster, *data, True),
        "pycocotools, four areas": lambda *data: with_coco(COCO, COCOeval, *data, False),
    }
    return {name: known[name] for name in names}


def compare(n_images: int, n_boxes: int, rounds: int, names: list[str]) -> None:
    data = (*draw(n_images, n_boxes, seed=0), n_images)
    times: dict[str, list[float]] = {name: [] for name in names}
    results = {}
    for _ in range(rounds):
        for name, way in ways(names).items():
            start = time.perf_counter()
            results[name] = way(*data)
            times[name].append(time.perf_counter() - start)
    for name in names:
        best, median = min(times[name]), statistics.median(times[name])
        ratio = best / min(times["ours"])
        ap, ap50 = results[name]
        print(
            f"| {n_images} images x {n_boxes} boxes | {name} | {best:.2f} s ({median:.2f}) | {ratio:.2f} | {ap:.6f}, {ap50:.6f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", type=int, nargs=2, default=[20, 100], help="images and boxes for pycocotools")
    arguments = parser.parse_args()
    print("| what | by | best (median) | its time over ours | AP 50-95, AP 50 |\n|---|---|---|---|---|")
    small = ["ours", "faster-coco-eval, four areas", "pycocotools, four areas"]
    compare(*arguments.small, min(arguments.rounds, 3), small)
    large = ["ours", "faster-coco-eval, four areas", "faster-coco-eval, one area"]
    compare(arguments.images, arguments.boxes, arguments.rounds, large)


if __name__ == "__main__":
    main()
