"""Binary masks: connected pixels are a cell, and what cannot be distinguished is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.binary_mask import CAPABILITIES, detect, read, write
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

INDEX = ImageIndex([ImageRecord("a.png", 40, 30), ImageRecord("b.png", 40, 30)])


def _boxes(*boxes: tuple[int, int, int, int]) -> AnnotationSet:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a.png", width=40, height=30)
    for box in boxes:
        builder.add_box(row, "cell", box)
    builder.add_image("b.png", width=40, height=30)
    return builder.build()


def test_cells_apart_come_back_and_images_without_too(tmp_path: Path, listed: Callable[[AnnotationSet], Any]) -> None:
    annotations, _ = adapt_to_format(_boxes((1, 1, 5, 5), (5, 5, 9, 9), (20, 0, 40, 30)), CAPABILITIES)
    assert write(annotations, tmp_path) == ()
    assert detect(tmp_path) == "masks/a.png is a picture of background and one other value"
    conversion = read(tmp_path, INDEX)
    assert not conversion.findings
    before, after = listed(annotations), listed(conversion.annotations)
    assert set(before) == set(after)
    # A mask holds no order: pieces are numbered from the top.
    assert all(sorted(map(str, before[name])) == sorted(map(str, after[name])) for name in before)


def test_cells_that_touch_are_listed(tmp_path: Path) -> None:
    boxes = _boxes((1, 1, 5, 5), (5, 1, 9, 5), (20, 20, 25, 25))
    finding = write_annotations(boxes, tmp_path, format="binary_mask")[-1]
    assert (finding.action, finding.objects) == ("changed", 3)
    assert "3 become 2" in finding.reason
    assert read(tmp_path, INDEX).annotations.n_objects == 2


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("value", [1, 255, 65535])
def test_pieces_are_those_of_scipy(connectivity: Any, value: int, tmp_path: Path) -> None:
    mask = np.random.default_rng(value).random((30, 40)) < 0.3
    write_raster((mask * value).astype(np.uint8 if value < 256 else np.uint16), tmp_path / "masks" / "a.png")
    structure = np.ones((3, 3)) if connectivity == 8 else None
    expected = ndimage.find_objects(ndimage.label(mask, structure)[0])
    found = read(tmp_path, INDEX, connectivity=connectivity).annotations.boxes
    boxes = sorted([x.start, y.start, x.stop, y.stop] for y, x in expected)
    assert sorted(found.tolist()) == boxes


def test_label_images_and_unknown_options_are_refused(tmp_path: Path) -> None:
    write_raster(np.arange(1200, dtype=np.uint16).reshape(30, 40), tmp_path / "masks" / "a.png")
    assert detect(tmp_path) is None
    conversion = read(tmp_path, INDEX)
    assert conversion.annotations.n_images == 0
    assert any("is it a label image?" in f.reason for f in conversion.findings)
    with pytest.raises(ValueError, match="`connectivity` must be 4 or 8, got 6"):
        read(tmp_path, INDEX, connectivity=6)  # type: ignore[arg-type]


def test_images_are_no_masks_though_the_whole_folder_is_called_so(tmp_path: Path) -> None:
    folder = tmp_path / "image_mask"
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
        write_raster(np.array([[0, 1, 0, 1]], np.uint8), folder / kind / "a.png")
    conversion = read(folder, ImageIndex([ImageRecord("images/a.png", 4, 1)]))
    assert conversion.objects_in == 2
    assert not conversion.findings
