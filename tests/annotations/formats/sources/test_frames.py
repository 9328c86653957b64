"""Sizes that a file states and an image has not: turned photos, scaled images, images that are others."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import create_format, read_annotations, write_annotations
from cell_pipelines.annotations.formats.sources.frames import Frame, find_frame
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[4] / ".." / "shared" / "cases"))
# Every format whose files state the size of an image.
STATED = (
    "coco", "cvat", "darwin", "label_studio", "labelme", "labelme_xml", "pascal_voc", "supervisely", "tensorflow_csv",
    "vott_json",
)  # fmt: skip
SIZE = (40, 30)


def _mask() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros(SIZE[::-1], np.bool_)
    mask[6:16, 22:28] = True
    mask[6, 22] = False
    return mask


def _set_of(geometry: str) -> AnnotationSet:
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("p.png", width=SIZE[0], height=SIZE[1])
    if geometry == "mask":
        builder.add_object(row, "cell", "mask", mask_box(_mask()), counts=mask_to_run_lengths(_mask()))
    elif geometry == "polygon":
        builder.add_polygon(row, "cell", [np.array([[22.0, 6.0], [28.0, 6.0], [28.0, 16.0]])])
    else:
        box = (22, 6, 28, 16) if geometry == "box" else (22, 6, 22, 6)
        builder.add_object(row, "cell", geometry, box)
    return builder.build()


def _upright(orientation: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Turn the mask as Pillow turns a photo with this mark: the independent reference."""
    picture = PIL.Image.fromarray(_mask().astype(np.uint8))
    picture.getexif()[0x0112] = orientation
    return np.array(PIL.ImageOps.exif_transpose(picture)).astype(np.bool_)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_masks_are_turned_as_pillow_turns_the_photo(orientation: int) -> None:
    upright = _upright(orientation)
    frame = Frame(SIZE, upright.shape[::-1], orientation)
    assert frame.box_to_image(mask_box(_mask())) == list(mask_box(upright))
    runs = frame.runs_to_image(mask_to_run_lengths(_mask()))
    np.testing.assert_array_equal(run_lengths_to_mask(runs, *upright.shape), upright)


@pytest.mark.parametrize("name", STATED)
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_every_format_that_states_a_size_is_turned_with_the_photo(name: str, orientation: int, tmp_path: Path) -> None:
    for geometry in create_format(name).CAPABILITIES.geometries:
        folder = tmp_path / geometry
        write_annotations(_set_of(geometry), folder, format=name)
        index = ImageIndex([ImageRecord("p.png", SIZE[1], SIZE[0], orientation=orientation)])
        conversion = read_annotations(folder, index, format=name)
        frame = Frame(SIZE, SIZE[::-1], orientation)
        expected = frame.box_to_image(_set_of(geometry).boxes[0].tolist())
        np.testing.assert_allclose(conversion.annotations.boxes, [expected], atol=1e-3)
        [finding] = [f for f in conversion.findings if f.action == "changed"]
        assert (finding.objects, finding.category) == (1, "cell")
        with pytest.raises(AnnotationFormatError, match="turned with the photo"):
            conversion.check_strict()


@pytest.mark.parametrize("name", STATED)
def test_every_format_that_states_a_size_is_scaled_to_an_image_of_the_same_ratio(name: str, tmp_path: Path) -> None:
    for geometry in create_format(name).CAPABILITIES.geometries:
        folder = tmp_path / geometry
        write_annotations(_set_of(geometry), folder, format=name)
        for factor in (2, 0.5):
            index = ImageIndex([ImageRecord("p.png", int(SIZE[0] * factor), int(SIZE[1] * factor))])
            conversion = read_annotations(folder, index, format=name)
            np.testing.assert_allclose(conversion.annotations.boxes, _set_of(geometry).boxes * factor, atol=1e-3)
            assert any("scaled from the 40x30 pixels" in f.reason for f in conversion.findings)


@pytest.mark.parametrize("name", STATED)
def test_every_format_that_states_the_size_of_another_image_is_left_out_and_strict_catches_it(
    name: str, tmp_path: Path
) -> None:
    write_annotations(_set_of("box"), tmp_path, format=name)
    # A square, and one on its side without a mark: no one knows which way it was turned.
    for width, height in ((50, 50), SIZE[::-1]):
        index = ImageIndex([ImageRecord("p.png", width, height)])
        conversion = read_annotations(tmp_path, index, format=name)
        assert conversion.annotations.n_images == 0
        assert conversion.objects_dropped == 1
        assert any("neither that image turned nor scaled" in f.reason for f in conversion.findings)
        with pytest.raises(AnnotationFormatError, match="40x30"):
            conversion.check_strict()
        taken = read_annotations(tmp_path, index, format=name, sizes="ignore")
        assert taken.annotations.n_objects == 1


@pytest.mark.parametrize(("size", "mark"), [(None, 6), (None, 3), ((30, 40), 3), ((30, 30), 8)])
def test_a_mark_that_the_file_does_not_settle_is_suspect(size: tuple[int, int] | None, mark: int) -> None:
    width, height = (30, 30) if size == (30, 30) else (30, 40)
    frame, action, reason = find_frame(ImageRecord("p.jpg", width, height, orientation=mark), size)
    assert frame is not None
    assert frame.orientation == 1
    assert action == "suspect"
    assert f"mark of orientation ({mark})" in reason


def test_a_side_that_differs_by_one_pixel_is_noted_only() -> None:
    frame, action, reason = find_frame(ImageRecord("p.png", 100, 80), (100, 81))
    assert frame is not None
    assert frame.is_image
    assert (action, reason) == ("noted", "p.png is said to have 100x81 pixels; it has 100x80, which count.")


def test_a_second_file_in_another_frame_meets_the_same_image(
    tmp_path: Path, listed: Callable[[AnnotationSet], dict[str, list[dict[str, object]]]]
) -> None:
    write_annotations(_set_of("box"), tmp_path, format="coco")
    text = (tmp_path / "annotations.json").read_text()
    (tmp_path / "b.json").write_text(text.replace('"width":40,"height":30', '"width":80,"height":60'))
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("p.png", *SIZE)]))
    assert conversion.annotations.boxes.tolist() == [[22, 6, 28, 16], [11, 3, 14, 8]]
    assert len(listed(conversion.annotations)) == 1


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
def test_a_strangers_photo_on_its_side_has_its_boxes_on_the_right_pixels() -> None:
    from cell_pipelines.imaging.reading import ImageFile

    folder = CASES / "formats" / "size_in_file_differs" / "exif"
    info = ImageFile(folder / "images" / "p.jpg").info()
    record = ImageRecord("p.jpg", info.width, info.height, orientation=info.orientation)
    conversion = read_annotations(folder / "labels", ImageIndex([record]))
    assert (info.width, info.height) == (30, 40)
    assert conversion.annotations.boxes.tolist() == [[15, 22, 25, 28]]
