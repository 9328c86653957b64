"""Measure how many injected annotation errors are among the first suspects.

    python benchmarks/suspected_labels.py --images 30 --cells 40 --models 3

Cells are random boxes of two classes; detectors of a given skill, which err together on what is hard, are asked about
labels with 2 % each of deleted, moved, reclassified, repeated and invented ones. With ``--study``, the folder of a
study with trained networks and stored scores, errors are injected into its own labels and the real models are asked.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from simulated.annotation_errors import ERROR_KINDS, inject_label_errors
from simulated.detections import DetectorSkill, simulate_detections

from cell_pipelines.analysis.active_learning.evidence import describe_labels, gather_evidence
from cell_pipelines.analysis.active_learning.suspects import Asked, find_suspects
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_split
from cell_pipelines.metrics.matching import box_iou


def random_cells(images: int, cells: int, seed: int) -> AnnotationSet:
    """Return images of boxes of two classes that hardly overlap."""
    rng, builder = np.random.default_rng(seed), AnnotationBuilder(["round", "spiky"])
    for number in range(images):
        row = builder.add_image(f"image_{number:03d}.png", width=512, height=512, split="val")
        kept: list[np.ndarray] = []
        while len(kept) < cells:
            low, sides = rng.uniform(0, 470, 2), rng.uniform(18, 40, 2)
            box = np.concatenate([low, low + sides])
            if not kept or box_iou(box[None], np.array(kept)).max() < 0.05:
                kept.append(box)
                builder.add_box(row, ("round", "spiky")[int(rng.uniform() < 0.3)], np.round(box))
    return builder.build()


def hits(suspects: pd.DataFrame, injected: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return for each suspect whether it is a injected error, and for each error the first suspect that is it, or -1."""
    is_real, first = np.zeros(len(suspects), bool), np.full(len(injected), -1)
    edges = ["x_min", "y_min", "x_max", "y_max"]
    for place, suspect in enumerate(suspects.to_dict(orient="records")):
        near = injected[injected["image"] == suspect["image"]]
        if near.empty:
            continue
        box = np.array([[suspect[edge] for edge in edges]])
        same = box_iou(box, near[edges].to_numpy(dtype=float))[0] >= 0.5
        for row in near.index[same]:
            is_real[place] = True
            first[row] = place if first[row] < 0 else first[row]
    return is_real, first


def evaluate(labels: AnnotationSet, injected: pd.DataFrame, asked: list[Asked]) -> pd.DataFrame:
    """Return precision among the first k suspects and recall, all in all and by kind."""
    suspects, _ = find_suspects(asked, labels.categories, least=0.0)
    is_real, first = hits(suspects, injected)
    rows = []
    for share in (0.25, 0.5, 1.0, 1.5, 2.0):
        k = max(1, round(share * len(injected)))
        found = (first >= 0) & (first < k)
        kinds = {
            kind: found[injected["kind"] == kind].mean() for kind in ERROR_KINDS if (injected["kind"] == kind).any()
        }
        row = {"k": k, "k / errors": share, "precision": is_real[:k].mean(), "recall": found.mean(), **kinds}
        rows.append({**row, "at random": len(injected) / max(labels.n_objects, 1)})
    return pd.DataFrame(rows)


def simulated(args: argparse.Namespace, models: int, seed: int) -> pd.DataFrame:
    """Return the table for imitated detectors."""
    truth = random_cells(args.images, args.cells, seed)
    labels, injected = inject_label_errors(truth, dict.fromkeys(ERROR_KINDS, args.share), seed=seed)
    skills = [DetectorSkill(recall=args.recall, seed=number + 1) for number in range(models)]
    found = {f"model {n}": list(iterate_images(simulate_detections(truth, s))) for n, s in enumerate(skills)}
    limits = dict.fromkeys(truth.categories, 0.5)
    asked = [
        Asked(describe_labels(one), {name: gather_evidence(one, own[row], limits) for name, own in found.items()})
        for row, one in enumerate(iterate_images(labels))
    ]
    return evaluate(labels, injected, asked)


def real(folder: Path, names: list[str], share: float, seed: int) -> pd.DataFrame:
    """Return the table for a study's own labels and networks, on validation and test."""
    from cell_pipelines.datasets.annotation_dataset import AnnotationDataset
    from cell_pipelines.workflows.model_outputs import OutputReader
    from cell_pipelines.workflows.trained_model import TrainedModel

    truth = select_split(AnnotationDataset(path=str(folder / "03_primary/annotations")).load(), "val", "test")
    labels, injected = inject_label_errors(
        truth, {kind: share for kind in ERROR_KINDS if kind != "reclassified"}, seed=seed
    )
    readers = {name: OutputReader(TrainedModel.open(folder / f"06_models/{name}.pt")) for name in names}
    rows: dict[str, Mapping[str, dict[str, object]]] = {}
    for name in names:
        table = pd.read_csv(folder / f"07_model_output/{name}/scores.csv", dtype=object).set_index("image", drop=False)
        rows[name] = {image: {**row, "height": int(row["height"]), "width": int(row["width"])} for image, row in
                      table.where(table.notna(), None).to_dict(orient="index").items()}  # fmt: skip
        for row in rows[name].values():
            row |= {"pixel_height_um": None, "pixel_width_um": None}
    asked = []
    for one in iterate_images(labels):
        evidence = {}
        for name, reader in readers.items():
            output = reader.read(rows[name][one.names[0]], folder / f"07_model_output/{name}/store")
            evidence[name] = gather_evidence(one, output.candidates, reader.thresholds, output.maps)
        asked.append(Asked(describe_labels(one), evidence))
    return evaluate(labels, injected, asked)


def main() -> None:
    """Print the tables as markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--cells", type=int, default=40)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--recall", type=float, default=0.9)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--names", default="resunet,unetpp,unet,stardist")
    args = parser.parse_args()
    for models in dict.fromkeys((1, args.models)):
        if args.study:
            names = args.names.split(",")[:models] if models == 1 else args.names.split(",")
            tables = [real(args.study, names, args.share, seed) for seed in range(args.seeds)]
        else:
            tables = [simulated(args, models, seed) for seed in range(args.seeds)]
        mean = sum(tables[1:], tables[0]) / len(tables)
        asked = len(args.names.split(",")) if args.study and models > 1 else models
        print(f"\n{asked} model(s)\n\n{_markdown(mean)}")


def _markdown(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    return "\n".join([*lines, *("| " + " | ".join(f"{v:.2f}" for v in row) + " |" for row in table.to_numpy())])


if __name__ == "__main__":
    main()
