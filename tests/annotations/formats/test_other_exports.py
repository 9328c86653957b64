"""Further files of formats that are read: COCO results, single tasks of Label Studio, sessions of TrackMate."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import FilePlane, ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import GEOMETRIES

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases"))
ONE = ImageIndex([ImageRecord("a.png", 100, 80)])
MASK = {"size": [80, 100], "counts": [160, 5, 75, 5, 7755]}


def _result(image: Any, category: int = 1, **shape: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "score": 0.5, **(shape or {"bbox": [1, 2, 5, 6]})}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def test_results_are_those_of_the_images_whose_names_end_in_their_numbers(tmp_path: Path) -> None:
    _write(tmp_path / "results.json", [_result(7), _result(139, 3, segmentation=MASK), _result(7)])
    index = ImageIndex(ImageRecord(name, 100, 80) for name in ("000000000139.jpg", "val_000007.jpg", "a.jpg"))
    conversion = read_annotations(tmp_path, index)
    names = [conversion.annotations.names[row] for row in conversion.annotations.image_index]
    assert names == ["val_000007.jpg", "000000000139.jpg", "val_000007.jpg"]
    assert conversion.annotations.categories == ("class_1", "class_3")
    assert conversion.annotations.scores.tolist() == [0.5] * 3
    assert [GEOMETRIES[g] for g in conversion.annotations.objects["geometry"].to_pylist()] == ["box", "mask", "box"]


def test_numbers_of_results_are_looked_up_in_a_list_of_images_beside_them(tmp_path: Path) -> None:
    listed = {
        "images": [{"id": 5, "file_name": "a.png", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "live"}, {"id": 2, "name": "dead"}], "annotations": [],
    }  # fmt: skip
    _write(tmp_path / "image_info.json", listed)
    _write(tmp_path / "results.json", [_result(5, 2)])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.categories == ("live", "dead")
    assert conversion.annotations.category.tolist() == [1]
    assert not conversion.findings


def test_results_beside_ground_truth_are_left_out_and_listed(tmp_path: Path) -> None:
    truth = {
        "images": [{"id": 5, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{"id": 1, "image_id": 5, "category_id": 1, "bbox": [1, 1, 5, 5]}],
    }  # fmt: skip
    _write(tmp_path / "truth.json", truth)
    _write(tmp_path / "results.json", [_result(5), _result(5)])
    conversion = read_annotations(tmp_path, ONE, format="coco")
    assert conversion.annotations.boxes.tolist() == [[1, 1, 6, 6]]
    assert conversion.objects_dropped == 2
    assert any("beside the annotations of truth.json" in f.reason for f in conversion.findings)


def test_results_of_images_that_nothing_names_are_asked_for(tmp_path: Path) -> None:
    _write(tmp_path / "results.json", [_result(5), _result(6)])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.objects_dropped == 2
    assert "nothing says which images the numbers 5, 6 are" in conversion.findings[0].reason


def test_the_only_number_is_taken_for_the_only_image_and_is_suspect(tmp_path: Path) -> None:
    _write(tmp_path / "results.json", [_result(5)])
    conversion = read_annotations(tmp_path, ONE)
    assert conversion.annotations.boxes.tolist() == [[1, 2, 6, 8]]
    with pytest.raises(AnnotationFormatError, match="the only image number, 5"):
        conversion.check_strict()


@pytest.mark.parametrize("form", ["annotation", "task"])
def test_a_file_of_one_task_of_label_studio_is_read(form: str, tmp_path: Path) -> None:
    value = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["cell"]}
    result = [{"original_width": 100, "original_height": 80, "value": value, "type": "rectanglelabels"}]
    task = {"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-a.png"}}
    contents = {
        "annotation": {"id": 5, "result": result, "task": task}, "task": {**task, "annotations": [{"result": result}]},
    }  # fmt: skip
    _write(tmp_path / "1.json", contents[form])
    conversion = read_annotations(tmp_path, ONE)
    assert (conversion.source_format, conversion.annotations.boxes.tolist()) == ("label_studio", [[10, 8, 30, 24]])


SESSION = """<?xml version="1.0"?><TrackMate version="7.11"><Model spatialunits="{unit}" timeunits="sec"><AllSpots>
<SpotsInFrame frame="0"><Spot ID="1" VISIBILITY="1" POSITION_X="10" POSITION_Y="20" POSITION_Z="0" FRAME="0" RADIUS="4"
 ROI_N_POINTS="3">-2 -2 2 -2 2 2</Spot><Spot ID="2" VISIBILITY="0" POSITION_X="1" POSITION_Y="1" FRAME="0"/>
