"""Real annotations, every set of the public folder: each object is accounted for, read and written again."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import fit_annotations, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
WRITTEN = ("coco", "yolo", "label_image", "qupath_geojson", "imagej_roi")
MOST_PIXELS = 12_000_000

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder"),
]


@dataclass(frozen=True)
class Source:
    """A folder and what must come out of it; images that don't lie there are given with their size."""

    folder: str
    format: str
    n_images: int
    objects_in: int
    dropped: int = 0
    classes: Mapping[str, int] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    named: bool = False
    pictures: str = "**/*"
    absent: tuple[tuple[str, int, int], ...] = ()

    @property
    def path(self) -> Path:
        """Path of the file."""
        return DATA / self.folder


ASSETS = "annotation_formats/tool_test_assets_datumaro"
TWO_LABELS = {"label_0": 2, "label_1": 2}
TEN = {f"label_{i}": int(i in (2, 4)) for i in range(10)}
SIDE = 1024
SPOTS = tuple((f"input_{name}.tif", SIDE, SIDE) for name in ("trackmate_7.0-", "trackmate_7.0+", "trackmate_7.7+"))
SOURCES = [
    Source("detection_blood_voc", "pascal_voc", 364, 4888, 2, {"Platelets": 361, "RBC": 4153, "WBC": 372}),
    Source("detection_livedead_brightfield_voc", "pascal_voc", 220, 558, 0, {"Dead Cell": 120, "Living Cell": 438}),
    Source(
        "detection_hemocytometer_csv", "tensorflow_csv", 9, 63, 0,
        {"EPC": 7, "L-WBC": 3, "RBC": 24, "S-RBC": 11, "WBC": 18}, {"unlabelled": "background"},
    ),
    Source("nuclei_fluorescence_dsb2018", "label_image", 100, 2997, named=True, pictures="images/*"),
    Source("nuclei_fluorescence_dsb2018/original_layout", "mask_files", 12, 332, pictures="*/images/*"),
    Source("nuclei_fluorescence_16bit_bbbc039", "instance_channel", 24, 3006, pictures="images/*"),
    Source("phase_contrast_instances_t98g", "label_image", 8, 491, named=True, pictures="**/raw.tif"),
    Source("phase_contrast_instances_t98g", "imagej_roi", 4, 250, named=True, pictures="**/raw.tif"),
    Source("timelapse_tracked_t98g", "label_image", 5, 362, pictures="images/*"),
    Source("annotation_formats/coco_json_blood_rbc_wbc", "coco", 20, 470, 0, {"rbc": 451, "wbc": 19}),
    Source(
        "annotation_formats/imagej_roi_zip_t98g", "imagej_roi", 2, 124, pictures="none",
        absent=(("set19.tif", 1024, 1022), ("set21.tif", 1024, 1022)),
    ),
    # Three of the ROIs lie in the TIFF as well, whose image is labelled by the archive already.
    Source("annotation_formats/imagej_tiff_with_embedded_rois", "imagej_roi", 1, 9, 3),
    Source("annotation_formats/points_class_txt_chula", "point_list", 6, 271),
    Source(
        "annotation_formats/trackmate_and_manual_spot_csv_deepblink", "trackmate_csv", 3, 21, named=True,
        absent=SPOTS,
    ),
    Source(
        "annotation_formats/trackmate_and_manual_spot_csv_deepblink", "point_list", 1, 20, named=True,
        absent=(("input_manual.png", SIDE, SIDE),),
    ),
    Source(f"{ASSETS}/coco_dataset/coco_instances", "coco", 2, 3, 0, {"a": 1, "b": 2, "c": 0}),
    Source(f"{ASSETS}/coco_dataset/coco_person_keypoints", "coco", 2, 3, 0, {"a": 1, "b": 2}),
    # A polyline and objects without a label are no cells.
    Source(f"{ASSETS}/cvat_dataset/for_images/export_task", "cvat", 2, 6, 2, {"label1": 1, "label2": 3}),
    Source(f"{ASSETS}/cvat_dataset/for_images/export_project", "cvat", 6, 18, 3, {"label1": 6, "label2": 9}),
    Source(f"{ASSETS}/cvat_dataset/for_video", "cvat", 3, 5, 1, {"klhg": 3, "z U k": 0, "II": 1}),
    Source(f"{ASSETS}/dota_dataset", "dota", 3, 4, 0, TWO_LABELS),
    Source(f"{ASSETS}/kaggle_dataset/image_mask", "binary_mask", 2, 4, pictures="images/*"),
    Source(f"{ASSETS}/kaggle_dataset/relaxed_coco", "coco", 2, 2, 0, {"label_0": 1, "label_1": 1}),
    Source(f"{ASSETS}/kaggle_dataset/relaxed_voc1", "pascal_voc", 1, 2, 0, {"cat": 1, "person": 1}),
    Source(f"{ASSETS}/kaggle_dataset/relaxed_voc2", "pascal_voc", 1, 2, 0, {"cat": 1, "person": 1}),
    Source(f"{ASSETS}/kaggle_dataset/relaxed_yolo", "yolo", 2, 4, 0, {f"class_{i}": 1 for i in (1, 2, 3, 4)}),
    Source(f"{ASSETS}/labelme_dataset", "labelme_xml", 1, 7, pictures="Images/**/*"),
    # Pixels hold class and track in one number, so that a picture of them is a label image.
    Source(
        f"{ASSETS}/mots_dataset", "label_image", 3, 5, named=True, pictures="none",
        absent=(("train/images/1.png", 5, 1), ("train/images/2.png", 5, 1), ("val/images/3.png", 5, 1)),
    ),
    *(Source(f"{ASSETS}/roboflow_dataset/{folder}", name, 3, 4, 0, TWO_LABELS) for folder, name in (
        ("coco", "coco"), ("createml", "create_ml"), ("voc", "pascal_voc"), ("yolo", "yolo"), ("yolo_obb", "dota"),
    )),
    Source(f"{ASSETS}/voc_dataset/voc_dataset1", "pascal_voc", 1, 2, 0, {"cat": 1, "person": 1}),
    Source(
        f"{ASSETS}/voc_dataset/voc_dataset2", "pascal_voc", 5, 4, absent=tuple((f"{n}.jpg", 20, 20) for n in "@abcd")
    ),
    Source(f"{ASSETS}/voc_dataset/voc_dataset3", "pascal_voc", 1, 1, 0, {"cat": 1}),
    # Their boxes lie outside of the images of 5x5 pixels.
    Source(f"{ASSETS}/vott_csv_dataset/dataset", "vott_csv", 4, 5, 4, {"helmet": 1}),
    Source(f"{ASSETS}/vott_csv_dataset/dataset_with_meta_file", "vott_csv", 2, 2, 2),
    *(Source(f"{ASSETS}/vott_json_dataset/{name}", "vott_json", 3, 4, 4) for name in
      ("dataset", "dataset_with_meta_file")),
    Source(f"{ASSETS}/yolo_dataset/annotations", "yolo", 1, 2, 0, TEN),
    Source(f"{ASSETS}/yolo_dataset/labels", "yolo", 2, 4, 0, {name: 2 * n for name, n in TEN.items()}),
    Source(f"{ASSETS}/yolo_dataset/strict", "yolo", 1, 2, 0, TEN),
]  # fmt: skip
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{s.folder.removeprefix(ASSETS)}-{s.format}")


