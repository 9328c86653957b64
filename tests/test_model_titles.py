import pandas as pd
import pytest

from cell_pipelines.model_titles import TITLES, model_title
from cell_pipelines.models.spec import ARCHITECTURES
from cell_pipelines.report.page.tables import format_table
from cell_pipelines.study import MODELS


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("attention_unet", "Attention U-Net"),
        ("resunet", "c-ResUNet"),
        ("yolo11n-seg", "YOLO11n-seg"),
        ("deeplabv3plus_resnet50", "DeepLabV3+ resnet50"),
        ("yolo_seg_yolov8s-seg", "YOLOv8s-seg"),
        ("a model of mine", "a model of mine"),
        ("unetlike", "unetlike"),
    ],
)
def test_models_and_trials_are_written_as_in_their_papers(name: str, title: str) -> None:
    assert model_title(name) == title


def test_every_registered_model_and_architecture_has_a_title_of_its_own() -> None:
    assert {*MODELS, *ARCHITECTURES} <= set(TITLES)
    assert len({model_title(name) for name in MODELS}) == len(MODELS)


def test_tables_of_pages_write_models_so_and_leave_names_of_images_alone() -> None:
    frame = pd.DataFrame({"model": ["unetpp", "mine"], "first": ["unet_1.png", "fpn"]})
    assert [column.cells for column in format_table(frame)] == [("U-Net++", "mine"), ("unet_1.png", "fpn")]
