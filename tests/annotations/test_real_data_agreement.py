"""Real annotations read here and by independent readers: pycocotools, roifile, scikit-image, plain XML and CSV."""

import contextlib
import csv
import io
import json
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import roifile
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from skimage.measure import label, regionprops

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
ASSETS = DATA / "annotation_formats" / "tool_test_assets_datumaro"
EDGES = ("x_min", "y_min", "x_max", "y_max")
SIDES = ("xmin", "ymin", "xmax", "ymax")

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder"),
    # pycocotools hands its masks over in an older way.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def _index(folder: Path, pattern: str, size: tuple[int, int] | None = None) -> ImageIndex:
    records = []
    for path in sorted(folder.glob(pattern)):
        if path.suffix in (".jpg", ".png", ".tif"):
            with PIL.Image.open(path) as picture:
                records.append(ImageRecord(path.relative_to(folder).as_posix(), *(size or picture.size)))
    return ImageIndex(records)


def _read(folder: Path, pattern: str = "**/*", **options: Any) -> AnnotationSet:
    return read_annotations(folder, _index(folder, pattern), **options).annotations


def _coco(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def _entries(one: AnnotationSet, reader: COCO) -> list[dict[str, Any]]:
    numbers = {Path(image["file_name"]).name: key for key, image in reader.imgs.items()}
    entries: list[dict[str, Any]] = reader.imgToAnns[numbers[Path(one.names[0]).name]]
    return entries


COCO_FILES = [
    (DATA / "annotation_formats/coco_json_blood_rbc_wbc", "valid/_annotations.coco.json"),
    *((ASSETS / f"coco_dataset/coco_{kind}", f"annotations/{kind}_{split}.json")
      for kind in ("instances", "person_keypoints") for split in ("train", "val")),
    *((ASSETS / "roboflow_dataset/coco", f"{split}/_annotations.coco.json") for split in ("train", "val")),
    (ASSETS / "kaggle_dataset/relaxed_coco", "annotations.json"),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "file"), COCO_FILES, ids=lambda value: str(value).removeprefix(str(DATA)))
def test_coco_is_read_as_pycocotools_reads_it(folder: Path, file: str) -> None:
    reader = _coco(folder / file)
    names = {Path(image["file_name"]).name for image in reader.imgs.values()}
    checked = 0
    for one in (one for one in iterate_images(_read(folder)) if Path(one.names[0]).name in names):
        entries = _entries(one, reader)
        limits = [one.images[side][0].as_py() for side in ("width", "height")] * 2
        assert [one.categories[c] for c in one.category] == [reader.cats[e["category_id"]]["name"] for e in entries]
        for entry, record in zip(entries, one.objects.to_pylist(), strict=True):
            if record["counts"] is None:
                x, y, width, height = entry["bbox"]
                expected = np.clip([x, y, x + width, y + height], 0, limits)
                assert [record[side] for side in EDGES] == pytest.approx(expected)
            else:
                mask = reader.annToMask(entry)
                found = run_lengths_to_mask(record["counts"], *mask.shape)
                np.testing.assert_array_equal(found, mask.astype(bool))
                x, y, width, height = coco_mask.toBbox(reader.annToRLE(entry))
                assert [record[side] for side in EDGES] == [x, y, x + width, y + height]
            checked += 1
    assert checked == len(reader.anns)


def test_pycocotools_reads_the_masks_and_outlines_that_are_written(tmp_path: Path) -> None:
    folder = DATA / "phase_contrast_instances_t98g"
    for name, picture in (("label_image", "**/raw.tif"), ("imagej_roi", "**/raw.tif")):
        annotations = _read(folder, picture, format=name)
        write_annotations(annotations, tmp_path / name, format="coco")
        (written,) = (tmp_path / name).glob("*.json")  # its name says the split that the folder states
        reader = _coco(written)
        assert len(reader.anns) == annotations.n_objects
        for number, one in enumerate(iterate_images(annotations), start=1):
            entries = reader.imgToAnns[number]
            height, width = (one.images[side][0].as_py() for side in ("height", "width"))
            for entry, record in zip(entries, one.objects.to_pylist(), strict=True):
                x, y, w, h = entry["bbox"]
                assert (x, y, x + w, y + h) == pytest.approx([record[side] for side in EDGES])
                area = int(coco_mask.area(reader.annToRLE(entry)))
                if record["counts"] is not None:
                    mask = run_lengths_to_mask(record["counts"], height, width)
                    np.testing.assert_array_equal(reader.annToMask(entry), mask)
                    assert area == entry["area"]
                else:
                    # pycocotools rounds an outline to pixels, which may change the area by less than its length.
                    assert abs(area - entry["area"]) <= _perimeter(record["rings"])


def _perimeter(rings: Sequence[Sequence[float]]) -> float:
    closed = [np.array([*ring, *ring[:2]]).reshape(-1, 2) for ring in rings]
    return float(sum(np.hypot(*np.diff(ring, axis=0).T).sum() for ring in closed))


