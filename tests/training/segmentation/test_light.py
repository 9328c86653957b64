"""Light changes intensities as a microscope does, and switching one kind off leaves the others as they were."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cell_pipelines.training.segmentation.augmentation import Augmentation, draw_light, draw_movement
from cell_pipelines.training.segmentation.light import UNCHANGED, Light, change_light

EVERYTHING = Augmentation(contrast=0.5, blur_px=2, hue=0.1, saturation=0.5)
KINDS = ("contrast", "blur_px", "hue", "saturation")


def changed(image, **light):
    return change_light(image, Light(**light))


def draws(augmentation, count=30):
    return [draw_light(augmentation, np.random.default_rng(seed)) for seed in range(count)]


def test_without_light_the_image_is_the_same_and_older_draws_are_as_they_were():
    image = torch.rand(3, 8, 8)
    assert change_light(image, UNCHANGED) is image
    plain, lit = (draw_movement(one, 32, np.random.default_rng(1)) for one in (Augmentation(noise=0.1), EVERYTHING))
    assert plain.light == UNCHANGED != lit.light
    generators = [np.random.default_rng(5), np.random.default_rng(5)]
    for generator, one in zip(generators, (Augmentation(), replace(EVERYTHING, copy_paste=9)), strict=True):
        draw_movement(one, 32, generator)
    assert generators[0].random() == generators[1].random()


@pytest.mark.parametrize("kind", KINDS)
def test_switching_one_kind_off_leaves_the_others_as_they_were(kind):
    for whole, without in zip(draws(EVERYTHING), draws(replace(EVERYTHING, **{kind: 0})), strict=True):
        assert getattr(without, kind) == getattr(UNCHANGED, kind) != getattr(whole, kind)
        assert replace(whole, **{kind: getattr(UNCHANGED, kind)}) == without


def test_each_kind_changes_what_it_is_called_after():
    image = torch.from_numpy(np.random.default_rng(0).uniform(0.3, 0.6, (1, 64, 64)).astype(np.float32))
    half = changed(image, contrast=0.5)
    torch.testing.assert_close(half.mean(), image.mean())
    torch.testing.assert_close(half.std(), image.std() / 2)
    blurred = changed(image, blur_px=2.0)
    assert blurred.std() < 0.5 * image.std()
    assert blurred.mean() == pytest.approx(float(image.mean()), abs=0.01)


def test_hue_and_saturation_leave_grey_images_and_other_channels_alone():
    colour = torch.rand(3, 16, 16)
    assert not torch.equal(changed(colour, hue=0.2), colour)
    torch.testing.assert_close(changed(colour, saturation=0.0).std(dim=0), torch.zeros(16, 16))
    for channels in (1, 2, 4):
        image = torch.rand(channels, 16, 16)
        torch.testing.assert_close(changed(image, hue=0.2, saturation=2.0), image)


def test_intensities_stay_between_0_and_1_and_are_drawn_anew_by_the_same_seed():
    image = torch.rand(3, 32, 32)
    for light in draws(replace(EVERYTHING, contrast=5)):
        twice = [change_light(image, light) for _ in range(2)]
        assert twice[0].min() >= 0 and twice[0].max() <= 1
        assert torch.equal(*twice)


def test_probabilities_of_light_are_kept():
    drawn = draws(replace(EVERYTHING, blur_probability=0.25), 800)
    assert np.mean([one.blur_px > 0 for one in drawn]) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"hue": 0.6}, "`hue` must be at most 0.5"), ({"blur_px": -1}, "`blur_px` must be 0 or more"),
     ({"blur_probability": 2}, "`blur_probability` must lie in"), ({"copy_paste": -1}, "`copy_paste` must be 0 or")],
)  # fmt: skip
def test_light_that_cannot_be_is_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        Augmentation(**options)
