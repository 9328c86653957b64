"""Windows cover the whole image, are of one size, and overlap at least as asked."""

import itertools

import numpy as np
import pytest

from cell_pipelines.imaging.tiling import tile_windows

SIDES = (1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100)


@pytest.mark.parametrize(("size", "overlap"), [(1, 0), (2, 1), (8, 0), (8, 1), (8, 7), (16, 5), (64, 32), (1000, 999)])
def test_windows_cover_every_pixel_with_one_size_and_the_overlap_asked(size: int, overlap: int) -> None:
    for height, width in itertools.product(SIDES, SIDES[::2]):
        windows = tile_windows(height, width, size, overlap)
        covered = np.zeros((height, width), bool)
        for row, column, tall, wide in windows:
            assert (tall, wide) == (min(size, height), min(size, width))
            assert 0 <= row <= height - tall
            assert 0 <= column <= width - wide
            covered[row : row + tall, column : column + wide] = True
        assert covered.all()
        assert len(set(windows)) == len(windows)
        assert windows == sorted(windows)
        for axis in (0, 1):
            starts = sorted({w[axis] for w in windows})
            assert all(after - before <= size - overlap for before, after in itertools.pairwise(starts))


def test_no_window_is_there_in_vain() -> None:
    """One less along a side would not cover it with the overlap asked."""
    for length, size, overlap in itertools.product(SIDES, (5, 8, 16), (0, 2, 4)):
        count = len(tile_windows(length, 1, size, overlap))
        assert count == 1 or (count - 1) * (size - overlap) + overlap < length


def test_windows_of_a_microscopes_field() -> None:
    windows = tile_windows(1920, 2560, 640, 64)
    assert len(windows) == 4 * 5
    assert windows[0] == (0, 0, 640, 640)
    assert windows[-1] == (1280, 1920, 640, 640)


@pytest.mark.parametrize(
    ("size", "overlap", "match"),
    [(0, 0, "`size` must be positive, got 0"), (-5, 0, "`size` must be positive"),
     (8, 8, r"smaller than `size` \(8\), got 8"), (8, -1, "`overlap` must be 0 or more"), (8, 99, "got 99")],
)  # fmt: skip
def test_sizes_that_make_no_windows_are_refused(size: int, overlap: int, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        tile_windows(10, 10, size, overlap)
