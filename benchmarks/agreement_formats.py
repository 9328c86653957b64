"""Our readers against Datumaro's on the same real files: how many objects, and how far their boxes are apart.

python benchmarks/agreement_formats.py --data ../shared/data --peer-python <a Python that has datumaro>
"""

import argparse
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

ASSETS = "annotation_formats/tool_test_assets_datumaro"
VOC = "VOC counts pixels from 1, so we take 1 off xmin and ymin; Datumaro takes the numbers as they stand"
CVAT = (
    "Datumaro also keeps polylines and places of a track that are marked outside; we drop the first and skip the rest."
)
VOTT = "The boxes lie outside of images of 5x5 pixels, which we drop and list; Datumaro looks at no image."
# Folder, Datumaro's name of the format, ours where it must be named, and why the numbers differ.
SOURCES = [
    ("detection_blood_voc", "voc_detection", None, f"{VOC}. Two boxes have no area; we drop and list them."),
    ("annotation_formats/coco_json_blood_rbc_wbc", "roboflow_coco", None, ""),
    *((f"{ASSETS}/{folder}", *rest) for folder, *rest in (
        ("coco_dataset/coco_instances", "coco_instances", None, ""),
        ("coco_dataset/coco_person_keypoints", "coco_person_keypoints", None, "Key points are no objects here."),
        ("cvat_dataset/for_images/export_task", "cvat", None, f"{CVAT} We drop objects whose label is empty."),
        ("cvat_dataset/for_images/export_project", "cvat", None, CVAT),
        ("cvat_dataset/for_video", "cvat", None, CVAT),
        ("dota_dataset", "dota", None, ""),
        ("labelme_dataset", "label_me", None, ""),
        ("mots_dataset", "mots", "label_image", ""),
        ("roboflow_dataset/coco", "roboflow_coco", None, ""),
        ("roboflow_dataset/createml", "roboflow_create_ml", None,
         "CreateML gives the centre of a box, and so we read it; Datumaro takes x and y for the corner."),
        ("roboflow_dataset/voc", "roboflow_voc", None, f"{VOC}; we cut boxes at the image's edge."),
        ("roboflow_dataset/yolo", "roboflow_yolo", None, ""),
        ("roboflow_dataset/yolo_obb", "roboflow_yolo_obb", None, ""),
        ("voc_dataset/voc_dataset1", "voc_detection", None, f"{VOC}."),
        ("voc_dataset/voc_dataset2", "voc_detection", None, f"{VOC}."),
        ("voc_dataset/voc_dataset3", "voc_detection", None, f"{VOC}."),
        ("vott_csv_dataset/dataset", "vott_csv", None, VOTT),
        ("vott_json_dataset/dataset", "vott_json", None, f"{VOTT} It makes a box of each tag, we one of each region."),
        ("yolo_dataset/annotations", "yolo", None, ""),
        ("yolo_dataset/labels", "yolo", None, ""),
        ("yolo_dataset/strict", "yolo", None, ""),
    )),
]  # fmt: skip
Boxes = dict[str, list[list[float]]]


def read_as_peer(folder: Path, name: str) -> Boxes:
    """Return Datumaro's boxes by image and split; of several forms of one object the most exact."""
    import datumaro

    if name == "voc_detection" and not (folder / "labelmap.txt").exists() and folder.name.startswith("detection"):
        with tempfile.TemporaryDirectory() as declared:
            declare_classes(folder, Path(declared))
            return read_as_peer(Path(declared), name)
    boxes: Boxes = defaultdict(list)
    items = list(datumaro.Dataset.import_from(str(folder), name))
    # Images of a list trainval come a second time where train and val are listed too.
    twice = {"trainval"} if {"train", "val"} <= {item.subset for item in items} else set()
    for item in (item for item in items if item.subset not in twice):
        forms = defaultdict(list)
        for position, annotation in enumerate(item.annotations):
            # In COCO a mask, a box and key points share one number.
            forms[annotation.id if name.startswith("coco") else position].append(annotation)
        for together in forms.values():
            exact = [a for a in together if type(a).__name__ not in ("Bbox", "Points")]
            chosen = (exact or [a for a in together if type(a).__name__ == "Bbox"] or together)[0]
            boxes[f"{item.subset.lower()[:3]}/{Path(item.id).name}"] += _peer_boxes(chosen)
    return boxes


def declare_classes(folder: Path, target: Path) -> None:
    """Put a list of classes beside links to the files: Datumaro knows the classes of the VOC challenge only."""
    for path in folder.iterdir():
        (target / path.name).symlink_to(path.resolve())
    files = folder.glob("Annotations/*.xml")
    names = {element.findtext("name", "") for path in files for element in ElementTree.parse(path).iter("object")}
    (target / "labelmap.txt").write_text("".join(f"{name}:{i},{i},{i}::\n" for i, name in enumerate(sorted(names), 1)))