def _records(source: Source) -> list[ImageRecord]:
    records = [ImageRecord(*absent) for absent in source.absent]
    for path in sorted(source.path.glob(source.pictures)):
        name = path.relative_to(source.path).as_posix()
        if path.suffix in (".jpg", ".png"):
            with PIL.Image.open(path) as picture:
                records.append(ImageRecord(name, picture.width, picture.height))
        elif path.suffix == ".tif":
            with tifffile.TiffFile(path) as tiff:
                height, width = tiff.pages.first.shape[:2]
            records.append(ImageRecord(name, width, height))
    return records


@pytest.fixture(scope="module")
def read() -> Callable[[Source], Conversion]:
    """Read a source with its images, once for all tests."""
    known: dict[int, Conversion] = {}

    def go(source: Source) -> Conversion:
        if not source.path.is_dir():
            pytest.skip(f"{source.folder} is not in {DATA}")
        if id(source) not in known:
            format_name = source.format if source.named else "auto"
            index = ImageIndex(_records(source))
            known[id(source)] = read_annotations(source.path, index, format=format_name, **source.options)
        return known[id(source)]

    return go


def _counts(annotations: AnnotationSet) -> dict[str, int]:
    return dict(zip(annotations.categories, annotations.counts().sum(axis=0).tolist(), strict=True))


