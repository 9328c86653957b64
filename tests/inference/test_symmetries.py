"""Turned and mirrored maps come back as they were, and each ray in its own direction."""

import numpy as np
import pytest
import torch

from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.inference.symmetries import ALL_SYMMETRIES
from cell_pipelines.representations.flows import Flows
from cell_pipelines.representations.star import Star


@pytest.mark.parametrize("symmetry", ALL_SYMMETRIES)
def test_undoing_gives_back_what_was_there(symmetry):
    maps = torch.rand(2, 3, 5, 8)
    torch.testing.assert_close(symmetry.undo(symmetry.apply(maps)), maps)


def test_all_eight_differ():
    maps = torch.rand(1, 1, 4, 4)
    assert len({symmetry.apply(maps).numpy().tobytes() for symmetry in ALL_SYMMETRIES}) == 8


@pytest.mark.parametrize("symmetry", ALL_SYMMETRIES)
@pytest.mark.parametrize("n_rays", [4, 8, 32])
def test_rays_of_a_turned_cell_are_those_of_the_cell(symmetry, n_rays):
    rows, columns = np.mgrid[:40, :50]
    labels = (((rows - 18) / 12) ** 2 + ((columns - 30) / 7) ** 2 < 1).astype(np.int32)
    labels[4:9, 3:20] = 2
    star = Star(n_rays=n_rays)
    turned = symmetry.apply(torch.from_numpy(labels)[None, None])[0, 0].numpy()
    back = symmetry.undo(torch.from_numpy(star.encode(np.ascontiguousarray(turned)))[None])[0].numpy()
    order = [0, *(1 + ray for ray in symmetry.ray_order(n_rays))]
    # StarDist walks along a ray in steps, which end up to a pixel apart when the ray is turned.
    assert np.abs(back[order] - star.encode(labels)).max() <= 1.01
    if n_rays >= 8 and symmetry.turns + symmetry.mirrored:
        assert np.abs(back - star.encode(labels)).max() > 3


@pytest.mark.parametrize("symmetry", ALL_SYMMETRIES)
def test_vectors_of_a_turned_image_are_those_of_the_image(symmetry):
    """Coordinates are maps, too: their differences between neighbours are known vectors."""
    rows, columns = (torch.from_numpy(one).float()[None, None] for one in np.mgrid[:6, :9])
    height, width = symmetry.apply(rows).shape[-2:]
    there = [torch.from_numpy(one).float() for one in np.mgrid[:height, :width]]
    # In the turned image: the way from each pixel to the one that was the first row and column.
    home = (symmetry.apply(rows + columns)[0, 0] == 0).nonzero()[0]
    vectors = [symmetry.undo((home[axis] - there[axis])[None, None]) for axis in (0, 1)]
    back = symmetry.vectors(*vectors)
    torch.testing.assert_close(back[0], -rows)
    torch.testing.assert_close(back[1], -columns)


def test_averaged_flows_of_a_network_turn_with_the_image():
    torch.manual_seed(0)
    network = TileNetwork(
        torch.nn.Sequential(torch.nn.Conv2d(3, 6, 5, padding=2)), Flows(), device="cpu", test_time_augmentation=True
    )
    image = np.random.default_rng(0).random((1, 12, 17, 3), dtype=np.float32)
    cell, row, column = 0, 1, 2
    found, mirrored = (network(one).reshape(2, 3, 12, 17) for one in (image, image[:, :, ::-1].copy()))
    np.testing.assert_allclose(mirrored[:, cell, :, ::-1], found[:, cell], atol=1e-6)
    np.testing.assert_allclose(mirrored[:, row, :, ::-1], found[:, row], atol=1e-6)
    np.testing.assert_allclose(mirrored[:, column, :, ::-1], -found[:, column], atol=1e-6)
    turned = network(image.transpose(0, 2, 1, 3).copy()).reshape(2, 3, 17, 12)
    np.testing.assert_allclose(turned[:, row].transpose(0, 2, 1), found[:, column], atol=1e-6)


def test_a_number_of_rays_that_cannot_be_turned_is_refused():
    with pytest.raises(ValueError, match="`test_time_augmentation` needs a number of rays that 4 divides, got 6"):
        TileNetwork(
            torch.nn.Sequential(torch.nn.Conv2d(3, 7, 1)), Star(n_rays=6), device="cpu", test_time_augmentation=True
        )


def test_averaging_over_symmetries_makes_the_output_symmetric(convolutions, maps):
    network = TileNetwork(convolutions(), maps(), device="cpu", test_time_augmentation=True)
    image = np.random.default_rng(0).random((1, 12, 17, 3), dtype=np.float32)
    found = network(image)
    np.testing.assert_allclose(network(image[:, ::-1].copy()), found[:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(network(image.transpose(0, 2, 1, 3).copy()), found.transpose(0, 1, 3, 2), atol=1e-6)
