import json
import os

import pytest

from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.settings import YoloTraining
from cell_pipelines.training.detection.train import _identity, read_history, train_yolo
from cell_pipelines.training.resuming import ResumeError


def test_a_resumed_training_with_other_settings_is_refused(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [cell]")
    (tmp_path / "resume.pt").write_bytes(b"")
    (tmp_path / "training.json").write_text(json.dumps({"weights": "yolov8n.pt"}))
    training = YoloTraining(weights="yolo11n.yaml", from_scratch=True, settings={"epochs": 1}, device="cpu")
    with pytest.raises(ResumeError, match="weights"):
        train_yolo(training, tmp_path / "data.yaml", tmp_path, resume=True)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("resumed", [True, False])
def test_neither_weights_nor_an_interrupted_training_run_code(tmp_path, resumed):
    import torch

    from cell_pipelines.models.untrained_file import write_untrained_yolo

    (tmp_path / "data.yaml").write_text("names: [cell]\ntrain: train\nval: train\n")
    for folder in ("images/train", "labels/train"):
        (tmp_path / folder).mkdir(parents=True)
    path, trap = tmp_path / ("resume.pt" if resumed else "mine.pt"), Trap(tmp_path / "trap")
    write_untrained_yolo(path, "yolov8n.pt", image_size=32, categories=("cell",))
    content = torch.load(path, weights_only=False)
    torch.save({**content, "extra": trap, "epoch": 0}, path)
    weights = "yolov8n.yaml" if resumed else str(path)
    training = YoloTraining(weights=weights, from_scratch=resumed, settings={"epochs": 2, "imgsz": 32}, device="cpu")
    (tmp_path / "training.json").write_text(json.dumps(_identity(training, tmp_path / "data.yaml")))
    with pytest.raises(ValueError, match=r"would run (posix|nt)\.mkdir .*yolo\.trust=true"):
        train_yolo(training, tmp_path / "data.yaml", tmp_path, resume=resumed)
    assert not trap.folder.exists() and (path.is_file() and not (tmp_path / "run").exists())


def test_every_setting_reaches_ultralytics_under_a_name_it_knows():
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg

    settings = YoloParameters().to_ultralytics()
    assert set(settings) <= set(DEFAULT_CFG_DICT)
    get_cfg(overrides=settings)


def test_an_epoch_written_twice_counts_once(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("epoch,time,train/box_loss\n1,1,0.5\n2,2,0.4\n2,3,0.3\n")
    assert read_history(path)["train_box_loss"].tolist() == [0.5, 0.3]


def test_the_history_has_our_names(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("epoch,time,train/box_loss,metrics/mAP50(B),lr/pg0,lr/pg1\n1,2.5,0.1,0.9,0.01,0.01\n")
    assert list(read_history(path).columns) == ["epoch", "seconds", "train_box_loss", "val_ap50", "learning_rate"]
