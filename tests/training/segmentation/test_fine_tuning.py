from dataclasses import asdict, replace

import pytest
import torch

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.tensor_file import load_tensors
from cell_pipelines.training.segmentation.augmentation import Augmentation
from cell_pipelines.training.segmentation.devices import choose_devices
from cell_pipelines.training.segmentation.fine_tuning import FineTuning
from cell_pipelines.training.segmentation.settings import Choice, Schedule, SegmentationTraining, Tiles
from cell_pipelines.training.segmentation.train import train_segmentation

UNET = NetworkSpec("unet", "resnet18", in_channels=1, options={"encoder_depth": 3, "decoder_channels": [8, 8, 4]})
TRAINING = SegmentationTraining(
    UNET, epochs=2, batch=2, tiles=Tiles(32, 0, per_epoch=4), colour="grey", device="cpu", loss=Choice("dice"),
    augmentation=Augmentation(), schedule=Schedule("constant"), samples_every=0, seed=3,
)  # fmt: skip
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def train(training, images, folder):
    """Return the weights of the start, and those after each epoch."""
    start, after = folder / "start.pt", []
    torch.manual_seed(0)
    network = create_network(UNET)
    start.write_bytes(write_checkpoint(network, {"network": asdict(UNET)}))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = folder / "work" / "resume.pt"
    started = replace(training, start_from=str(start))
    train_segmentation(
        started, images[:4], images[4:], folder / "work",
        on_epoch=lambda _: after.append(load_tensors(state, "a training")["network"]) if state.is_file() else None,
    )  # fmt: skip
    return before, [*after, load_tensors(state, "a training")["network"]]


def same(before, after, part):
    """Say whether every value of a part is as it was: the encoder's weights, the decoder's, or the statistics."""
    keys = [key for key in before if (key.endswith(STATISTICS) if part == "statistics" else
                                      f".{part}." in key and not key.endswith(STATISTICS))]  # fmt: skip
    assert keys
    return all(torch.equal(before[key], after[key]) for key in keys)


def test_without_a_wish_everything_learns(images, tmp_path):
    before, (*_, last) = train(TRAINING, images, tmp_path)
    assert not any(same(before, last, part) for part in ("encoder", "decoder", "statistics"))


def test_encoder_and_statistics_stay_as_the_start_has_them(images, tmp_path):
    frozen = FineTuning(frozen_encoder=1, frozen_statistics=True)
    before, (*_, last) = train(replace(TRAINING, fine_tuning=frozen), images, tmp_path)
    assert same(before, last, "encoder")
    assert same(before, last, "statistics")
    assert not same(before, last, "decoder")


def test_the_encoder_learns_after_its_share_of_the_epochs(images, tmp_path):
    training = replace(TRAINING, fine_tuning=FineTuning(frozen_encoder=0.5))
    before, states = train(training, images, tmp_path)
    assert [same(before, state, "encoder") for state in (states[0], states[-1])] == [True, False]
    assert not same(before, states[-1], "statistics")


def test_a_training_from_random_weights_has_nothing_to_keep(images, tmp_path):
    wish = FineTuning(frozen_encoder=1, frozen_statistics=True)
    scratch = replace(TRAINING, fine_tuning=wish)
    assert scratch.to_record() == TRAINING.to_record()
    started = replace(scratch, start_from="start.pt").to_record()
    assert (started["frozen_encoder"], started["frozen_statistics"]) == (1, True)


def test_a_network_without_an_encoder_is_refused(images, tmp_path):
    spec = NetworkSpec("stardist_unet", in_channels=1)
    start = tmp_path / "start.pt"
    start.write_bytes(write_checkpoint(create_network(spec), {"network": asdict(spec)}))
    wish = replace(TRAINING, network=spec, start_from=str(start), fine_tuning=FineTuning(frozen_encoder=0.5))
    with pytest.raises(ValueError, match=r"`frozen_encoder` must be 0 for stardist_unet, which has no encoder\."):
        train_segmentation(wish, images[:4], images[4:], tmp_path / "work")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match=r"`frozen_encoder` must lie in \[0, 1\], got"):
        FineTuning(frozen_encoder=share)


def test_an_encoder_that_joins_later_trains_on_one_device():
    wish = replace(TRAINING, start_from="start.pt", fine_tuning=FineTuning(frozen_encoder=0.5), devices=2)
    with pytest.raises(ValueError, match="`frozen_encoder` must be 0 or 1 on several devices, got 0.5"):
        choose_devices(wish)
    assert choose_devices(replace(wish, fine_tuning=FineTuning(frozen_encoder=1))).count == 2