</SpotsInFrame><SpotsInFrame frame="1"><Spot ID="3" VISIBILITY="1" POSITION_X="11" POSITION_Y="20" FRAME="1"/>
</SpotsInFrame></AllSpots>
<AllTracks><Track TRACK_ID="4"><Edge SPOT_SOURCE_ID="1" SPOT_TARGET_ID="3"/></Track></AllTracks>
<FilteredTracks><TrackID TRACK_ID="4"/></FilteredTracks></Model>
<Settings><ImageData filename="film.tif" pixelwidth="{size}" pixelheight="{size}" nslices="1" nframes="2"/></Settings>
</TrackMate>"""


def _film() -> ImageIndex:
    planes = (FilePlane("film.tif", (2, 1, 1), time, 0) for time in (0, 1))
    return ImageIndex(ImageRecord(f"film.tif/t{p.time:04d}", 100, 80, plane=p) for p in planes)


def test_a_session_of_trackmate_gives_its_visible_spots_in_pixels_to_the_images_of_their_frames(tmp_path: Path) -> None:
    (tmp_path / "session.xml").write_text(SESSION.format(unit="micron", size="0.5"))
    conversion = read_annotations(tmp_path, _film())
    annotations = conversion.annotations
    assert annotations.names == ["film.tif/t0000", "film.tif/t0001"]
    assert annotations.boxes.tolist() == [[16.5, 36.5, 24.5, 44.5], [22.5, 40.5, 22.5, 40.5]]
    assert [GEOMETRIES[g] for g in annotations.objects["geometry"].to_pylist()] == ["polygon", "point"]
    assert [json.loads(a)["TRACK_ID"] for a in annotations.objects["attributes"].to_pylist()] == [4, 4]
    assert [f.reason for f in conversion.findings] == ["1 spots that TrackMate's filters hide are left out."]


def test_a_simple_export_of_tracks_is_read(tmp_path: Path) -> None:
    detections = '<detection t="0" x="3" y="4" z="0"/><detection t="1" x="5" y="4" z="0"/>'
    text = f'<Tracks nTracks="1" spaceUnits="pixel"><particle nSpots="2">{detections}</particle></Tracks>'
    (tmp_path / "film_Tracks.xml").write_text(text)
    conversion = read_annotations(tmp_path, _film())
    assert conversion.annotations.boxes[:, :2].tolist() == [[3.5, 4.5], [5.5, 4.5]]
    assert conversion.annotations.image_index.tolist() == [0, 1]


def test_a_session_without_a_unit_is_suspect_and_damaged_spots_are_dropped(tmp_path: Path) -> None:
    text = SESSION.format(unit="", size="").replace('POSITION_X="11"', 'POSITION_X="far"')
    (tmp_path / "film.xml").write_text(text)
    conversion = read_annotations(tmp_path, _film())
    assert (conversion.annotations.n_objects, conversion.objects_dropped) == (1, 1)
    assert "suspect" in {f.action for f in conversion.findings}


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
@pytest.mark.parametrize(
    ("case", "boxes"),
    [("trackmate_xml", [[10.5, 20.5, 10.5, 20.5]]), ("label_studio_task_dict", [[10, 8, 30, 24]]),
     ("coco_results", [[1, 1, 6, 6]])],
)  # fmt: skip
def test_strangers_files_of_known_formats_are_read(case: str, boxes: list[list[float]]) -> None:
    folder = CASES / "formats" / "formats_without_a_hint" / case / "labels"
    assert read_annotations(folder, ONE).annotations.boxes.tolist() == boxes


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
@pytest.mark.parametrize(("case", "hint"), [("aperio_xml", "ImageScope"), ("cellpose_outlines", "list of outlines")])
def test_strangers_files_of_other_tools_are_called_by_their_name(case: str, hint: str) -> None:
    folder = CASES / "formats" / "formats_without_a_hint" / case / "labels"
    with pytest.raises(AnnotationFormatError, match=hint):
        read_annotations(folder, ONE)
