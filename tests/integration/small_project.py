"""A project with all studies, each with little to do, and generated images in place of public and own ones."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.project import create_project

from ..commands.own_fields import draw_field
from .conftest import ROOT
from .test_papers import SMALL as OF_PAPERS

_SIDE, _CELLS = 96, 7
_NETWORK = {
    "encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None,
    "options": {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}, "training": {"epochs": 1},
}  # fmt: skip
_SEGMENTATION = {"tiles": {"size": 64, "overlap": 8, "per_epoch": 8}, "epochs": 1, "batch": 4, "resize": None}
_YOLO = {"from_scratch": True, "image_size": 96, "epochs": 1, "batch": 4, "samples": 4,
         "augmentation": {"close_mosaic": 0}}  # fmt: skip
_SCENE = {"height": 96, "width": 96, "cells": 6, "mean_radius_px": 9.0}
# Settings that stand in the place of those that are there, and are not added to them.
_REPLACING = ("options", "values", "variants", "settings", "conditions")
_TRIALS = {"parallel": 1, "costs": False}

#: Names of the images of living and dead cells.
CHAMBER = [f"{group} ({n}).jpg" for group in ("cell", "b", "c") for n in range(1, 6)]
#: What makes any study small, where it has such a setting.
SMALL: dict[str, Any] = {
    "yolo": _YOLO, "yolo_seg": {**_YOLO, "weights": "yolov8n-seg.pt"}, "segmentation": _SEGMENTATION,
    "resunet": {"options": {"width": 4}, "training": {"epochs": 1}},
    **dict.fromkeys(("unet", "unetpp", "stardist", "attention_unet", "attention_linknet"), _NETWORK),
    "benchmark_models": {"engines": ["pytorch"], "batches": [1], "seconds": 0.05, "network_size": 64},
    "model_costs": {"seconds": 0.05},
}  # fmt: skip
#: What makes one study small besides.
OF_ONE: dict[str, dict[str, Any]] = {
    "base": {"sample_data": {"fields": 8, "series": 8, "scene": _SCENE, "scenes": {
        "neurons": _SCENE, "phase_contrast": _SCENE, "brightfield": _SCENE}}},
    "cll": {"sample_data": OF_PAPERS["cll"]["sample_data"], "experiments": {"architecture_grid": {
        **_TRIALS, "models": ["unet"], "variants": {"small": {}}, "settings": {}}}},
    "fish": {"sample_data": {"fields": 15, "series": 15, "scenes": {
        "fish": {"height": 160, "width": 160, "cells": 6, "mean_radius_px": 20.0}}}},
    "doses": {"sample_data": {"fields": 42}},
    "live_dead": {"benchmark_models": {"networks": ["yolov8n.pt"]}, "experiments": {"yolo_versions": {
        **_TRIALS, "values": {"yolo.weights": ["yolov8n.pt"]}}}},
    "neural_cells": {"benchmark_models": {"networks": [{"architecture": "unet", "encoder": "efficientnet-b0"}]}},
    "bccd": {"experiments": {
        "yolo_versions": {**_TRIALS, "values": {"yolo.weights": ["yolov8n.pt", "yolo11n.pt"]}, "settings": {}},
        "learning_curve": {**_TRIALS, "values": {"training_subset.share": [0.5, 1.0]}, "seeds": [0], "settings": {}},
    }},
    "starter": {
        "sample_data": {"fields": 4, "scenes": {"nuclei": {"height": 96, "width": 96}}, "validation_share": 0.25},
        "unet": {"encoder": "tu-resnet18", "options": {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}},
    },
}  # fmt: skip


def small_project(folder: Path) -> Path:
    """Make a project whose studies are those of the repository with less to do."""
    create_project(folder)
    shutil.copytree(ROOT / "conf", folder / "conf", dirs_exist_ok=True)
    for study in sorted(path for path in (folder / "conf").iterdir() if path.is_dir() and path.name != "test"):
        for path in study.glob("parameters*.yml"):
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            wanted = _merged(SMALL, OF_ONE.get(study.name, {}))
            small = {name: _merged(group, wanted.get(name, {})) for name, group in given.items()}
            path.write_text(yaml.safe_dump(small, sort_keys=False), encoding="utf-8")
    for table in (folder / "conf" / "starter").glob("*_split.csv"):
        few_of(table).to_csv(table, index=False)
    return folder


def few_of(table: Path) -> pd.DataFrame:
    """Return the first images of each side of a split."""
    return pd.read_csv(table).groupby("split").head(5)


def _merged(given: Any, wanted: Any) -> Any:
    """Return settings with others in the place of theirs."""
    if not isinstance(given, Mapping) or not isinstance(wanted, Mapping):
        return given if wanted == {} else wanted
    changed = {k: v if k in _REPLACING else _merged(given.get(k, {}), v) for k, v in wanted.items()}
    return {**given, **changed}


def public_images(folder: Path) -> dict[str, str]:
    """Make what stands for the public images; return the variables that name their folders."""
    for name, images, labels, kind in (
        ("dsb2018", "nuclei_fluorescence_dsb2018/images", "nuclei_fluorescence_dsb2018/labels", "label_image"),
        ("bbbc039", "nuclei_fluorescence_16bit_bbbc039/images", "nuclei_fluorescence_16bit_bbbc039/masks",
         "instance_channel"),
    ):  # fmt: skip
        names = few_of(ROOT / "conf" / "starter" / f"{name}_split.csv")["image"].tolist()
        write_images(folder / images, folder / labels, kind, names, seed=100 * (name == "bbbc039"))
    blood = folder / "detection_blood_voc"
    write_images(blood / "JPEGImages", blood / "Annotations", "pascal_voc", [f"{n}.jpg" for n in range(12)],
                 classes=("RBC", "WBC"))  # fmt: skip
    chamber = folder / "detection_livedead_brightfield_voc"
    write_images(chamber / "Images", chamber / "Annotations", "pascal_voc", CHAMBER,
                 classes=("Living Cell", "Dead Cell"))  # fmt: skip
    live_dead = folder / "live_dead"
    write_images(live_dead / "images", live_dead, "yolo", [f"{n}.png" for n in range(12)], classes=("live", "dead"))
    film(folder / "timelapse_tracked_t98g" / "id_masks")
    return {"CELL_REAL_DATA": str(folder), "CELL_LIVE_DEAD": str(live_dead)}


def write_images(
    images: Path, annotations: Path, kind: str, names: Sequence[str], *, classes: Sequence[str] = ("cell",),
    colour: bool = False, seed: int = 0,
) -> None:  # fmt: skip
    """Write fields of round cells, annotated in a format."""
    images.mkdir(parents=True)
    annotations.mkdir(parents=True, exist_ok=True)
    builder = AnnotationBuilder(list(classes))
    for number, name in enumerate(names, start=seed):
        image, labels = draw_field(number, _SIDE, _CELLS)
        picture = np.dstack([image, image // 2, image // 3]) if colour else image
        cv2.imwrite(str(images / name), picture)
        row = builder.add_image(name, width=_SIDE, height=_SIDE)
        for label in range(1, _CELLS + 1):
            (outline, *_), _ = cv2.findContours(
                (labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            builder.add_polygon(row, classes[label % len(classes)], [outline[:, 0].astype(float) + 0.5])
    write_annotations(builder.build(), annotations, format=kind)


def film(folder: Path, frames: int = 5) -> None:
    """Write label images in which cells keep their numbers and move by a pixel a frame."""
    folder.mkdir(parents=True)
    labels = draw_field(0, _SIDE, _CELLS)[1]
    for frame in range(frames):
        cv2.imwrite(str(folder / f"t{frame:03d}.png"), np.roll(labels, frame, axis=1))
