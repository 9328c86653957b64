"""YOLO: fractions of the image, class names beside, splits by folder or list."""

from pathlib import Path

import pytest
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.yolo import read, write
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import GEOMETRIES

ONE = ImageIndex([ImageRecord("a.png", 100, 80)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("names: [RBC, WBC]\n")
    return tmp_path


def test_a_box_is_its_centre_and_size_in_fractions_of_the_image(folder: Path) -> None:
    (folder / "labels" / "a.txt").write_text("1 0.5 0.25 0.2 0.5\n")
    annotations = read(folder, ONE).annotations
    assert annotations.boxes.tolist() == [[40, 0, 60, 40]]
    assert annotations.categories == ("RBC", "WBC")
    assert annotations.category.tolist() == [1]


def test_numbers_beyond_a_box_or_beyond_pairs_are_scores(folder: Path) -> None:
    lines = ["0 0.5 0.5 0.2 0.2 0.75", "0 0.1 0.1 0.5 0.1 0.5 0.5 0.25", "0.0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5"]
    (folder / "labels" / "a.txt").write_text("\n".join(lines))
    annotations = read(folder, ONE).annotations
    assert [GEOMETRIES[g] for g in annotations.objects["geometry"].to_pylist()] == ["box", "polygon", "polygon"]
    assert annotations.objects["score"].to_pylist() == [0.75, 0.25, None]
    assert [len(r[0]) // 2 for r in annotations.objects["rings"].to_pylist()[1:]] == [3, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.2", "expected 4 numbers for a box or at least 6 for a polygon, got 3."),
        ("0", "expected 4 numbers for a box or at least 6 for a polygon, got 0."),
        ("-1 0.5 0.5 0.2 0.2", "the class number must be 0 or more and fractions finite, got '-1 0.5 0.5 0.2 0.2'."),
        ("2 0.5 0.5 0.2 0.2", "unknown class 'class_2'; expected one of ['RBC', 'WBC']."),
        ("99999999999999999999 0.5 0.5 0.2 0.2", "unknown class 'class_100000000000000000000'"),
        ("0.5 0.5 0.5 0.2 0.2", "expected a class number and fractions, got '0.5 0.5 0.5 0.2 0.2'."),
        ("nan 0.5 0.5 0.2 0.2", "expected a class number and fractions"),
        ("inf 0.5 0.5 0.2 0.2", "expected a class number and fractions"),
        ("RBC 0.5 0.5 0.2 0.2", "expected a class number and fractions"),
        ("0 0.5 0.5 0.2 0.2 7.5", "the score must lie in 0..1, got 7.5."),
        ("0 0.5 0.5 0.2 -0.2", "zero width or height"),
    ],
)
def test_a_bad_line_is_dropped_with_its_number_and_the_others_stay(line: str, reason: str, folder: Path) -> None:
    (folder / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.2 0.2\n\n{line}\n1 0.5 0.5 0.2 0.2\n")
    conversion = read(folder, ONE)
    [finding] = conversion.findings
    assert (finding.file, finding.entry, finding.action) == ("labels/a.txt", "line 3", "dropped")
    assert reason in finding.reason
    assert conversion.annotations.category.tolist() == [0, 1]


def test_byte_order_marks_and_windows_line_ends_are_no_matter(folder: Path) -> None:
    (folder / "labels" / "a.txt").write_bytes(b"\xef\xbb\xbf0 0.5 0.5 0.2 0.2\r\n1 0.5 0.5 0.2 0.2\r\n")
    (folder / "data.yaml").write_bytes("\ufeffnames: [größer, WBC]\r\n".encode())
    conversion = read(folder, ONE)
    assert conversion.annotations.categories == ("größer", "WBC")
    assert conversion.annotations.n_objects == 2
    assert not conversion.findings


def test_without_names_the_classes_are_numbered_in_order(folder: Path) -> None:
    (folder / "data.yaml").unlink()
    (folder / "labels" / "a.txt").write_text("10 0.5 0.5 0.2 0.2\n2 0.5 0.5 0.2 0.2\n")
    annotations = read(folder, ONE).annotations
    assert annotations.categories == ("class_2", "class_10")
    assert annotations.category.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("data.yaml", "names: {0: RBC, 2: WBC}", ("RBC", "class_1", "WBC")),
        ("data.yml", "train: images\nnames:\n- RBC\n- yes\n- 7\n- null\n", ("RBC", "yes", "7", "null")),
        ("classes.txt", "RBC\n\n dead cell \n", ("RBC", "dead cell")),
        ("obj.names", "RBC\nWBC\n", ("RBC", "WBC")),
    ],
)
def test_names_are_read_from_the_files_that_tools_write(
    file: str, text: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2")
    assert read(tmp_path, ONE).annotations.categories == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("names: [RBC, RBC]", "repeated: RBC"),
        ("names: {0: a, -1: b}", r"class numbers must lie in 0\.\.9999"),
        ("names: {999999999999: a}", r"class numbers must lie in 0\.\.9999"),
        ("names: {a: b}", "invalid literal"),
        ("names: cell", "must be a list of names"),
        ("names: [[a]]", "must be a list of names"),
        ("names: [a", "no valid YAML"),
        ("a: &a [b]\nnames: *a", r"YAML alias or tag in line 2; both are refused"),
        ("names: !!python/object/apply:os.system ['touch hacked']", "YAML alias or tag in line 1"),
        ("names: !!python/name:os.system", "YAML alias or tag"),
        ("names: " + "[" * 200_000, "nested deeper than 32 levels"),
        ("names: " + "[" * 5000 + "]" * 5000, "nested deeper than 32 levels"),
        ("#" * (1 << 18) + "\nnames: [a]", "at most 262144 are read"),
        (b"names: [\xff]", "not UTF-8"),
    ],
)
def test_names_that_cannot_be_trusted_are_an_error_with_the_files_name(
    text: str | bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(AnnotationFormatError, match=rf"data\.yaml: the class names can't be read: .*(?:{reason})"):
        read(tmp_path, ONE)
    assert not (tmp_path / "hacked").exists()


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
    (tmp_path / "data.yaml").write_text(f"a0: &a0 [ha]\n{levels}\nnames: *a11\n")
    with pytest.raises(AnnotationFormatError, match="alias"):
        read(tmp_path, ONE)


def test_classes_txt_that_is_no_text_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(b"\xff")
    with pytest.raises(AnnotationFormatError, match=r"classes\.txt: the class names can't be read"):
        read(tmp_path, ONE)


def test_a_text_beside_the_labels_is_skipped_and_its_lines_are_no_objects(folder: Path) -> None:
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2")
    (folder / "labels" / "notes.txt").write_text("Counted on Monday.\nAgain on Tuesday.\n")
    conversion = read(folder, ONE)
    assert conversion.objects_in == 1
    assert [(f.file, f.action) for f in conversion.findings] == [("labels/notes.txt", "skipped")]


def test_lists_are_no_labels_though_a_folder_above_is_called_labels(tmp_path: Path) -> None:
    for folder in (tmp_path / "labels" / "set", tmp_path / "labels"):
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2")
        (folder / "README.txt").write_text("Two sets.")
    for folder in (tmp_path / "labels" / "set", tmp_path / "labels"):
        findings = read(folder, ONE).findings
        assert "README.txt" not in {finding.file for finding in findings}


def test_labels_belong_to_the_image_of_the_same_folder(folder: Path) -> None:
    images = ImageIndex(ImageRecord(f"images/{part}/a.png", 100, 80) for part in ("train", "val"))
    for number, part in enumerate(("val", "train")):
        path = folder / "labels" / part / "a.txt"
        path.parent.mkdir()
        path.write_text(f"{number} 0.5 0.5 0.2 0.2")
    annotations = read(folder, images).annotations
    assert annotations.names == ["images/train/a.png", "images/val/a.png"]
    assert annotations.category.tolist() == [1, 0]
    assert annotations.images["split"].to_pylist() == ["train", "val"]


def test_an_image_whose_name_begins_with_a_split_is_in_none(folder: Path) -> None:
    (folder / "labels" / "test_1.txt").write_text("0 0.5 0.5 0.2 0.2")
    annotations = read(folder, ImageIndex([ImageRecord("test_1.png", 100, 80)])).annotations
    assert annotations.images["split"].to_pylist() == [None]


def test_the_layout_that_trainers_expect_is_written(tmp_path: Path) -> None:
    builder = AnnotationBuilder(["no", "größer"])
    for split in ("train", "val"):
        row = builder.add_image(f"images/{split}/{split}_1.png", width=100, height=80, split=split)
        builder.add_box(row, "größer", (10, 20, 30, 40), score=0.5)
    assert write(builder.build(), tmp_path) == ()
    assert yaml.safe_load((tmp_path / "data.yaml").read_text(encoding="utf-8")) == {
        "train": "images/train", "val": "images/val", "names": {0: "no", 1: "größer"}
    }  # fmt: skip
    assert (tmp_path / "labels" / "val" / "val_1.txt").read_text() == "1 0.2 0.375 0.2 0.25\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.yaml", "labels"]


def test_two_images_that_differ_in_their_ending_only_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    for name in ("a.png", "images/a.tif"):
        builder.add_image(name, width=9, height=9)
    with pytest.raises(ValueError, match=r"labels/a\.txt: two images share this name"):
        write(builder.build(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["labels", "labels/train", "train/labels"])
def test_class_names_may_lie_among_the_labels_as_labelimg_writes_them(place: str, tmp_path: Path) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / "classes.txt").write_text("live\ndead\n")
    (folder / "a.txt").write_text("1 .5 .5 .2 .2\n")
    conversion = read(tmp_path, ImageIndex([ImageRecord(f"{place.replace('labels', 'images')}/a.png", 40, 40)]))
    assert conversion.annotations.categories == ("live", "dead")
    assert not conversion.findings


def test_a_label_of_an_image_called_classes_is_no_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/classes.txt").write_text("0 .5 .5 .2 .2\n")
    conversion = read(tmp_path, ImageIndex([ImageRecord("images/classes.png", 40, 40)]))
    assert conversion.annotations.n_objects == 1
