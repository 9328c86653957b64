import logging
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from cell_pipelines.inference.segmentation import SegmentationPredictor
from cell_pipelines.losses.registry import LOSSES
from cell_pipelines.models.checkpoint import read_checkpoint
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.representations.registry import REPRESENTATIONS
from cell_pipelines.training.resuming import ResumeError
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.network_module import DivergedError
from cell_pipelines.training.segmentation.samples import SampleError
from cell_pipelines.training.segmentation.sampling import Oversampling
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation

TINY = SegmentationTraining(
    NetworkSpec("resunet", options={"width": 4, "depth": 2}), epochs=2, batch=4, tiles=Tiles(32, 0, per_epoch=12),
    learning_rate=3e-3, colour="grey", device="cpu", optimizer="adam", monitor="val_loss", loss=Choice("dice"),
    augmentation=Augmentation(), schedule=Schedule("constant"), samples_every=0, gradient_clip=5.0,
)  # fmt: skip
MEASURED = ["epoch", "train_loss", "val_loss", "val_iou", "val_dice", "learning_rate"]


def train(training, images, folder, **options):
    return train_segmentation(training, images[:4], images[4:], folder, **options)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_representation_is_learnt_and_loads_again(name, images, tmp_path):
    loss = next(key for key, kind in LOSSES.items() if name in kind.representations)
    training = replace(TINY, representation=Choice(name), loss=Choice(loss), epochs=3)
    content, history = train(training, images, tmp_path / "work", description={"run_id": "7"})
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    (tmp_path / "model.pt").write_bytes(content)
    network, description = read_checkpoint(tmp_path / "model.pt")
    assert description["representation"]["name"] == name
    assert description["categories"] == ["cell"]
    assert description["decoding"]["cell"]["min_area_px"] > 0
    assert 50 < description["mean_area_px"] < 130
    assert description["run_id"] == "7"
    assert description["training"]["tile"] == 32
    channels = description["network"]["out_channels"]
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 21, 33)).shape == (1, channels, 21, 33)


def test_a_star_is_learnt_validated_shown_and_predicted_on_its_own_grid(images, tmp_path):
    """With tiles of an odd side, so that the last row and column of outputs reach beyond the image's."""
    reports = []
    training = replace(
        TINY, representation=Choice("star", {"n_rays": 8, "stride": 2}), loss=Choice("star"), tiles=Tiles(33, 0),
        oversampling=Oversampling(error=1.0), samples_every=1, samples=1, epochs=3,
    )  # fmt: skip
    content, history = train(training, images, tmp_path / "work", on_epoch=reports.append)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    sample = reports[-1].samples[0]
    assert sample.image.shape[:2] == sample.target.shape[1:] == sample.probability.shape[1:] == (64, 64)
    (tmp_path / "model.pt").write_bytes(content)
    network, description = read_checkpoint(tmp_path / "model.pt")
    assert description["network"]["out_stride"] == description["representation"]["options"]["stride"] == 2
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 21, 33)).shape == (1, 9, 11, 17)
    (scores,) = SegmentationPredictor(tmp_path / "model.pt", device="cpu").predict(images[0].file())
    assert scores["shape"].tolist() == [64, 64] and (scores["points"] % 2 == 0).all()


