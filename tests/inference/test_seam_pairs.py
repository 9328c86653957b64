"""Cells larger than the overlap of tiles are one cell each, with the box and the mask of all their pieces."""

import numpy as np
import pytest

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.imaging.tiling import tile_windows
from cell_pipelines.inference.box_tiles import BoxTiles
from cell_pipelines.inference.detections import Detections
from cell_pipelines.inference.overlap import choose_overlap
from cell_pipelines.inference.seam_pairs import merge_cut


def pieces(cells, shape, tile, overlap, scores=None, categories=None, masks=False):
    """Return what a perfect detector sees of `cells` in each tile, and the merged detections."""
    scores = np.linspace(0.9, 0.6, len(cells)) if scores is None else np.asarray(scores)
    categories = np.zeros(len(cells), np.int64) if categories is None else np.asarray(categories)
    tiles = BoxTiles(tile_windows(*shape, tile, overlap))
    found, cuts = [], []
    for one in tiles:
        top, left, height, width = one.window
        seen = np.clip(cells - [left, top, left, top], 0, [width, height, width, height]).astype(np.float32)
        shown = (seen[:, 2:] > seen[:, :2]).all(axis=1)
        placed, kept = one.to_image(seen[shown])
        drawn = None
        if masks:
            drawn = RunLengths.from_lists([_drawn(box, shape) for box in placed[kept]])
        found.append(Detections(placed[kept], scores[shown][kept].astype(np.float32), categories[shown][kept], drawn))
        cuts.append(one.cut_sides(seen[shown][kept]))
    return merge_cut(found, cuts, tiles.columns, shape, agnostic=False)


def _drawn(box, shape):
    mask = np.zeros(shape, bool)
    left, top, right, bottom = box.astype(int)
    mask[top:bottom, left:right] = True
    return mask_to_run_lengths(mask)


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize(
    "cell",
    [(20, 30, 200, 90), (30, 20, 90, 200), (20, 30, 250, 240), (5, 5, 390, 390), (60, 60, 160, 160), (70, 2, 71, 399)],
)
def test_a_cell_cut_by_seams_is_one_whole_cell(cell, masks):
    cells = np.array([cell], np.float64)
    found = pieces(cells, (400, 400), 128, 32, masks=masks)
    boxes = np.unique(found.boxes, axis=0)  # one that several tiles show whole is left to the suppression
    np.testing.assert_array_equal(boxes, cells)
    assert np.allclose(found.scores, 0.9)
    if masks:
        decoded = run_lengths_to_mask(found.masks.of(0), 400, 400)
        left, top, right, bottom = cell
        expected = np.zeros((400, 400), bool)
        expected[top:bottom, left:right] = True
        np.testing.assert_array_equal(decoded, expected)


def test_cells_beside_each_other_across_a_seam_stay_apart():
    stacked = np.array([[20, 30, 200, 60], [20, 62, 200, 95]], np.float64)
    assert len(np.unique(pieces(stacked, (128, 400), 128, 32).boxes, axis=0)) == 2
    kinds = np.array([[20, 30, 200, 60], [20, 30, 200, 60]], np.float64)
    found = pieces(kinds, (128, 400), 128, 32, categories=[0, 1])
    assert sorted(found.categories.tolist()) == [0, 1]


def test_a_weak_proposal_does_not_stretch_a_sure_cell():
    windows = BoxTiles(tile_windows(128, 224, 128, 32))
    left, right = windows
    sure = Detections(np.array([[40, 30, 128, 90]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int64))
    weak = Detections(np.array([[96, 30, 220, 90]], np.float32), np.array([0.05], np.float32), np.zeros(1, np.int64))
    cuts = [left.cut_sides(sure.boxes), right.cut_sides(weak.boxes - np.array([96, 0, 96, 0], np.float32))]
    assert cuts[0].tolist() == [[False, False, True, False]] and cuts[1].tolist() == [[True, False, False, False]]
    assert len(merge_cut([sure, weak], cuts, 2, (128, 224), agnostic=False).scores) == 2


def test_nothing_found_is_nothing_merged():
    none = pieces(np.zeros((0, 4)), (400, 400), 128, 32, masks=True)
    assert len(none.scores) == 0 and none.masks is not None and len(none.masks) == 0


RECORD = {"training_images": {"object_side_px": {"median": 60.0, "most": 160.0, "max": 400.0}}}


@pytest.mark.parametrize(
    ("record", "tile", "expected"), [({}, 640, 128), (RECORD, 640, 200), (RECORD, None, 200), (RECORD, 300, 150)]
)
def test_the_overlap_follows_the_cells_that_the_model_knows(record, tile, expected, caplog):
    assert choose_overlap(record, wanted=None, least=128, tile=tile) == expected
    assert ("use larger tiles" in caplog.text) == (tile == 300)


def test_an_overlap_that_is_asked_for_is_taken_with_a_warning_where_it_is_too_small(caplog):
    assert choose_overlap(RECORD, wanted=200, least=128, tile=640) == 200
    assert not caplog.text
    assert choose_overlap(RECORD, wanted=32, least=128, tile=640) == 32
    assert "measure up to 160 px" in caplog.text
