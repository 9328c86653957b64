"""Masks whose foreground has not the shape of cells."""

from pathlib import Path

import numpy as np
import pytest
from skimage import draw, segmentation

from cell_pipelines.annotations.formats.label_pictures.mask_doubts import doubt_shapes, is_drawn_outline
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _labels(radius=9, step=24):
    labels = np.zeros((120, 168), np.uint8)
    for number in range(35):
        row, column = divmod(number, 7)
        labels[draw.disk((12 + step * row, 12 + step * column), radius, shape=labels.shape)] = number + 1
    return labels


@pytest.mark.parametrize("mode", ["inner", "outer", "thick"])
@pytest.mark.parametrize("touching", [False, True])
def test_outlines_are_suspect_and_what_they_enclose_is_not(mode, touching):
    labels = segmentation.expand_labels(_labels(), 12) if touching else _labels()
    outlines = segmentation.find_boundaries(labels, mode=mode)
    assert ["outlines drawn around cells" in sentence for sentence in doubt_shapes(outlines)] == [True]
    assert not doubt_shapes(labels > 0)


def test_thin_branches_and_small_cells_are_no_outlines():
    branches = np.zeros((100, 100), bool)
    branches[draw.line(0, 0, 99, 99)] = branches[draw.line(0, 99, 99, 0)] = True
    assert not is_drawn_outline(branches)
    assert not is_drawn_outline(_labels(radius=2) > 0)
    rings = (_labels(11) > 0) & ~(_labels(3) > 0)  # red blood cells, light in the centre
    assert not doubt_shapes(rings)


def test_specks_are_suspect_where_they_are_most_pieces():
    mask = _labels() > 0
    noise = np.random.default_rng(0).random(mask.shape) < 0.01
    (sentence,) = doubt_shapes(mask | noise)
    assert "fewer than 4 pixels, as noise has" in sentence
    mask[0, 0] = True
    assert not doubt_shapes(mask)
    assert not doubt_shapes(np.zeros((9, 9), bool))


@pytest.mark.parametrize("format", ["binary_mask", "label_image"])
def test_readers_of_pictures_tell_of_outlines(format, tmp_path: Path):
    labels = _labels()
    lines = segmentation.find_boundaries(labels, mode="inner")
    picture = labels * lines if format == "label_image" else 255 * lines
    write_raster(picture.astype(np.uint8), tmp_path / "masks/a.png")
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("a.png", 168, 120)]), format=format)
    assert any(f.action == "suspect" and "outlines drawn around cells" in f.reason for f in conversion.findings)


def test_two_labels_of_one_image_are_suspect_since_one_is_left_out(tmp_path: Path):
    mask = (_labels() > 0).astype(np.uint8) * 255
    for name, part in (("live", slice(0, 60)), ("dead", slice(60, 120))):
        half = np.zeros_like(mask)
        half[part] = mask[part]
        write_raster(half, tmp_path / f"masks/{name}/a.png")
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("images/a.png", 168, 120)]))
    (said,) = [f for f in conversion.findings if f.action == "suspect"]
    assert said.file == "masks/live/a.png"
    assert "masks/dead/a.png is the label of the same image" in said.reason


@pytest.mark.parametrize(("value", "said"), [(0, "is 0 throughout"), (1, "is of one value throughout")])
def test_label_pictures_without_a_cell_are_told(value, said, tmp_path: Path):
    write_raster(np.full((20, 20), value, np.uint8), tmp_path / "masks/a.png")
    with pytest.raises(ValueError, match=f"none holds a cell: masks/a.png {said}"):
        read_annotations(tmp_path, ImageIndex([ImageRecord("images/a.png", 20, 20)]))
