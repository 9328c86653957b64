"""Tiles cover an image, their weights add up to one, and blending gives back what the tiles were cut from."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.inference.tiles import Tiling, blend_bands, blend_weights, core_spans, iter_outputs, tile_spans


@st.composite
def spans(draw):
    stride = draw(st.sampled_from([1, 2, 8, 16, 32]))
    overlap = draw(st.integers(0, 70))
    size = draw(st.integers((-(-overlap // stride) + 1) * stride, 200)) if overlap < 150 else 200
    length = draw(st.integers(1, 900))
    return tile_spans(length, size, overlap, stride), length, size, overlap, stride


@given(spans())
@settings(max_examples=40, deadline=None)
def test_tiles_cover_with_the_overlap_asked_and_start_on_the_stride(drawn):
    tiles, length, size, overlap, stride = drawn
    assert tiles[0][0] == 0
    assert sum(tiles[-1]) == length
    assert max(n for _, n in tiles) <= size
    for (start, n), (following, _) in pairwise(tiles):
        assert start < following
        assert following % stride == 0
        assert start + n - following >= overlap
        assert n % stride == 0


@given(spans())
@settings(max_examples=40, deadline=None)
def test_weights_add_up_to_one_and_are_0_where_padding_was_seen(drawn):
    tiles, length, _, overlap, _ = drawn
    total = np.zeros(length)
    for i, ((start, n), weights) in enumerate(zip(tiles, blend_weights(tiles), strict=True)):
        total[start : start + n] += weights
        margin = int(overlap * 3 / 8)
        assert i == 0 or not weights[:margin].any()
        assert i == len(tiles) - 1 or not weights[n - margin :].any()
    np.testing.assert_allclose(total, 1, atol=1e-6)


@given(spans())
@settings(max_examples=40, deadline=None)
def test_cores_share_the_pixels_out_without_a_gap(drawn):
    tiles, length, _, overlap, _ = drawn
    owned = np.zeros(length, int)
    for i, ((start, _), (core, n)) in enumerate(zip(tiles, core_spans(tiles), strict=True)):
        owned[start + core : start + core + n] += 1
        assert i == 0 or core >= overlap // 2
    assert (owned == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (97, 131), (300, 33), (200, 260)])
@pytest.mark.parametrize("batch", [1, 3])
def test_blended_tiles_give_back_the_image(shape, batch):
    image = np.random.default_rng(0).random((*shape, 2), dtype=np.float32)
    tiling = Tiling.cover(shape, (64, 64), overlap=24, stride=8)

    def read(window):
        row, column, height, width = window
        return image[row : row + height, column : column + width]

    bands = list(blend_bands(tiling, iter_outputs(tiling, read, lambda tiles: tiles.transpose(0, 3, 1, 2), batch)))
    starts = [row for row, _ in bands]
    assert starts == list(np.cumsum([0, *(band.shape[1] for _, band in bands)])[:-1])
    np.testing.assert_allclose(np.concatenate([b for _, b in bands], axis=1).transpose(1, 2, 0), image, atol=1e-6)


def test_tiles_shrink_where_the_steps_leave_room():
    assert tile_spans(1200, 1024, 64, 32) == [(0, 640), (576, 624)]
    assert tile_spans(64, 64, 32, 32) == [(0, 64)]


@pytest.mark.parametrize(("size", "overlap", "stride"), [(64, 64, 1), (64, 40, 32), (16, 0, 32), (64, -1, 1)])
def test_tiles_that_leave_no_step_are_refused(size, overlap, stride):
    with pytest.raises(ValueError, match=f"`tile` must be .* got {size}"):
        tile_spans(100, size, overlap, stride)
