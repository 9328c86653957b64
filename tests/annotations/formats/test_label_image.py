"""Label images: each finds its image, each number is a cell, and classes and scores come back from the CSV."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats import binary_mask, instance_channel, label_image, mask_files
from cell_pipelines.annotations.formats.label_image import detect, read, write
from cell_pipelines.annotations.formats.label_pictures.rasters import write_raster
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
LABELS = np.zeros((8, 10), np.uint8)
LABELS[1:3, 1:4], LABELS[5:7, 5:9], LABELS[5, 0] = 3, 9, 3


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, 10, 8) for name in names)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [label_image, instance_channel, mask_files])
def test_what_is_written_is_read_again(
    kind: Any,
    seed: int,
    tmp_path: Path,
    make_annotations: Callable[..., AnnotationSet],
    index_of: Callable[[AnnotationSet], ImageIndex],
    listed: Callable[[AnnotationSet], Any],
) -> None:
    made = make_annotations(seed, geometries=("mask", "box", "polygon"), scores=seed % 2 == 0)
    annotations, _ = adapt_to_format(made, kind.CAPABILITIES)
    assert kind.write(annotations, tmp_path) == ()
    assert kind.detect(tmp_path)
    others = {label_image, instance_channel, mask_files, binary_mask} - {kind}
    assert not [other.__name__ for other in others if other.detect(tmp_path)]
    conversion = kind.read(tmp_path, index_of(annotations))
    assert not conversion.findings
    assert listed(annotations) == listed(conversion.annotations)


@pytest.mark.parametrize("kind", [label_image, instance_channel, mask_files])
def test_ignored_regions_attributes_and_images_of_one_stem_come_back(
    kind: Any, tmp_path: Path, listed: Callable[[AnnotationSet], Any]
) -> None:
    builder = AnnotationBuilder(['a, "b"\n', "c"])
    for name in ("x.png", "x.tif", "deep/x.png"):
        row = builder.add_image(name, width=10, height=8)
        builder.add_box(row, "c", (1, 1, 4, 4), crowd=True)
        builder.add_box(row, 'a, "b"\n', (5, 5, 9, 7), score=0.1, attributes={"ü": ["\n", None]})
    builder.add_image("empty.png", width=10, height=8)
    annotations, _ = adapt_to_format(builder.build(), kind.CAPABILITIES)
    kind.write(annotations, tmp_path)
    conversion = kind.read(tmp_path, _index("x.png", "x.tif", "deep/x.png", "empty.png"))
    assert not conversion.findings
    assert listed(annotations) == listed(conversion.annotations)


@pytest.mark.parametrize("kind", [label_image, instance_channel, mask_files, binary_mask])
def test_an_empty_set_and_a_missing_folder_give_nothing(kind: Any, tmp_path: Path) -> None:
    kind.write(AnnotationSet.empty(), tmp_path / "empty")
    for folder in ("empty", "missing"):
        conversion = kind.read(tmp_path / folder, ImageIndex([]))
        assert conversion.objects_in == 0
        assert not conversion.findings
    assert kind.detect(tmp_path / "missing") is None


def test_labels_beyond_16_bit_are_a_tiff(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=300, height=300)
    for place in range(66_000):
        y, x = divmod(place, 300)
        builder.add_box(row, "cell", (x, y, x + 1, y + 1))
    annotations, _ = adapt_to_format(builder.build(), label_image.CAPABILITIES)
    write(annotations, tmp_path)
    assert [p.name for p in sorted((tmp_path / "labels").iterdir())] == ["a.tif", "classes.csv"]
    assert read(tmp_path, ImageIndex([ImageRecord("a.png", 300, 300)])).annotations.n_objects == 66_000
    with pytest.raises(ValueError, match="numbers 65535 at most"):
        instance_channel.write(annotations, tmp_path)


@pytest.mark.parametrize(
    ("file", "images", "expected"),
    [
        ("labels/a.png", ["a.tif"], "a.tif"),
        ("labels/a.png", ["images/a.tif", "labels/a.png"], "images/a.tif"),
        ("labels/a.png", ["images/a.tif", "labels/a.png", "other/a.tif"], "images/a.tif"),
        ("train/masks/a_mask.png", ["train/images/a.tif", "test/images/a.tif"], "train/images/a.tif"),
        ("masks/train/a.png", ["images/train/a.tif", "images/test/a.tif"], "images/train/a.tif"),
        ("id_masks/t1.png", ["images/t1.tif", "id_masks/t1.png"], "images/t1.tif"),
        ("a_cp_masks.png", ["a.tif", "a_cp_masks.png"], "a.tif"),
        ("a_labels.tif", ["a.tif", "b.tif"], "a.tif"),
        ("set1/instances_ids.png", ["set1/raw.tif", "set1/phase.png", "set1/instances_ids.png"], "set1/raw.tif"),
        ("set1/labels.png", ["set1/x.tif", "set2/x.tif"], "set1/x.tif"),
        ("labels/a.1.png", ["a.png"], None),
        ("labels/t5.png", ["labels/t5.png", "images/t4.png"], None),
        ("set1/instances_ids.png", ["set1/x.tif", "set1/y.tif"], None),
        ("labels/a.png", ["x/a.png", "y/a.png"], None),
    ],
)
def test_a_label_finds_its_image(file: str, images: list[str], expected: str | None, tmp_path: Path) -> None:
    write_raster(LABELS, tmp_path / file)
    conversion = read(tmp_path, _index(*images))
    conversion.check()
    assert conversion.annotations.names == ([expected] if expected else [])
    if expected is None:
        assert any(f.file == file and "label without image" in f.reason for f in conversion.findings)


def test_folder_and_suffix_may_be_named(tmp_path: Path) -> None:
    write_raster(LABELS, tmp_path / "truth" / "a.png")
    write_raster(LABELS, tmp_path / "b_nuclei.png")
    # Among photographs only names tell which pictures are labels.
    write_raster(np.random.default_rng(0).integers(0, 255, (8, 10, 3)).astype(np.uint8), tmp_path / "photo.png")
    assert read(tmp_path, _index("a.tif", "b.tif")).annotations.n_images == 0
    assert read(tmp_path, _index("a.tif", "b.tif"), label_folder="truth").annotations.names == ["a.tif"]
    assert read(tmp_path, _index("a.tif", "b.tif"), suffix="_nuclei").annotations.names == ["b.tif"]
    assert read(tmp_path / "truth", _index("a.tif"), suffix="").annotations.n_images == 0


def test_a_folder_of_labels_may_be_named_itself(tmp_path: Path) -> None:
    write_raster(LABELS, tmp_path / "labels" / "a.png")
    assert read(tmp_path / "labels", _index("a.tif")).annotations.n_objects == 2
    assert detect(tmp_path / "labels") == "a.png is a picture of several labels"


def test_pixels_of_one_number_are_one_object(tmp_path: Path) -> None:
    write_raster(LABELS, tmp_path / "labels" / "a.png")
    conversion = read(tmp_path, _index("a.tif"), category="nucleus")
    assert conversion.annotations.boxes.tolist() == [[0, 1, 4, 6], [5, 5, 9, 7]]
    assert conversion.annotations.categories == ("nucleus",)


def test_labels_that_cannot_be_read_leave_their_image_without_label(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30))
    write_raster(LABELS[:4], tmp_path / "labels" / "b.png")
    write_raster(np.dstack([LABELS, LABELS * 2, LABELS]), tmp_path / "labels" / "c.png")
    write_raster(LABELS, tmp_path / "labels" / "d.png")
    index = ImageIndex([ImageRecord(f"{n}.png", 10, 8) for n in "abc"], damaged=["d.png"])
    conversion = read(tmp_path, index)
    reasons = {f.file: f.reason for f in conversion.findings if f.file.startswith("labels/")}
    assert conversion.annotations.n_images == 0
    assert "expected a whole PNG" in reasons["labels/a.png"]
    assert "10x4 pixels, its image 10x8" in reasons["labels/b.png"]
    assert "colours that differ" in reasons["labels/c.png"]
    assert "'d.png' can't be read" in reasons["labels/d.png"]


def test_a_damaged_table_is_listed_and_the_labels_are_taken(tmp_path: Path) -> None:
    write_raster(LABELS, tmp_path / "labels" / "a.png")
    head = "file,label,class,score,crowd,attributes\n"
    lines = ["labels/a.png,3,big,0.5,1,{}", "labels/a.png,x,,,,", "a", "labels/a.png,9,,7,,", "labels/a.png,9,,,,[1]"]
    (tmp_path / "labels" / "classes.csv").write_text(head + "\n".join(lines))
    conversion = read(tmp_path, _index("a.png"))
    assert [conversion.annotations.categories[i] for i in conversion.annotations.category] == ["big", "cell"]
    assert [f.entry for f in conversion.findings] == ["line 3", "line 4", "line 5", "line 6"]
    for content in (b"\xff\xfe", b"a,b\n", b"\0" * 9, b""):
        (tmp_path / "labels" / "classes.csv").write_bytes(content)
        conversion = read(tmp_path, _index("a.png"))
        assert conversion.annotations.n_objects == 2
        assert any(f.file == "labels/classes.csv" for f in conversion.findings)


def test_images_alone_are_no_labels(tmp_path: Path) -> None:
    for name in ("images/a.png", "b.png", "well_mask_design.png"):
        write_raster(LABELS, tmp_path / name)
    assert not [k.__name__ for k in (label_image, binary_mask, instance_channel, mask_files) if k.detect(tmp_path)]


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
@pytest.mark.parametrize(
    ("folder", "kind", "images", "objects"),
    [
        ("nuclei_fluorescence_dsb2018", label_image, 100, 2997),
        ("nuclei_fluorescence_dsb2018/original_layout", mask_files, 12, 332),
        ("nuclei_fluorescence_16bit_bbbc039", instance_channel, 24, 3006),
        ("phase_contrast_instances_t98g", label_image, 8, 491),
        ("timelapse_tracked_t98g", label_image, 5, 362),
    ],
)
def test_every_real_nucleus_is_there(folder: str, kind: Any, images: int, objects: int) -> None:
    import PIL.Image

    records = []
    for path in sorted(p for p in (DATA / folder).rglob("*") if p.suffix in (".png", ".tif")):
        with PIL.Image.open(path) as picture:
            records.append(ImageRecord(path.relative_to(DATA / folder).as_posix(), picture.width, picture.height))
    conversion = kind.read(DATA / folder, ImageIndex(records))
    conversion.check()
    assert kind.detect(DATA / folder)
    assert (conversion.annotations.n_images, conversion.annotations.n_objects) == (images, objects)
    assert conversion.objects_in == objects


def test_labels_in_a_folder_of_their_own_may_have_the_paths_of_their_images(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    write_raster(np.array([[0, 1, 1], [2, 0, 0]], np.uint8), folder / "a.png")
    conversion = read(folder, ImageIndex([ImageRecord("a.png", 3, 2)]))
    assert conversion.annotations.n_objects == 2