ARCHIVES = {
    "phase_contrast_instances_t98g": ("**/raw.tif", "**/RoiSet.zip"),
    "annotation_formats/imagej_tiff_with_embedded_rois": ("*.tif", "rois.zip"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_rois_have_the_coordinates_that_roifile_gives(name: str) -> None:
    pictures, archives = ARCHIVES[name]
    found = _read(DATA / name, pictures, format="imagej_roi")
    rois = [roi for path in sorted((DATA / name).glob(archives)) for roi in roifile.roiread(path)]
    rings = Rings.from_arrow(found.objects["rings"])
    assert found.n_objects == len(rois) > 0
    for row, roi in enumerate(rois):
        [ring] = rings.of(row)
        vertices = roi.coordinates()
        # Some rings say their first vertex again at the end.
        vertices = vertices[:-1] if (vertices[0] == vertices[-1]).all() else vertices
        np.testing.assert_allclose(ring, vertices, atol=1e-3)
        x_min, y_min, x_max, y_max = found.boxes[row]
        # ImageJ's frame is that of whole pixels.
        assert (np.floor([x_min, y_min]) == (roi.left, roi.top)).all()
        assert (np.abs(np.ceil([x_max, y_max]) - (roi.right, roi.bottom)) <= 1).all()


LABELS = {
    "nuclei_fluorescence_dsb2018": ("images/*", "labels/{stem}.png", "label_image", 100),
    "phase_contrast_instances_t98g": ("**/raw.tif", "{parent}/instances_ids.png", "label_image", 8),
    "timelapse_tracked_t98g": ("images/*", "id_masks/{stem}.png", "label_image", 5),
    "nuclei_fluorescence_16bit_bbbc039": ("images/*", "masks/{stem}.png", "instance_channel", 24),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_have_the_boxes_and_areas_that_scikit_image_measures(name: str) -> None:
    pictures, beside, format_name, count = LABELS[name]
    found = _read(DATA / name, pictures, format=format_name)
    assert found.n_images == count
    for one in iterate_images(found):
        path = Path(one.names[0])
        with PIL.Image.open(DATA / name / beside.format(stem=path.stem, parent=path.parent)) as picture:
            values = np.array(picture)
        # In BBBC039 a number is used again, for each connected piece.
        numbers = label(values[..., 0], connectivity=2) if values.ndim == 3 else values
        regions = {(r.bbox[1], r.bbox[0], r.bbox[3], r.bbox[2], int(r.area)) for r in regionprops(numbers)}
        areas = [int(np.sum(counts[1::2])) for counts in one.objects["counts"].to_pylist()]
        ours = {(*map(int, box), area) for box, area in zip(one.boxes.tolist(), areas, strict=True)}
        assert ours == regions
        assert one.n_objects == len(np.unique(numbers)) - 1
        assert int((objects_to_labels(one)[0] > 0).sum()) == int((numbers > 0).sum())


def test_each_track_of_the_time_lapse_is_an_object_in_each_of_its_frames() -> None:
    folder = DATA / "timelapse_tracked_t98g"
    index = ImageIndex(ImageRecord(f"images/t{frame:03d}.tif", 1024, 1022) for frame in range(37))
    found = read_annotations(folder, index).annotations
    numbers = [np.unique(np.array(PIL.Image.open(path)))[1:] for path in sorted((folder / "id_masks").glob("*.png"))]
    assert found.counts().sum(axis=1).tolist() == [len(n) for n in numbers]
    assert len(np.unique(np.concatenate(numbers))) == 105


@pytest.mark.parametrize("name", ["detection_blood_voc", "detection_livedead_brightfield_voc"])
def test_voc_boxes_are_those_of_the_xml(name: str) -> None:
    found = _read(DATA / name, "*Images/*")
    expected = []
    for path in sorted((DATA / name / "Annotations").glob("*.xml")):
        for element in ElementTree.parse(path).iter("object"):
            x_min, y_min, x_max, y_max = (float(element.findtext(f"bndbox/{side}", "")) for side in SIDES)
            if x_max > x_min and y_max > y_min:
                expected.append([x_min - 1, y_min - 1, x_max, y_max])
    np.testing.assert_allclose(found.boxes, expected, atol=1e-6)


def test_boxes_of_a_csv_are_those_of_its_rows() -> None:
    folder = DATA / "detection_hemocytometer_csv"
    found = _read(folder)
    with (folder / "train/_annotations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = sorted((f"train/{r['filename']}", r["class"], *(float(r[side]) for side in SIDES)) for r in rows)
    names = [(found.names[i], found.categories[c]) for i, c in zip(found.image_index, found.category, strict=True)]
    ours = sorted((*name, *box) for name, box in zip(names, found.boxes.tolist(), strict=True))
    assert ours == expected
    assert len(rows) == 63


def test_points_of_a_list_lie_in_the_centre_of_their_pixels() -> None:
    folder = DATA / "annotation_formats/points_class_txt_chula"
    for one in iterate_images(_read(folder)):
        lines = (folder / "Label" / f"{Path(one.names[0]).stem}.txt").read_text().split("\n")
        rows = [[int(word) for word in line.split()] for line in lines if line.strip()]
        np.testing.assert_allclose(one.boxes[:, :2] - 0.5, [row[:2] for row in rows])
        assert [one.categories[c] for c in one.category] == [str(row[2]) for row in rows]


def test_spots_of_trackmate_and_imagej_are_those_of_the_tables() -> None:
    folder = DATA / "annotation_formats/trackmate_and_manual_spot_csv_deepblink"
    for path in sorted(folder.glob("*.csv")):
        index = ImageIndex([ImageRecord(f"{path.stem}.tif", 1024, 1024)])
        is_manual = "manual" in path.name
        found = read_annotations(folder, index, format="point_list" if is_manual else "trackmate_csv").annotations
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        columns = ("X", "Y") if is_manual else ("POSITION_X", "POSITION_Y")
        numbers = [[float(row[c]) for c in columns] for row in rows if row[columns[0]][:1].isdigit()]
        # ImageJ's results count from the corner of the first pixel, TrackMate from its centre.
        np.testing.assert_allclose(found.boxes[:, :2] - (0 if is_manual else 0.5), numbers)


def test_json_that_holds_470_boxes_gives_470() -> None:
    folder = DATA / "annotation_formats/coco_json_blood_rbc_wbc"
    content = json.loads((folder / "valid/_annotations.coco.json").read_text())
    assert _read(folder).n_objects == len(content["annotations"]) == 470