@every_source
def test_a_real_source_is_read_whole(source: Source, read: Callable[[Source], Conversion]) -> None:
    conversion = read(source)
    conversion.check()
    found = conversion.annotations
    assert conversion.source_format == source.format
    assert (found.n_images, conversion.objects_in, conversion.objects_dropped) == (
        source.n_images, source.objects_in, source.dropped
    )  # fmt: skip
    assert source.classes is None or _counts(found) == source.classes


@pytest.mark.parametrize("format_name", WRITTEN)
@every_source
def test_a_real_source_written_and_read_again_keeps_its_objects_but_those_listed(
    source: Source, format_name: str, read: Callable[[Source], Conversion], tmp_path: Path
) -> None:
    annotations = _first_images(read(source).annotations)
    fitted, lost = fit_annotations(annotations, format_name)
    assert fitted.n_objects == annotations.n_objects - sum(f.objects for f in lost if f.action == "dropped")
    write_annotations(annotations, tmp_path, format=format_name)
    index = ImageIndex(ImageRecord(r["name"], r["width"], r["height"]) for r in annotations.images.to_pylist())
    again = read_annotations(tmp_path, index, format="auto" if fitted.n_objects else format_name)
    again.check()
    assert again.source_format == format_name
    assert again.objects_in == again.annotations.n_objects == fitted.n_objects
    assert sorted(again.annotations.names) == sorted(fitted.names)
    assert _filled(again.annotations) == _filled(fitted)


def _filled(annotations: AnnotationSet) -> dict[str, int]:
    return {name: count for name, count in _counts(annotations).items() if count}


def _first_images(annotations: AnnotationSet) -> AnnotationSet:
    """Return as many images as are quickly painted, one at least."""
    area = np.cumsum(annotations.images["width"].to_numpy().astype(np.int64) * annotations.images["height"].to_numpy())
    keep = area <= max(MOST_PIXELS, int(area[0])) if len(area) else np.zeros(0, np.bool_)
    return select_images(annotations, np.flatnonzero(keep))


def test_boxes_without_size_are_listed_and_the_split_of_the_source_is_kept(
    read: Callable[[Source], Conversion],
) -> None:
    conversion = read(SOURCES[0])
    dropped = [f for f in conversion.findings if f.action == "dropped"]
    assert all(f.file.startswith("Annotations/BloodImage_") and "zero width or height" in f.reason for f in dropped)
    assert Counter(conversion.annotations.images["split"].to_pylist()) == {"train": 205, "val": 87, "test": 72}


def test_files_without_object_are_images_without_cells(read: Callable[[Source], Conversion]) -> None:
    assert (read(SOURCES[1]).annotations.counts().sum(axis=1) == 0).sum() == 8


@pytest.mark.parametrize("name", ["coco", "createml", "voc", "yolo", "yolo_obb"])
def test_the_folders_of_roboflow_are_splits(name: str, read: Callable[[Source], Conversion]) -> None:
    [source] = [s for s in SOURCES if s.folder == f"{ASSETS}/roboflow_dataset/{name}"]
    assert Counter(read(source).annotations.images["split"].to_pylist()) == {"train": 2, "val": 1}
