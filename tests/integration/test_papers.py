"""Every command of docs/papers.md, on small generated images: its table or figure is there and holds something.

`make test` runs the commands of one study, and asks of all what their pipelines save, by which dataset, and where.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset

from cell_pipelines.datasets.figure_dataset import FigureDataset
from cell_pipelines.datasets.folder_dataset import FolderDataset
from cell_pipelines.datasets.image_dataset import ImageDataset
from cell_pipelines.datasets.page_dataset import PageDataset
from cell_pipelines.datasets.tidy_table_dataset import TidyTableDataset
from cell_pipelines.imaging.reading import read_image
from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.parameter_checks import parameter_groups

from .conftest import ROOT, Project

pytestmark = pytest.mark.slow

_ROW = re.compile(
    r"^\| (?P<item>[^|]+) \| [^|]+ "
    r"\| `--pipelines=(?P<pipeline>\w+)(?: --params=(?P<params>\S+))?` \| `(?P<result>[^`]+)` \|$"
)
_NETWORK = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None,
            "options": {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}}  # fmt: skip
_SEGMENTATION = {
    "tiles": {"size": 64, "overlap": 8, "per_epoch": 8}, "epochs": 2, "early_stopping": 0, "batch": 4,
    "weight_map": {"name": "none"}, "resize": None, "samples_every": 0,
}  # fmt: skip
_BENCHMARK = {"engines": ["pytorch", "onnxruntime"], "batches": [1], "seconds": 0.05, "network_size": 64}
_YOLO = {"from_scratch": True, "image_size": 96, "epochs": 2, "batch": 4, "samples": 4,
         "augmentation": {"close_mosaic": 0}}  # fmt: skip
_SCENE = {"height": 96, "width": 96, "cells": 6, "mean_radius_px": 9.0}

#: What makes each study small; what it compares stays.
SMALL = {
    "live_dead": {
        "yolo": _YOLO, "benchmark_models": {**_BENCHMARK, "networks": ["yolo11n.pt"]},
        "experiments": {
            "yolo_versions": {
                "parallel": 2, "overlays": 1, "costs": False, "values": {"yolo.weights": ["yolov8n.pt", "yolo12n.pt"]},
            },
            "learning_curve": {"parallel": 2, "values": {"training_subset.share": [0.34, 0.67, 1.0]}},
        },
    },
    "neurons": {
        "sample_data": {"fields": 8, "series": 8, "scenes": {"neurons": _SCENE}},
        "segmentation": _SEGMENTATION, "resunet": {"options": {"width": 4}}, "unet": _NETWORK,
        "experiments": {"ablation": {
            "parallel": 2, "costs": False, "settings": {"unet.encoder": _NETWORK["encoder"]},
            "variants": {"U-Net, pretrained ResNet-34": None, "U-Net, pretrained EfficientNet-B0": None,
                         "no weight map": None},
        }},
    },
    "neural_cells": {
        "sample_data": {"fields": 8, "series": 8, "scenes": {"phase_contrast": _SCENE}},
        "segmentation": _SEGMENTATION, "benchmark_models": {
            **_BENCHMARK, "networks": [{"architecture": "attention_linknet", "encoder": "efficientnet-b0"}],
        },
        "experiments": {"architecture_grid": {
            "parallel": 2, "models": ["unet", "attention_unet"], "settings": {"model.encoder_weights": None},
        }},
    },
    "fish": {
        "sample_data": {"fields": 6, "series": 6,
                        "scenes": {"fish": {"height": 160, "width": 160, "cells": 6, "mean_radius_px": 20.0}}},
        "yolo_seg": {**_YOLO, "weights": "yolov8n-seg.pt"}, "inference": {"mask_confidence": 0.0, "confidence": 0.0},
    },
    "cll": {
        "sample_data": {"fields": 4, "series": 4,
                        "scenes": {"time_lapse": {"frames": 2, "height": 96, "width": 96, "cells": 4}}},
        "segmentation": _SEGMENTATION, "unetpp": _NETWORK,
        "experiments": {"architecture_grid": {
            "parallel": 2, "overlays": 1, "costs": False, "models": ["unet", "unetpp"],
            "variants": {"InceptionResNetV2": None, "ResNeSt-269": None, "ResNet-152": {"model.encoder": "resnet18"},
                         "ResNeXt-101 32x32d": None, "VGG19": {"model.encoder": "vgg11"}},
            "settings": {"model.encoder_weights": None, "model.options": _NETWORK["options"]},
        }},
    },
}  # fmt: skip
#: What a result is saved by, by the ending of its name; folders have none.
KINDS = {
    ".csv": (CSVDataset, TidyTableDataset),
    ".png": (FigureDataset, ImageDataset),
    ".html": (TextDataset, PageDataset),
    "": FolderDataset,
}
#: Models that later commands of a study are about, trained before.
TRAINED = {"cll": ["unetpp"]}


def rows(study: str) -> Iterator[dict[str, str | None]]:
    """Yield the rows of a study in docs/papers.md."""
    parts = re.split(r"^## (\w+):", (ROOT / "docs" / "papers.md").read_text(), flags=re.MULTILINE)
    text = dict(zip(parts[1::2], parts[2::2], strict=True))[study]
    lines = [line for line in text.splitlines() if line.startswith("| ") and "`--pipelines" in line and "…" not in line]
    for line in lines:
        match = _ROW.match(line)
        assert match, line
        yield match.groupdict()


def check(path: Path) -> None:
    """Look whether a result is there: rows in a table, ink in a figure, images in a folder, text on a page."""
    assert path.exists(), path
    if path.suffix == ".csv":
        assert len(pd.read_csv(path)), path
    elif path.suffix == ".png":
        image = read_image(path)
        assert np.unique(image.reshape(-1, image.shape[-1]), axis=0).shape[0] > 5, path
    elif path.suffix == ".html":
        assert path.stat().st_size > 10_000, path
    else:
        assert any(path.iterdir()), path


def make_images(project: Project, study: str) -> None:
    if study != "live_dead":
        run_small(project, study, "sample_data", {})
        return
    source = Project(project.folder / "source")
    source.run("sample_data")
    project.environment["CELL_LIVE_DEAD"] = str(source.path("01_raw"))


def run_small(project: Project, study: str, pipeline: str, given: dict) -> None:
    """Run a pipeline with what makes the study small, as far as it reads it."""
    with project.session(**merge(SMALL[study], given)) as session:
        session.load_context()
        groups = parameter_groups(pipelines[pipeline])
    small = {group: value for group, value in SMALL[study].items() if group in groups or "parameters" in groups}
    project.run(pipeline, **merge(small, given))


def nested(params: str | None) -> dict:
    """Return the parameters that a command's `--params` gives."""
    return nest(dict(pair.split("=", 1) for pair in (params or "").split(",") if pair))


