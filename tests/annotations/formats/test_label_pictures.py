"""Pictures of labels: what their numbers mean is known, asked, or said to be doubtful; never silently wrong."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import tifffile
from skimage import draw, filters

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion
from cell_pipelines.annotations.formats.label_pictures.raster_kinds import kind_of, survey_values
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.registry import detect_format, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SIZE = (120, 160)
CELLS = 35

Raster = npt.NDArray[Any]


def _labels() -> Raster:
    """Number 35 discs of radius 6 on a grid."""
    labels = np.zeros(SIZE, np.uint8)
    for number in range(CELLS):
        row, column = divmod(number, 7)
        labels[draw.disk((14 + 22 * row, 14 + 22 * column), 6.5, shape=SIZE)] = number + 1
    return labels


def _photo() -> Raster:
    noise = np.random.default_rng(0).normal(0, 4, SIZE)
    return np.clip(filters.gaussian((_labels() > 0) * 90.0, 2) + 40 + noise, 0, 255).astype(np.uint8)


def _through_jpeg(raster: Raster, quality: int = 75) -> Raster:
    stream = io.BytesIO()
    PIL.Image.fromarray(raster).save(stream, "JPEG", quality=quality)
    return np.array(PIL.Image.open(io.BytesIO(stream.getvalue())))


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, SIZE[1], SIZE[0]) for name in names or ("images/a.png",))


def _read(folder: Path, picture: Raster, **options: Any) -> Conversion:
    write_raster(picture, folder / "masks" / ("a.tif" if picture.dtype.kind in "if" else "a.png"))
    return read_annotations(folder, _index(), **options)


def _suspect(conversion: Conversion) -> list[str]:
    return [f.reason for f in conversion.findings if f.action == "suspect"]


def _classes() -> Raster:
    labels = _labels()
    return np.where(labels > 0, labels % 2 + 1, 0).astype(np.uint8)


def test_numbers_of_cells_are_read_without_a_doubt(tmp_path: Path) -> None:
    conversion = _read(tmp_path, _labels())
    assert (conversion.source_format, conversion.annotations.n_objects) == ("label_image", CELLS)
    assert not conversion.findings


@pytest.mark.parametrize("background", [0, 1])
def test_a_map_of_classes_is_a_question_and_named_so_it_gives_the_cells(background: int, tmp_path: Path) -> None:
    picture = _classes() if background == 0 else (1 + (_labels() > 0)).astype(np.uint8)
    with pytest.raises(AnnotationFormatError, match="looks like a map of classes"):
        _read(tmp_path, picture)
    assert _read(tmp_path, picture, format="binary_mask").annotations.n_objects == CELLS
    named = _read(tmp_path, picture, format="label_image")
    assert "many or distant pieces" in _suspect(named)[0]
    with pytest.raises(AnnotationFormatError, match="`strict`"):
        named.check_strict()


def test_the_values_of_a_map_may_be_named_as_classes(tmp_path: Path) -> None:
    conversion = _read(tmp_path, _classes(), format="binary_mask", values={1: "alive", 2: "dead"})
    assert conversion.annotations.categories == ("alive", "dead")
    assert conversion.annotations.counts().tolist() == [[17, 18]]
    assert not conversion.findings
    alive = _read(tmp_path, _classes(), format="binary_mask", values={1: "alive"})
    assert alive.annotations.counts().tolist() == [[17]]
    assert "2 are not among `values`" in alive.findings[0].reason
    with pytest.raises(ValueError, match="numbers above 0"):
        _read(tmp_path, _classes(), format="binary_mask", values={0: "alive"})


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_mask_that_went_through_jpeg_gives_its_cells_and_says_so(quality: int, tmp_path: Path) -> None:
    mask = np.where(_labels() > 0, 255, 0).astype(np.uint8)
    conversion = _read(tmp_path, _through_jpeg(mask, quality))
    assert (conversion.source_format, conversion.annotations.n_objects) == ("binary_mask", CELLS)
    assert "lossy compression" in _suspect(conversion)[0]


def test_a_mask_may_be_a_jpeg_file(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    PIL.Image.fromarray(np.where(_labels() > 0, 255, 0).astype(np.uint8)).save(tmp_path / "masks" / "a.jpg")
    assert read_annotations(tmp_path, _index()).annotations.n_objects == CELLS


@pytest.mark.parametrize("kind", ["photo", "probabilities"])
def test_grey_values_are_no_numbers_of_cells(kind: str, tmp_path: Path) -> None:
    smooth = filters.gaussian((_labels() > 0).astype(float), 3)
    picture = _photo() if kind == "photo" else np.round(smooth / smooth.max() * 255).astype(np.uint8)
    assert kind_of(picture) == "grey"
    with pytest.raises(AnnotationFormatError, match="grey values of a photograph"):
        _read(tmp_path, picture)
    assert any("grey values" in reason for reason in _suspect(_read(tmp_path, picture, format="label_image")))


@pytest.mark.parametrize("folder", ["cell_segmentation", "dataset", "my masks"])
def test_a_photograph_is_never_its_own_label(folder: str, tmp_path: Path) -> None:
    for place in ("images/a.png", "pictures/b.png", "c.png"):
        write_raster(_photo(), tmp_path / folder / place)
    with pytest.raises(AnnotationFormatError, match="only images lie here"):
        detect_format(tmp_path / folder)
    index = _index("images/a.png", "pictures/b.png", "c.png")
    assert read_annotations(tmp_path / folder, index, format="label_image").annotations.n_objects == 0
    boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "iscrowd": 0}]
    images = [{"id": 1, "file_name": "a.png", "width": SIZE[1], "height": SIZE[0]}]
    content = {"images": images, "categories": [{"id": 1, "name": "cell"}], "annotations": boxes}
    (tmp_path / folder / "annotations.json").write_text(json.dumps(content))
    conversion = read_annotations(tmp_path / folder, index)
    assert (conversion.source_format, conversion.annotations.n_objects) == ("coco", 1)


@pytest.mark.parametrize("channel", range(3))
def test_a_mask_in_any_channel_is_read(channel: int, tmp_path: Path) -> None:
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[..., channel] = np.where(_labels() > 0, 255, 0)
    conversion = _read(tmp_path, picture)
    assert conversion.annotations.n_objects == CELLS
    assert [f.action for f in conversion.findings] == (["noted"] if channel else [])
    assert _read(tmp_path, picture, format="binary_mask").annotations.n_objects == CELLS


def test_numbers_in_two_channels_are_a_sentence(tmp_path: Path) -> None:
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[:60, :, 0], picture[60:, :, 1] = (_labels() > 0)[:60], (_labels() > 0)[60:]
    with pytest.raises(AnnotationFormatError, match="several colours"):
        _read(tmp_path, picture)
    conversion = _read(tmp_path, picture, format="instance_channel")
    assert conversion.annotations.n_images == 0
    assert "red and green; name the `channel`" in conversion.findings[0].reason


@pytest.mark.parametrize("colour", [0, 255])
def test_a_mask_in_the_opacity_is_read(colour: int, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    opacity = np.where(_labels() > 0, 255, 0).astype(np.uint8)
    picture = np.dstack([np.full((*SIZE, 3), colour, np.uint8), opacity])
    PIL.Image.fromarray(picture).save(tmp_path / "masks" / "a.png")
    conversion = read_annotations(tmp_path, _index())
    assert conversion.annotations.n_objects == CELLS
    assert "opacity" in conversion.findings[0].reason


@pytest.mark.parametrize("high", [1, 255])
def test_an_inverted_mask_is_suspect_and_read_with_its_background(high: int, tmp_path: Path) -> None:
    mask = np.where(_labels() > 0, 0, high).astype(np.uint8)
    conversion = _read(tmp_path, mask)
    assert f"`background: {high}`" in _suspect(conversion)[0]
    assert _read(tmp_path, mask, format="binary_mask", background=high).annotations.n_objects == CELLS


def test_two_values_without_zero_that_could_be_either_are_a_question(tmp_path: Path) -> None:
    picture = np.ones(SIZE, np.uint8)
    picture[:, :80] = 2
    conversion = _read(tmp_path, picture, format="binary_mask")
    assert conversion.annotations.n_images == 0
    assert "say which is the `background`" in conversion.findings[0].reason


def test_numbers_below_zero_are_background_and_said(tmp_path: Path) -> None:
    labels = _labels().astype(np.int32)
    labels[:2] = -1
    conversion = _read(tmp_path, labels)
    assert conversion.annotations.n_objects == CELLS
    assert "below 0" in _suspect(conversion)[0]


@pytest.mark.parametrize(("dtype", "mark"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_largest_number_of_a_type_far_beyond_all_others_is_no_cell(dtype: Any, mark: int, tmp_path: Path) -> None:
    labels = _labels().astype(dtype)
    labels[:3] = mark
    conversion = _read(tmp_path, labels)
    assert conversion.annotations.n_objects == CELLS
    assert [(f.action, f.objects) for f in conversion.findings] == [("dropped", 1)]


def test_labels_of_floating_point_are_read_and_others_have_the_true_reason(tmp_path: Path) -> None:
    assert _read(tmp_path, _labels().astype(np.float32)).annotations.n_objects == CELLS
    odd = _labels().astype(np.float32)
    odd[0, 0] = np.nan
    conversion = _read(tmp_path, odd, format="label_image")
    assert "NaN or infinity at 1 pixels" in conversion.findings[0].reason


def test_one_bit_and_palette_masks_are_read(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    PIL.Image.fromarray(_labels() > 0).save(tmp_path / "masks" / "a.png")
    assert read_annotations(tmp_path, _index()).annotations.n_objects == CELLS
    palette = PIL.Image.fromarray(_labels())
    palette.putpalette(list(range(256)) * 3)
    palette.save(tmp_path / "masks" / "a.png")
    assert read_annotations(tmp_path, _index()).annotations.n_objects == CELLS


def test_a_number_on_two_distant_pieces_is_suspect_and_on_near_ones_is_not(tmp_path: Path) -> None:
    apart = np.where(_labels() == CELLS, 1, _labels()).astype(np.uint8)
    assert "1 of 34 labels" in _suspect(_read(tmp_path, apart))[0]
    split = _labels()
    split[14, :] = 0
    assert survey_values(split).pieces.max() == 2
    assert not _read(tmp_path, split).findings


def test_a_stack_of_pages_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "masks" / "a.tif", np.stack([_labels()] * 3), photometric="minisblack")
    conversion = read_annotations(tmp_path, _index(), format="label_image")
    assert "stack of 3 pages" in conversion.findings[0].reason


def test_a_mask_with_smoothed_edges_is_cut_and_a_blurred_map_of_classes_is_not(tmp_path: Path) -> None:
    mask = PIL.Image.fromarray(np.where(_labels() > 0, 255, 0).astype(np.uint8))
    smooth = np.array(mask.resize((80, 60)).resize((SIZE[1], SIZE[0]), PIL.Image.Resampling.BICUBIC))
    assert kind_of(smooth) == "lossy_binary"
    assert kind_of(_through_jpeg((_classes() * 127).astype(np.uint8))) == "grey"


def test_a_label_that_covers_the_background_is_suspect(tmp_path: Path) -> None:
    assert "as a background does" in _suspect(_read(tmp_path, _labels() + 1))[0]
