"""Our numbers against independent ones on the same predictions and weights: pycocotools, and Ultralytics' own `val`.

python benchmarks/agreement.py --study bccd
"""

import argparse
import contextlib
import io
import json
from pathlib import Path

import numpy as np

from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.metrics.detection import measure_average_precision


def with_pycocotools(pairing: object) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(annotations: object) -> list[dict]:
        x, y, x2, y2 = annotations.boxes.T
        columns = zip(
            annotations.image_index, annotations.category, x, y, x2 - x, y2 - y, annotations.scores, strict=True
        )
        return [
            {"id": i + 1, "image_id": int(m), "category_id": int(c), "bbox": [a, b, w, h], "area": w * h, "iscrowd": 0,
             "score": float(s)} for i, (m, c, a, b, w, h, s) in enumerate(columns)
        ]  # fmt: skip

    count = pairing.truth.n_images
    categories = [{"id": i} for i in range(len(pairing.categories))]
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        images = [{"id": i} for i in range(count)]
        truth.dataset = {"images": images, "categories": categories, "annotations": rows(pairing.truth)}
        found.dataset = {"images": images, "categories": categories, "annotations": rows(pairing.predictions)}
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        limit = int(max(np.bincount(pairing.predictions.image_index, minlength=1).max(), pairing.truth.n_objects))
        evaluation.params.maxDets = [1, 10, limit]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    return np.stack([precision[0].mean(axis=0), precision.mean(axis=(0, 1))])


def with_ultralytics(weights: Path, data: Path, size: int) -> dict[str, tuple[float, float]]:
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics import YOLO

    model = YOLO(str(weights))
    result = model.val(
        data=str(data), split="test", imgsz=size, max_det=30_000, device="cpu", plots=False, verbose=False,
        project=str(weights.parent), name="val", exist_ok=True,
    ).box  # fmt: skip
    return {model.names[c]: (float(result.ap50[i]), float(result.ap[i])) for i, c in enumerate(result.ap_class_index)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="bccd")
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    args = parser.parse_args()
    folder = (args.data_root / args.study).absolute()
    pairing = pair(
        read_parquet(folder / "03_primary/annotations"),
        read_parquet(folder / "07_model_output/yolo/predictions"),
        "test",
    )
    ours = measure_average_precision(
        *pairing.tables(), n_images=pairing.truth.n_images, n_categories=len(pairing.categories)
    )
    theirs = with_pycocotools(pairing)
    print(f"largest difference to pycocotools: {np.nanmax(np.abs(np.stack([ours.ap50, ours.ap50_95]) - theirs)):.2e}")
    from cell_pipelines.models.yolo_checkpoint import read_record

    weights = folder / "06_models/yolo.pt"
    own = with_ultralytics(weights, folder / "05_model_input/yolo/data.yaml", int(read_record(weights)["image_size"]))
    rows = [
        {"category": name, "ap50": a, "ap50_ultralytics": own[name][0], "ap50_95": b, "ap50_95_ultralytics": own[name][1]}
        for name, a, b in zip(pairing.categories, ours.ap50, ours.ap50_95, strict=True) if name in own
    ]  # fmt: skip
    for row in rows:
        print(json.dumps({k: v if isinstance(v, str) else round(float(v), 4) for k, v in row.items()}))
    for key in ("ap50", "ap50_95"):
        mean = [float(np.mean([row[k] for row in rows])) for k in (key, f"{key}_ultralytics")]
        print(f"mean {key}: ours {mean[0]:.4f}, Ultralytics val {mean[1]:.4f}, difference {mean[0] - mean[1]:+.4f}")


if __name__ == "__main__":
    main()