@pytest.mark.exhaustive
@pytest.mark.parametrize("study", SMALL)
def test_every_table_and_figure_of_a_paper_is_one_command_away(study, tmp_path):
    project = Project(tmp_path, study)
    make_images(project, study)
    for model in TRAINED.get(study, []):
        run_small(project, study, f"train_{model}", {})
    done = set()
    found = list(rows(study))
    assert len(found) >= 3
    for row in found:
        command = (row["pipeline"], row["params"])
        if command not in done:
            run_small(project, study, row["pipeline"], nested(row["params"]))
            done.add(command)
        check(project.path("08_reporting", *row["result"].split("/")))


@pytest.mark.quick(study=["fish"])
@pytest.mark.parametrize("study", SMALL)
def test_every_command_of_a_paper_saves_its_table_or_figure_where_the_page_says(study, tmp_path):
    project = Project(tmp_path, study)
    found = sorted(rows(study), key=lambda row: row["params"] or "")
    for params, commands in groupby(found, key=lambda row: row["params"]):
        with project.session(**merge(SMALL[study], nested(params))) as session:
            catalog = session.load_context().catalog
            for row in commands:
                pipeline = pipelines[row["pipeline"]]
                assert not {name for name in pipeline.inputs() if name not in catalog}, row
                saved = [catalog.get(name) for name in pipeline.all_outputs() if name in catalog]
                target = str(project.path("08_reporting", *row["result"].split("/")))
                (kept,) = [dataset for dataset in saved if target in map(str, dataset._describe().values())]
                assert isinstance(kept, KINDS[Path(target).suffix]), row
