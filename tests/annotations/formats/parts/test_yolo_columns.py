"""The meaning of the numbers behind a YOLO box: key points, scores, tracks; never guessed."""

import json
import os
from pathlib import Path

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import GEOMETRIES

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[4] / ".." / "shared" / "cases"))
BOX, TRIANGLE = "0 0.5 0.5 0.2 0.2", "0 0.1 0.1 0.5 0.1 0.5 0.5"


def _read(
    folder: Path, *files: str, description: str = "names: [cell]", option: dict[str, object] | None = None
) -> Conversion:
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "data.yaml").write_text(description)
    for number, text in enumerate(files):
        (folder / "labels" / f"{number}.txt").write_text(text)
    images = ImageIndex(ImageRecord(f"{number}.png", 100, 80) for number in range(len(files)))
    return read_annotations(folder, images, format="yolo", **(option or {}))


def _facts(conversion: Conversion) -> list[tuple[str, float | None, dict[str, object]]]:
    rows = conversion.annotations.objects.to_pylist()
    return [(GEOMETRIES[r["geometry"]], r["score"], json.loads(r["attributes"] or "{}")) for r in rows]


def test_key_points_that_are_declared_are_attributes_of_a_box(tmp_path: Path) -> None:
    text = f"{BOX} 0.45 0.45 2 0.55 0.55 0\n{BOX} 0.45 0.45 2 0.55 0.55 1 0.75\n{BOX} 0.4 0.4 2 0.5 0.5 1 0.5 7"
    conversion = _read(tmp_path, text, description="names: [cell]\nkpt_shape: [2, 3]")
    assert conversion.annotations.boxes.tolist() == [[40, 32, 60, 48]] * 3
    assert _facts(conversion) == [
        ("box", None, {"keypoints": pytest.approx([45, 36, 2, 55, 44, 0])}),
        ("box", 0.75, {"keypoints": pytest.approx([45, 36, 2, 55, 44, 1])}),
        ("box", 0.5, {"keypoints": pytest.approx([40, 32, 2, 50, 40, 1]), "track_id": 7}),
    ]
    assert not conversion.findings


def test_one_key_point_of_two_numbers_is_no_third_vertex(tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{BOX} 0.45 0.45", description="names: [cell]\nkpt_shape: [1, 2]")
    assert _facts(conversion) == [("box", None, {"keypoints": pytest.approx([45, 36])})]


def test_a_line_without_its_key_points_is_dropped(tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{BOX}\n{BOX} 0.4 0.4 2", description="names: [cell]\nkpt_shape: [1, 3]")
    assert (conversion.annotations.n_objects, conversion.objects_dropped) == (1, 1)
    assert (
        conversion.findings[0].reason
        == "expected 7 numbers for pose, got 3 less; the option `extra` says what follows them."
    )


def test_key_points_with_marks_of_visibility_are_recognised_and_suspect(tmp_path: Path) -> None:
    line = f"{BOX} 0.45 0.45 2 0.55 0.55 1 0 0 0"
    conversion = _read(tmp_path, line, f"{line}\n{line}")
    assert [fact[0] for fact in _facts(conversion)] == ["box"] * 3
    assert [f.action for f in conversion.findings] == ["suspect"]
    assert "3 key points" in conversion.findings[0].reason


def test_whole_numbers_beyond_one_are_tracks_in_all_files(tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{BOX} 1", f"{BOX} 1\n{BOX} 2\n{BOX}")
    assert _facts(conversion) == [
        ("box", None, {"track_id": 1}), ("box", None, {"track_id": 1}), ("box", None, {"track_id": 2}),
        ("box", None, {}),
    ]  # fmt: skip
    assert not conversion.findings


def test_labels_with_large_numbers_of_tracks_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "0.txt").write_text(f"{BOX} 0.5 712")
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("0.png", 100, 80)]))
    assert conversion.source_format == "yolo"
    assert _facts(conversion) == [("box", 0.5, {"track_id": 712})]


def test_fractions_are_scores_though_some_are_one(tmp_path: Path) -> None:
    assert [fact[1] for fact in _facts(_read(tmp_path, f"{BOX} 1\n{BOX} 0.5"))] == [1, 0.5]


