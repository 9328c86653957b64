"""Slides are TIFFs of the form that Aperio's scanners write; OpenSlide decodes them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cell_pipelines.imaging.description import ImageFormatError
from cell_pipelines.imaging.reading import ImageFile, describe_image, hash_pixels, open_region_reader, read_image

pytest.importorskip("openslide")


@pytest.fixture
def pixels():
    rows, columns = np.mgrid[:600, :800]
    return np.stack([rows * 255 // 599, columns * 255 // 799, (rows + columns) % 256], axis=-1).astype(np.uint8)


@pytest.fixture
def slide(tmp_path, pixels):
    said = "Aperio Image Library v11.2.1 \r\n800x600 [0,0 800x600] (256x256) None|AppMag = 20|MPP = 0.4990"
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        file.write(pixels, tile=(256, 256), photometric="rgb", description=said, metadata=None)
        file.write(pixels[::4, ::4], photometric="rgb", description="Aperio thumbnail\r\n200x150", metadata=None)
    return tmp_path / "a.svs"


def test_a_slide_is_read_at_full_resolution_with_the_size_of_its_pixels(slide, pixels):
    (info,) = describe_image(slide)
    assert (info.axes, info.shape, info.dtype) == ("YXS", (600, 800, 3), "uint8")
    assert info.pixel_size_um == pytest.approx((0.499, 0.499))
    np.testing.assert_array_equal(read_image(slide), pixels)


def test_regions_and_bands_of_a_slide_are_parts_of_the_whole(slide, pixels):
    np.testing.assert_array_equal(ImageFile(slide).region(250, 300, 40, 260), pixels[250:290, 300:560])
    with open_region_reader(slide) as image:
        assert hash_pixels(image) == hash_pixels(pixels)


def test_what_was_not_scanned_has_the_colour_of_the_background(slide, pixels):
    with tifffile.TiffFile(slide, mode="r+b") as file:
        page = file.pages[0]
        counts = page.tags["TileByteCounts"]
        counts.overwrite([0, *counts.value[1:]])
    read = read_image(slide)
    assert (read[:256, :256] == 255).all()
    np.testing.assert_array_equal(read[:, 256:], pixels[:, 256:])


def test_a_tiff_with_the_ending_of_a_slide_is_refused_by_name(tmp_path: Path, pixels):
    tifffile.imwrite(tmp_path / "b.svs", pixels)
    with pytest.raises(ImageFormatError, match=r"b\.svs: expected a whole image, got: another file than a slide"):
        read_image(tmp_path / "b.svs")