def _peer_boxes(annotation: object) -> list[list[float]]:
    import numpy as np

    kind = type(annotation).__name__
    if kind == "Points":
        return [[x, y, x, y] for x, y in np.reshape(annotation.points, (-1, 2)).tolist()]
    if kind == "RotatedBbox":
        corners = np.reshape(annotation.as_polygon(), (-1, 2))
        return [[*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]]
    if "Mask" in kind:
        rows, columns = np.nonzero(annotation.image)
        return [[int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]]
    x, y, width, height = annotation.get_bbox()
    return [[float(x), float(y), float(x + width), float(y + height)]]


def read_ours(folder: Path, name: str | None, **options: object) -> tuple[Boxes, str, int]:
    """Return our boxes by image and split, the format that was read, and how many objects the files hold."""
    from cell_pipelines.annotations.formats.registry import read_annotations
    from cell_pipelines.annotations.images import ImageIndex

    conversion = read_annotations(folder, ImageIndex(_records(folder)), format=name or "auto", **options)
    found = conversion.annotations
    boxes: Boxes = defaultdict(list)
    splits = found.images["split"].to_pylist()
    for row, box in zip(found.image_index.tolist(), found.boxes.tolist(), strict=True):
        boxes[f"{splits[row] or ''}/{Path(found.names[row]).stem}"].append(box)
    return boxes, conversion.source_format, conversion.objects_in


def _records(folder: Path) -> list:
    import PIL.Image

    from cell_pipelines.annotations.images import ImageRecord

    # The images of one set are not there, those of another are not of the size of their labels.
    if folder.name == "voc_dataset2":
        return [ImageRecord(f"{name}.jpg", 20, 20) for name in "@abcd"]
    labels = folder.name == "mots_dataset"
    records = []
    for path in sorted(folder.glob("*/instances/*.png" if labels else "**/*")):
        if path.suffix in (".jpg", ".png") and not {"Masks", "Scribbles"} & set(path.parts):
            with PIL.Image.open(path) as picture:
                name = path.relative_to(folder).as_posix().replace("instances", "images")
                records.append(ImageRecord(name, *picture.size))
    return records


def compare(ours: Boxes, theirs: Boxes) -> tuple[int, float]:
    """Return how many boxes have a partner in the same image, and the largest difference of a side between partners."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    count, largest = 0, 0.0
    for image in set(ours) & set(theirs):
        mine, other = np.array(ours[image]), np.array(theirs[image])
        apart = np.abs(mine[:, None] - other[None]).max(axis=2)
        rows, columns = linear_sum_assignment(apart)
        count += len(rows)
        largest = max(largest, float(apart[rows, columns].max()))
    return count, largest


def by_name(boxes: Boxes, *, splits: bool) -> Boxes:
    """Return boxes by image; where one side tells no split, by the image's name alone."""
    gathered: Boxes = defaultdict(list)
    for image, own in boxes.items():
        split, name = image.split("/", 1)
        gathered[f"{split[:3]}/{name}" if splits else name] += own
    return gathered


def compare_sources(ours: Boxes, theirs: Boxes) -> tuple[int, float]:
    """Compare two readings of a source, by split as well where image names need it."""
    splits = all(image[0] != "/" for image in ours) and len({i.rsplit("/")[-1] for i in theirs}) < len(theirs)
    return compare(by_name(ours, splits=splits), by_name(theirs, splits=splits))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peer-python", default=sys.executable, help="Python of an environment that has datumaro")
    parser.add_argument("--as-peer", nargs=2, metavar=("FOLDER", "FORMAT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_peer:
        print(json.dumps(read_as_peer(Path(args.as_peer[0]), args.as_peer[1])))
        return
    print("| files | format here | objects in | kept here | Datumaro | compared | largest difference, px | why |")
    print("|---|---|---|---|---|---|---|---|")
    for name, peer_format, our_format, why in SOURCES:
        folder = args.data / name
        ours, read_as, objects_in = read_ours(folder, our_format)
        command = [args.peer_python, __file__, "--as-peer", str(folder), peer_format]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            print(f"| {name} | {read_as} | {objects_in} | {_total(ours)} | {answer.stderr.strip()[-80:]} | | | |")
            continue
        theirs = json.loads(answer.stdout.splitlines()[-1])
        count, largest = compare_sources(ours, theirs)
        if read_as == "pascal_voc":
            _, rest = compare_sources(read_ours(folder, our_format, origin=0)[0], theirs)
            why += f" With our option `origin: 0` the largest difference is {rest:.2g} px."
        cells = (name.removeprefix(f"{ASSETS}/"), read_as, objects_in, _total(ours), _total(theirs), count)
        print(f"| {' | '.join(map(str, cells))} | {largest:.2g} | {why} |", flush=True)


def _total(boxes: Boxes) -> int:
    return sum(map(len, boxes.values()))


if __name__ == "__main__":
    main()