def test_a_lone_one_is_neither_and_asked_for(tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{BOX} 1")
    assert _facts(conversion) == [("box", None, {})]
    [finding] = conversion.findings
    assert finding.action == "suspect"
    assert "may be a score or a track" in finding.reason
    assert _facts(_read(tmp_path, f"{BOX} 1", option={"extra": "score"})) == [("box", 1, {})]
    assert _facts(_read(tmp_path, f"{BOX} 1", option={"extra": "track_id"})) == [("box", None, {"track_id": 1})]


@pytest.mark.parametrize(("tail", "order"), [("0.75 3", "score track_id"), ("3 0.75", "track_id score")])
def test_score_and_track_behind_a_box_are_no_third_vertex(tail: str, order: str, tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{BOX} {tail}\n{BOX} {tail.replace('3', '1')}\n{BOX} 0.25")
    assert _facts(conversion) == [
        ("box", 0.75, {"track_id": 3}), ("box", 0.75, {"track_id": 1}), ("box", 0.25, {})
    ]  # fmt: skip
    same = _read(tmp_path, f"{BOX} {tail}", option={"extra": order})
    assert _facts(same) == [("box", 0.75, {"track_id": 3})]


def test_score_and_track_behind_a_polygon_are_no_vertex(tmp_path: Path) -> None:
    conversion = _read(tmp_path, f"{TRIANGLE} 0.75 3\n{TRIANGLE} 0.5 4")
    assert _facts(conversion) == [("polygon", 0.75, {"track_id": 3}), ("polygon", 0.5, {"track_id": 4})]
    assert [len(rings[0]) for rings in conversion.annotations.objects["rings"].to_pylist()] == [6, 6]


def test_six_numbers_that_may_be_a_triangle_leave_the_image_out_until_it_is_said(tmp_path: Path) -> None:
    line = f"{BOX} 0.75 1"
    conversion = _read(tmp_path, line)
    assert (conversion.annotations.n_images, conversion.objects_dropped) == (0, 1)
    assert "a triangle, or a box with its score and track" in conversion.findings[0].reason
    assert _facts(_read(tmp_path, line, option={"task": "detect"})) == [("box", 0.75, {"track_id": 1})]
    assert _facts(_read(tmp_path, line, option={"task": "segment", "extra": "score"}))[0][0] == "polygon"
    assert _facts(_read(tmp_path, line, description="names: [cell]\ntask: detect"))[0][0] == "box"


def test_triangles_with_ordinary_vertices_stay_triangles(tmp_path: Path) -> None:
    assert [fact[0] for fact in _facts(_read(tmp_path, f"{TRIANGLE}\n{BOX} 0.9 1"))] == ["polygon", "polygon"]


def test_oriented_boxes_keep_their_corners_and_what_follows_them(tmp_path: Path) -> None:
    corners = "0 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3"
    assert _facts(_read(tmp_path, corners)) == [("polygon", None, {})]
    assert _facts(_read(tmp_path, f"{corners} 0.75 1", option={"task": "obb"})) == [("polygon", 0.75, {"track_id": 1})]


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"task": "classify"}, ValueError, "`task` must be one of detect"),
        ({"extra": "confidence"}, ValueError, "`extra` must be one of none"),
        ({"keypoints": [17]}, AnnotationFormatError, "`kpt_shape` must be the number of key points"),
        ({"task": "pose"}, AnnotationFormatError, "nothing tells the number of key points"),
    ],
)
def test_what_is_declared_wrongly_is_an_error(
    option: dict[str, object], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        _read(tmp_path, BOX, option=option)


def test_data_yaml_beside_the_folder_of_labels_counts(tmp_path: Path) -> None:
    for place in ("labels", "labels/train", "train/labels"):
        root = tmp_path / place.replace("/", "_")
        (root / place).mkdir(parents=True)
        (root / "data.yaml").write_text("names: {0: neuron}\nkpt_shape: [1, 2]")
        (root / place / "0.txt").write_text(f"{BOX} 0.45 0.45")
        images = ImageIndex([ImageRecord("0.png", 100, 80)])
        conversion = read_annotations(root / place, images)
        assert conversion.annotations.categories == ("neuron",)
        assert _facts(conversion)[0][0] == "box"


def test_other_files_above_the_folder_of_labels_are_let_be(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "0.txt").write_text(BOX)
    (tmp_path / "compose.yml").write_text("names: &a [x]\nother: *a")
    (tmp_path / "people.yaml").write_text("names: [Ada, Grace]")
    images = ImageIndex([ImageRecord("0.png", 100, 80)])
    assert read_annotations(tmp_path / "labels", images).annotations.categories == ("class_0",)


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
@pytest.mark.parametrize(("case", "count"), [("pose_one_point", 1), ("track_id_only", 2)])
def test_strangers_poses_and_tracks_are_boxes(case: str, count: int) -> None:
    images = ImageIndex([ImageRecord("a.png", 100, 80)])
    conversion = read_annotations(CASES / "formats" / "yolo_pose_and_tracks" / case / "labels", images)
    assert conversion.annotations.boxes[0].tolist() == [40, 32, 60, 48]
    assert [(fact[0], fact[1]) for fact in _facts(conversion)] == [("box", None)] * count
