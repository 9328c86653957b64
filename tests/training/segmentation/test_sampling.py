import numpy as np
import pytest

from cell_pipelines.training.segmentation.samples import LabelledImage, Preparation, prepare_sample
from cell_pipelines.training.segmentation.sampling import (
    Oversampling,
    OversamplingRule,
    TileSampler,
    draw_tiles,
    rules_without_effect,
    tile_shares,
)
from cell_pipelines.training.segmentation.tile_dataset import list_tiles

CELLS = Preparation(("cell",), "grey")


def test_equal_shares_show_every_tile_once():
    for seed in range(20):
        drawn = draw_tiles(np.ones(17), 17, np.random.default_rng(seed))
        assert sorted(drawn) == list(range(17))


def test_tiles_come_as_often_as_their_share_says():
    shares = np.array([1.0, 0.0, 3.0, 0.5])
    for seed in range(20):
        counts = np.bincount(draw_tiles(shares, 45, np.random.default_rng(seed)), minlength=4)
        assert np.abs(counts - 45 * shares / shares.sum()).max() < 1
        assert counts.sum() == 45


def test_an_epoch_is_the_same_whatever_was_drawn_before():
    first, second = (TileSampler(np.ones(10), 20, seed=3) for _ in range(2))
    list(first)
    first.epoch = second.epoch = 2
    assert list(first) == list(second)
    second.epoch = 3
    assert list(first) != list(second)


def test_several_devices_share_an_epoch_out():
    alone = TileSampler(np.ones(10), 12, seed=0)
    shared = [list(TileSampler(np.ones(10), 12, seed=0, rank=rank, devices=3)) for rank in range(3)]
    assert {len(draws) for draws in shared} == {4}
    assert sorted(draw for draws in shared for draw in draws) == sorted(alone)


def test_rules_look_at_names_classes_and_attributes(make_cells, make_annotation):
    def sample(name, category, attributes=None):
        labels = {c: np.zeros((32, 32), np.int32) for c in ("whole", "broken")}
        labels[category] = make_cells(0, (32, 32), 1)
        annotation = make_annotation(name, labels, attributes=attributes)
        image = LabelledImage(name, lambda: np.zeros((32, 32), np.uint8), annotation)
        return prepare_sample(image, Preparation(("whole", "broken"), "grey"))

    samples = [
        sample("day1/a.png", "whole"),
        sample("day2/b.png", "broken"),
        sample("day2/c.png", "whole", {"state": "mitosis"}),
    ]
    rules = (
        OversamplingRule(2, image="^day2"),
        OversamplingRule(3, category="broken"),
        OversamplingRule(5, attribute="state=mitosis"),
        OversamplingRule(7, image="a.png", attribute="state"),
    )
    shares = tile_shares(samples, list_tiles(samples, 32, 0), 32, Oversampling(rules), ("whole", "broken"))
    np.testing.assert_array_equal(shares, [1, 6, 10])


def test_crowded_tiles_come_more_often(make_image):
    samples = [prepare_sample(make_image(seed, count=count), CELLS) for seed, count in ((0, 0), (1, 6))]
    shares = tile_shares(samples, list_tiles(samples, 64, 0), 64, Oversampling(density=1.0), ("cell",))
    assert shares[0] == 1
    assert shares[1] == 1 + 6 / 3


def test_badly_learnt_tiles_come_more_often_and_unseen_ones_as_the_average():
    sampler = TileSampler(np.ones(3), 60, seed=0, error=1.0)
    assert np.bincount([draw.tile for draw in sampler]).tolist() == [20, 20, 20]
    sampler.errors = np.array([0.0, 0.2, np.nan])
    counts = np.bincount([draw.tile for draw in sampler], minlength=3)
    np.testing.assert_allclose(counts / 60, np.array([1, 3, 2]) / 6, atol=0.02)


def test_what_can_t_be_is_told(make_image):
    samples = [prepare_sample(make_image(0), CELLS)]
    tiles = list_tiles(samples, 64, 0)
    with pytest.raises(ValueError, match="one of cell, got 'cel'"):
        tile_shares(samples, tiles, 64, Oversampling((OversamplingRule(2, category="cel"),)), ("cell",))
    with pytest.raises(ValueError, match="no tile"):
        tile_shares(samples, tiles, 64, Oversampling((OversamplingRule(0, image="."),)), ("cell",))
    with pytest.raises(ValueError, match="regular expression"):
        OversamplingRule(2, image="(")
    with pytest.raises(ValueError, match="must name"):
        OversamplingRule(2)


def test_rules_that_fit_no_training_image_are_told():
    rules = (OversamplingRule(2, image="_rare"), OversamplingRule(2, category="debris"),
             OversamplingRule(2, attribute="stage=m"), OversamplingRule(2, image="a", attribute="stage=g"))  # fmt: skip
    told = rules_without_effect(Oversampling(rules), ["a.png"], ["cell"], ['{"stage": "g"}', None])
    assert [what in sentence for what, sentence in zip(("_rare", "debris", "stage=m"), told, strict=True)] == [True] * 3
    assert rules_without_effect(Oversampling(rules), ["a_rare.png"], ["debris"], ['{"stage": "m"}']) != []
    assert rules_without_effect(Oversampling(), ["a.png"], [], []) == []
