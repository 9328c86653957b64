"""Each folder is claimed by the one format that it holds, or refused with a sentence that helps."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import FORMATS, create_format, detect_format, write_annotations
from cell_pipelines.annotations.schema import AnnotationSet

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
SMALL = DATA / "annotation_formats"
ASSETS = SMALL / "tool_test_assets_datumaro"

real_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no public data in {DATA}; CELL_REAL_DATA names its folder")

HELD = {
    "binary_mask": ["kaggle_dataset/image_mask"],
    "coco": ["coco_dataset", "coco_dataset/coco_instances", "coco_dataset/coco_person_keypoints",
             "kaggle_dataset/relaxed_coco", "roboflow_dataset/coco", "roboflow_dataset/coco/train"],
    "create_ml": ["roboflow_dataset/createml"],
    "cvat": ["cvat_dataset", "cvat_dataset/for_images/export_task", "cvat_dataset/for_images/export_project",
             "cvat_dataset/for_video"],
    "dota": ["dota_dataset", "dota_dataset/train", "roboflow_dataset/yolo_obb"],
    "labelme_xml": ["labelme_dataset", "labelme_dataset/Annotations"],
    "pascal_voc": ["kaggle_dataset/relaxed_voc1", "kaggle_dataset/relaxed_voc2", "roboflow_dataset/voc",
                   "voc_dataset", "voc_dataset/voc_dataset1", "voc_dataset/voc_dataset2", "voc_dataset/voc_dataset3"],
    "vott_csv": ["vott_csv_dataset/dataset", "vott_csv_dataset/dataset_with_meta_file"],
    "vott_json": ["vott_json_dataset/dataset", "vott_json_dataset/dataset_with_meta_file"],
    "yolo": ["kaggle_dataset/relaxed_yolo", "roboflow_dataset/yolo", "yolo_dataset", "yolo_dataset/annotations",
             "yolo_dataset/labels", "yolo_dataset/strict", "yolo_dataset/strict/obj_train_data"],
}  # fmt: skip
CELLS = {
    "detection_blood_voc": "pascal_voc",
    "detection_hemocytometer_csv": "tensorflow_csv",
    "detection_livedead_brightfield_voc": "pascal_voc",
    "nuclei_fluorescence_16bit_bbbc039": "instance_channel",
    "nuclei_fluorescence_dsb2018/labels": "label_image",
    "nuclei_fluorescence_dsb2018/original_layout": "mask_files",
    "phase_contrast_instances_t98g/train/set1": "label_image",
    "timelapse_tracked_t98g": "label_image",
    "timelapse_tracked_t98g/id_masks": "label_image",
    "annotation_formats/coco_json_blood_rbc_wbc": "coco",
    "annotation_formats/imagej_roi_zip_t98g": "imagej_roi",
    "annotation_formats/imagej_tiff_with_embedded_rois": "imagej_roi",
    "annotation_formats/points_class_txt_chula": "point_list",
    "annotation_formats/points_class_txt_chula/Label": "point_list",
}
FOUND = [(ASSETS / folder, name) for name, folders in HELD.items() for folder in folders]
FOUND += [(DATA / folder, name) for folder, name in CELLS.items()]
REFUSED = [
    ("fish_spots_images", "only images lie here"),
    ("multichannel_fluorescence_neubias", "only images lie here"),
    ("annotation_formats/microscope_files", "only images lie here"),
    *((f"annotation_formats/tool_test_assets_datumaro/{folder}", sentence) for folder, sentence in (
        ("coco_dataset/coco_panoptic", "COCO panoptic, .* export COCO instances instead"),
        ("datumaro_dataset/legacy", "Datumaro's own JSON; let Datumaro convert it"),
        ("image_dir_dataset", "only images lie here"),
        ("kaggle_dataset/image_csv", "classes of whole images"),
        ("kaggle_dataset/image_csv_det", "column names of its own; name the columns"),
        ("kaggle_dataset/image_csv_multi_label", "classes of whole images"),
        ("kaggle_dataset/image_mask_with_labelmap", "labelmap.csv lists the colours of classes"),
        ("kaggle_dataset/image_txt", "classes of whole images"),
        ("kaggle_dataset/image_txt_det", "boxes without a header; put the line"),
        ("mots_dataset", "MOTS export, .* name the `format` label_image"),
        ("mots_dataset/train", "MOTS export"),
        ("mots_dataset/val", "MOTS export"),
        ("open_images_dataset/v5", "Open Images table, .* convert it to COCO"),
        ("open_images_dataset/v6", "Open Images table, .* convert it to COCO"),
        ("roboflow_dataset/multiclass", "classes of whole images"),
        ("roboflow_dataset/tfrecord", "TFRecord, .* export the annotations as COCO JSON"),
        ("tf_detection_api_dataset", "TFRecord, .* export the annotations as COCO JSON"),
    )),
]  # fmt: skip
SEVERAL = [
    ("nuclei_fluorescence_dsb2018", ["label_image", "mask_files"]),
    ("phase_contrast_instances_t98g", ["imagej_roi", "label_image"]),
    ("annotation_formats/trackmate_and_manual_spot_csv_deepblink", ["point_list", "trackmate_csv"]),
    ("annotation_formats/tool_test_assets_datumaro/kaggle_dataset", ["coco", "pascal_voc", "yolo"]),
]


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize(("folder", "name"), FOUND, ids=lambda value: str(value).removeprefix(str(DATA)))
def test_a_real_folder_holds_one_format(folder: Path, name: str) -> None:
    assert detect_format(folder)[0] == name


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize(("folder", "sentence"), REFUSED)
def test_a_real_folder_that_cant_be_read_is_refused_with_a_sentence(folder: str, sentence: str) -> None:
    with pytest.raises(AnnotationFormatError, match=sentence):
        detect_format(DATA / folder)


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize(("folder", "names"), SEVERAL)
def test_a_real_folder_of_several_formats_lists_them_and_asks_for_one(folder: str, names: list[str]) -> None:
    with pytest.raises(AnnotationFormatError, match="Name the `format`") as refusal:
        detect_format(DATA / folder)
    assert [name for name in FORMATS if f" {name} (" in str(refusal.value)] == names


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_writes_no_other_claims(
    name: str, seed: int, make_annotations: Callable[..., AnnotationSet], tmp_path: Path
) -> None:
    annotations = make_annotations(seed, geometries=("box", "point", "polygon", "mask"), scores=True)
    write_annotations(annotations, tmp_path, format=name)
    assert [other for other in FORMATS if create_format(other).detect(tmp_path)] == [name]


def test_label_images_of_one_cell_each_are_no_binary_masks_where_a_table_says_so(
    make_annotations: Callable[..., AnnotationSet], tmp_path: Path
) -> None:
    annotations = make_annotations(1, geometries=("box",))
    first = np.unique(annotations.image_index, return_index=True)[1]
    single = AnnotationSet(annotations.images, annotations.objects.take(first), annotations.categories)
    write_annotations(single, tmp_path, format="label_image")
    assert detect_format(tmp_path)[0] == "label_image"


def _save(folder: Path, name: str, content: str | list[list[int]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        PIL.Image.fromarray(np.array(content, np.uint8)).save(path)


PANOPTIC = {"images": [{"id": 1, "file_name": "a.png"}], "categories": [], "annotations": [{"segments_info": []}]}
DARWIN = {"item": {"name": "a.png", "slots": [{"source_files": [{"file_name": "a.png"}]}]}, "annotations": []}
LABELME = "<annotation><filename>a.png</filename><object><polygon><pt><x>1</x></pt></polygon></object></annotation>"
ALIKE: list[tuple[str, dict[str, str | list[list[int]]]]] = [
    ("coco", {"a.json": json.dumps(PANOPTIC)}),
    ("coco", {"a.json": json.dumps(DARWIN)}),
    ("pascal_voc", {"Annotations/a.xml": LABELME}),
    ("yolo", {"data.yaml": "names: [a]\n", "train/labelTxt/a.txt": "0 0 2 0 2 2 0 2 a 0\n"}),
    ("binary_mask", {"instances/a.png": [[0, 1]], "instances/labels.txt": "a\n"}),
    ("label_image", {"instances/a.png": [[0, 1, 2]], "instances/labels.txt": "a\n"}),
    ("binary_mask", {"masks/a.png": [[0, 1]], "annotations/classes.csv": "LabelName,DisplayName\n/m/1,cell\n"}),
    ("label_image", {"masks/a.png": [[0, 1, 2]], "labelmap.csv": "name,r,g,b\ncat,1,0,0\n"}),
    ("binary_mask", {"Masks/a_mask_0.png": [[0, 1]], "Annotations/a.xml": LABELME}),
]


@pytest.mark.parametrize(("name", "files"), ALIKE)
def test_files_that_only_look_alike_are_not_claimed(
    name: str, files: dict[str, str | list[list[int]]], tmp_path: Path
) -> None:
    for file, content in files.items():
        _save(tmp_path, file, content)
    assert create_format(name).detect(tmp_path) is None


def test_labels_are_found_beside_a_class_list_and_a_metadata_table(tmp_path: Path) -> None:
    _save(tmp_path, "labels/a.png", [[0, 1, 2]])
    _save(tmp_path, "labels.txt", "cell\n")
    _save(tmp_path, "wells.csv", "name,drug\na,none\n")
    assert detect_format(tmp_path)[0] == "label_image"


def test_a_voc_file_with_outlines_and_one_without_objects_are_still_voc(tmp_path: Path) -> None:
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
    for number, inside in enumerate((f"<polygon><pt/></polygon>{box}", "")):
        folder = tmp_path / str(number)
        _save(folder, "a.xml", f"<annotation><filename>a.png</filename><object>{inside}</object></annotation>")
        assert create_format("pascal_voc").detect(folder)
