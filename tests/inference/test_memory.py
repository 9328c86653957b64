"""Tensors are counted while they live, and tiles fit into the memory there is."""

import gc

import pytest
import torch

from cell_pipelines.inference.memory import fitting_tiling, peak_bytes, usable_bytes
from cell_pipelines.inference.network import TileNetwork


def test_the_peak_is_that_of_tensors_that_live_together():
    def work():
        a = torch.ones(1000)
        b = a + 1
        del a
        c = b.reshape(10, 100)
        return c * 2

    gc.collect()
    assert peak_bytes(work) == 2 * 4000
    assert peak_bytes(lambda: None) == 0


def test_memory_of_a_pixel_is_that_of_the_widest_layers(convolutions, maps):
    network = TileNetwork(convolutions(), maps(), device="cpu")
    assert 4 * (3 + 8 + 8) <= network.bytes_per_pixel <= 4 * (3 + 8 + 8 + 8)
    assert network.fitting_pixels(0.5) * 2 == pytest.approx(network.fitting_pixels(1.0))
    assert usable_bytes(torch.device("cpu")) < 2e9


@pytest.mark.parametrize("shape", [(1, 1), (100, 5000), (5000, 90), (1200, 1600), (3000, 2777)])
@pytest.mark.parametrize("n_pixels", [1, 90_000, 400_000, 1e9])
@pytest.mark.parametrize("stride", [1, 32])
def test_tiles_fit_into_the_pixels_there_are(shape, n_pixels, stride):
    tiling = fitting_tiling(shape, n_pixels, tile=None, overlap=64, stride=stride)
    largest = max(n for _, n in tiling.rows) * max(n for _, n in tiling.columns)
    assert (tiling.height, tiling.width) == shape
    # Tiles of which the overlap is more than half would take longer than any memory is worth.
    assert largest <= max(n_pixels, (2 * 64 + 2 * stride) ** 2)
    assert (len(tiling) == 1) or shape[0] * shape[1] > n_pixels


def test_larger_memory_never_costs_more_pixels():
    costs = [
        fitting_tiling((1900, 2500), n, tile=None, overlap=64, stride=32).n_pixels for n in (6e4, 2e5, 1e6, 4e6, 1e7)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == 1900 * 2500


def test_a_tile_that_is_set_is_kept():
    tiling = fitting_tiling((1000, 1000), 1e9, tile=256, overlap=64, stride=32)
    assert max(n for _, n in tiling.rows) <= 256
