"""TensorFlow object detection CSV, and VoTT's, which differs in its column names only."""

import os
from pathlib import Path

import PIL.Image
import pytest

from cell_pipelines.annotations.formats import tensorflow_csv, vott_csv
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

DATA = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
IMAGES = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])


def test_corners_are_edges_unless_the_table_counts_from_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "a.png,100,80,RBC,3,3,5,5\n")
    assert tensorflow_csv.read(tmp_path, IMAGES).annotations.boxes.tolist() == [[3, 3, 5, 5]]
    assert tensorflow_csv.read(tmp_path, IMAGES, origin=1).annotations.boxes.tolist() == [[2, 2, 5, 5]]
    with pytest.raises(ValueError, match="`origin`"):
        tensorflow_csv.read(tmp_path, IMAGES, origin=2)


def test_every_row_is_accounted_for_with_its_line(tmp_path: Path) -> None:
    rows = [
        "a.png,100,81,RBC,1,1,4,4",
        "a.png,100,81,RBC,one,1,4,4",
        "a.png,100,81,,1,1,4,4",
        "c.png,100,81,RBC,1,1,4,4",
        "a.png,100,81,RBC,nan,1,4,4",
    ]
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows))
    conversion = tensorflow_csv.read(tmp_path, IMAGES)
    assert (conversion.objects_in, conversion.annotations.n_objects) == (5, 1)
    dropped = {f.entry: f.reason for f in conversion.findings if f.action == "dropped"}
    assert set(dropped) == {"line 3", "line 4", "line 6", "c.png"}
    assert "'one'" in dropped["line 3"]
    assert any("100x80, which count" in f.reason for f in conversion.findings if f.action == "noted")


def test_a_table_of_all_images_does_not_double_those_of_a_split(tmp_path: Path) -> None:
    for name in ("all_labels.csv", "test_labels.csv"):
        (tmp_path / name).write_text(HEADER + "a.png,100,80,RBC,3,3,5,5\n")
    conversion = tensorflow_csv.read(tmp_path, IMAGES)
    assert conversion.annotations.n_objects == 1
    assert conversion.annotations.images["split"].to_pylist() == ["test"]
    assert any("already labelled by test_labels.csv" in f.reason for f in conversion.findings)


def test_vott_names_its_columns_otherwise(tmp_path: Path) -> None:
    (tmp_path / "my-export.csv").write_text('"image","xmin","ymin","xmax","ymax","label"\n"b.png",1.5,2,3,4,"WBC"\n')
    conversion = vott_csv.read(tmp_path, IMAGES)
    assert conversion.annotations.boxes.tolist() == [[1.5, 2, 3, 4]]
    assert tensorflow_csv.detect(tmp_path) is None


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no public images in {DATA}; CELL_REAL_DATA names their folder")
def test_the_hemocytometer_is_read_whole() -> None:
    folder = DATA / "detection_hemocytometer_csv"
    paths = sorted(folder.rglob("*.jpg"))
    records = []
    for path in paths:
        with PIL.Image.open(path) as picture:
            records.append(ImageRecord(path.relative_to(folder).as_posix(), *picture.size))
    conversion = tensorflow_csv.read(folder, ImageIndex(records))
    counts = dict(zip(conversion.annotations.categories, conversion.annotations.counts().sum(axis=0), strict=True))
    assert counts == {"EPC": 7, "L-WBC": 3, "RBC": 24, "S-RBC": 11, "WBC": 18}
    assert conversion.objects_in == 63
    assert conversion.annotations.n_images == 8