def test_the_history_has_a_row_an_epoch_and_the_caller_hears_of_each(images, tmp_path):
    reports = []
    training = replace(TINY, samples_every=2, samples=1, epochs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, history = train(training, images, tmp_path, on_epoch=reports.append)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert {*MEASURED, "seconds", "waiting_share", "images_per_second"} == set(history.columns)
    assert [report.row["epoch"] for report in reports] == [1, 2, 3]
    assert [len(report.samples) for report in reports] == [1, 0, 1]
    sample = reports[0].samples[0]
    assert (sample.image.shape, sample.target.shape, sample.probability.shape) == (
        (64, 64, 1),
        (1, 64, 64),
        (1, 64, 64),
    )
    iou, dice = history["val_iou"], history["val_dice"]
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou))
    assert history["waiting_share"].between(0, 1).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": Schedule("one_cycle")},
        {"schedule": Schedule("plateau", patience=1), "optimizer": "sgd", "oversampling": Oversampling(error=1.0)},
        {
            "schedule": Schedule("cosine"),
            "accumulate": 2,
            "augmentation": Augmentation(rotation_degrees=90, noise=0.05),
        },
    ],
    ids=["one_cycle", "plateau", "cosine"],
)
def test_a_resumed_training_gives_what_an_uninterrupted_one_gives(changes, images, tmp_path):
    training = replace(TINY, epochs=4, **changes)
    whole, expected = train(training, images, tmp_path / "whole")

    def stop(report):
        if report.row["epoch"] == 2:
            raise OSError("the power failed")

    with pytest.raises(OSError, match="power"):
        train(training, images, tmp_path / "parts", on_epoch=stop)
    torch.manual_seed(99)
    resumed, history = train(training, images, tmp_path / "parts", resume=True)
    pd.testing.assert_frame_equal(history[MEASURED], expected[MEASURED], check_exact=True)
    for name, content in (("a.pt", whole), ("b.pt", resumed)):
        (tmp_path / name).write_bytes(content)
    weights = [read_checkpoint(tmp_path / name)[0].state_dict() for name in ("a.pt", "b.pt")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_finished_training_is_not_trained_again(images, tmp_path):
    first, _ = train(TINY, images, tmp_path)
    reports = []
    second, history = train(TINY, images, tmp_path, resume=True, on_epoch=reports.append)
    assert first == second
    assert len(history) == 2
    assert not reports


def test_other_settings_or_data_are_refused_but_another_place_is_not(images, tmp_path):
    train(replace(TINY, epochs=1), images, tmp_path)
    with pytest.raises(ResumeError, match=r"other epochs, batch"):
        train(replace(TINY, batch=2), images, tmp_path, resume=True)
    with pytest.raises(ResumeError, match="other data"):
        train(replace(TINY, epochs=1), images[1:], tmp_path, resume=True)
    train(replace(TINY, epochs=1, workers=1, tiles=replace(TINY.tiles, cache="disk")), images, tmp_path, resume=True)


def test_it_stops_early_and_returns_the_best_epoch(images, tmp_path):
    training = replace(TINY, epochs=9, early_stopping=1, learning_rate=1e-12, monitor="val_dice")
    content, history = train(training, images, tmp_path / "work")
    assert len(history) < 9
    (tmp_path / "model.pt").write_bytes(content)
    _, description = read_checkpoint(tmp_path / "model.pt")
    assert description["epoch"] == history["val_dice"].idxmax() + 1
    assert description["metrics"]["val_dice"] == history["val_dice"].max()


def test_a_loss_that_is_no_number_stops_and_names_the_last_good_checkpoint(images, tmp_path, monkeypatch):
    from cell_pipelines.training.segmentation.network_module import SegmentationModule

    right = SegmentationModule._loss

    def wrong(self, logits, target, weights):
        return right(self, logits, target, weights) * (float("nan") if self.epoch_number == 1 else 1)

    monkeypatch.setattr(SegmentationModule, "_loss", wrong)
    with pytest.raises(DivergedError, match=r"nan in epoch 2, step 1;.*best\.pt"):
        train(TINY, images, tmp_path)
    assert (tmp_path / "best.pt").is_file()


def test_categories_are_learnt_beside_each_other(images, make_cells, make_annotation, tmp_path):
    two = [
        replace(image, annotations=make_annotation(image.name, {"a": make_cells(seed), "b": make_cells(seed + 50)}))
        for seed, image in enumerate(images)
    ]
    training = replace(TINY, representation=Choice("three_class"), loss=Choice("cross_entropy_dice"), epochs=1)
    content, _ = train(training, two, tmp_path / "work")
    (tmp_path / "model.pt").write_bytes(content)
    _, description = read_checkpoint(tmp_path / "model.pt")
    assert description["network"]["out_channels"] == 6
    assert set(description["decoding"]) == {"a", "b"}


def test_the_global_generator_and_the_log_levels_stay_as_they_were(images, tmp_path):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    train(replace(TINY, epochs=1), images, tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not list(tmp_path.glob("lightning_logs"))


def test_progress_is_told_where_no_terminal_is(images, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(TINY, images, tmp_path)
    assert "epoch 2 of 2" in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("lightning")]


def test_what_doesn_t_fit_is_told(images, tmp_path):
    with pytest.raises(ValueError, match="the loss star fits star"):
        train(replace(TINY, loss=Choice("star")), images, tmp_path)
    with pytest.raises(SampleError, match="`val`"):
        train_segmentation(TINY, images, [], tmp_path)
    with pytest.raises(ValueError, match="multiple of the number of devices"):
        train(replace(TINY, devices=3), images, tmp_path)
    with pytest.raises(ValueError, match=r"`epochs` must be 1 or more.*`learning_rate`"):
        replace(TINY, epochs=0, learning_rate=-1.0)
