"""Objects that name the plane of a film or stack: each goes to the image of that plane, and to no other."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import FilePlane, ImageIndex, ImageRecord
from cell_pipelines.imaging.description import ImageSelection
from cell_pipelines.imaging.reading import list_image_files
from cell_pipelines.workflows.survey import survey_image, to_record

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[4] / ".." / "shared" / "cases"))
# Where the object of each frame lies: 20, 21 and 22 rows down.
ROWS = (20, 21, 22)
Writer = Callable[[Path], None]


def _film(*times: int) -> ImageIndex:
    """A film of three frames of which some were read: one as itself, several as images of their own."""
    each = len(times) > 1
    planes = [(f"film.tif/t{t:04d}" if each else "film.tif", FilePlane("film.tif", (3, 1, 1), t, 0)) for t in times]
    return ImageIndex(ImageRecord(name, 100, 80, plane=plane) for name, plane in planes)


def _roi_set(folder: Path, key: str = "t_position") -> None:
    rois = []
    for number, row in enumerate(ROWS, start=1):
        roi = roifile.ImagejRoi.frompoints([[30, row], [34, row], [34, row + 4]])
        setattr(roi, key, number)
        rois.append(roi)
    roifile.roiwrite(folder / "film_RoiSet.zip", rois, name=["1", "2", "3"])


def _rois_of_the_whole_stack(folder: Path) -> None:
    _roi_set(folder, "position")


def _single_rois(folder: Path) -> None:
    for number, row in enumerate(ROWS, start=1):
        roi = roifile.ImagejRoi.frompoints([[30, row], [34, row], [34, row + 4]])
        roi.t_position = number
        (folder / "film").mkdir(exist_ok=True)
        roi.tofile(folder / "film" / f"000{number}-0030.roi")


def _napari(folder: Path) -> None:
    lines = [f"{i},{i}.0,{row}.0,30.0" for i, row in enumerate(ROWS)]
    (folder / "film.csv").write_text("\n".join(["index,axis-0,axis-1,axis-2", *lines]))


def _trackmate(folder: Path) -> None:
    lines = [f"{i},30,{row},{i}" for i, row in enumerate(ROWS)]
    (folder / "film.csv").write_text("\n".join(["ID,POSITION_X,POSITION_Y,FRAME", *lines]))


def _imagej_results(folder: Path) -> None:
    lines = [f"{i},30,{row},{i}" for i, row in enumerate(ROWS, start=1)]
    (folder / "film.csv").write_text("\n".join([" ,X,Y,Frame", *lines]))


def _qupath(folder: Path) -> None:
    features = []
    for time, row in enumerate(ROWS):
        plane: dict[str, Any] = {"plane": {"c": -1, "z": 0, "t": time}} if time else {}
        ring = [[30, row], [34, row], [34, row + 4], [30, row]]
        geometry = {"type": "Polygon", "coordinates": [ring], **plane}
        features.append({"type": "Feature", "properties": {"objectType": "annotation"}, "geometry": geometry})
    (folder / "film.geojson").write_text(json.dumps(features))


WRITERS = [_roi_set, _rois_of_the_whole_stack, _single_rois, _napari, _trackmate, _imagej_results, _qupath]
writers = pytest.mark.parametrize("write", WRITERS)


def _found(conversion: Conversion) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {name: [] for name in conversion.annotations.names}
    for row, y in zip(conversion.annotations.image_index, np.floor(conversion.annotations.boxes[:, 1]), strict=True):
        found[conversion.annotations.names[row]].append(int(y))
    return found


@writers
def test_an_object_goes_to_the_image_of_its_frame(write: Writer, tmp_path: Path) -> None:
    write(tmp_path)
    conversion = read_annotations(tmp_path, _film(0, 1, 2))
    assert _found(conversion) == {f"film.tif/t{t:04d}": [row] for t, row in enumerate(ROWS)}
    assert not [f for f in conversion.findings if "unit" not in f.reason]


@writers
@pytest.mark.parametrize("time", [0, 1, 2])
def test_of_the_one_frame_that_was_read_only_its_own_objects_are_taken(
    write: Writer, time: int, tmp_path: Path
) -> None:
    write(tmp_path)
    conversion = read_annotations(tmp_path, _film(time))
    assert _found(conversion) == {"film.tif": [ROWS[time]]}
    assert conversion.objects_dropped == 2
    assert all(f"time {time} was read." in f.reason for f in conversion.findings if f.action == "dropped")


@writers
def test_an_image_of_one_plane_takes_none_of_several_unless_it_is_said(write: Writer, tmp_path: Path) -> None:
    write(tmp_path)
    index = ImageIndex([ImageRecord("film.tif", 100, 80, plane=FilePlane("film.tif"))])
    conversion = read_annotations(tmp_path, index)
    assert (conversion.annotations.n_objects, conversion.objects_dropped) == (0, 3)
    assert any("`planes: ignore` takes all of them" in f.reason for f in conversion.findings)
    assert read_annotations(tmp_path, index, planes="ignore").annotations.n_objects == 3


def test_an_image_of_which_the_planes_are_unknown_takes_all_and_is_suspect(tmp_path: Path) -> None:
    _roi_set(tmp_path)
    conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("film.tif", 100, 80)]))
    assert conversion.annotations.n_objects == 3
    assert [f.action for f in conversion.findings] == ["suspect"]


def test_objects_of_one_plane_in_an_image_of_one_plane_are_taken_and_noted(tmp_path: Path) -> None:
    roi = roifile.ImagejRoi.frompoints([[30, 20], [34, 20], [34, 24]])
    roi.z_position = 7
    roifile.roiwrite(tmp_path / "a_RoiSet.zip", [roi, roi], name=["1", "2"])
    index = ImageIndex([ImageRecord("a.png", 100, 80, plane=FilePlane("a.png"))])
    conversion = read_annotations(tmp_path, index)
    assert conversion.annotations.n_objects == 2
    assert [f.action for f in conversion.findings] == ["noted"]


def test_depths_choose_too_and_a_projection_holds_all(tmp_path: Path) -> None:
    _roi_set(tmp_path, "z_position")
    for z, count in ((1, 1), (None, 3)):
        plane = FilePlane("film.tif", (1, 3, 1), 0, z)
        conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("film.tif", 100, 80, plane=plane)]))
        assert conversion.annotations.n_objects == count


def test_a_plane_of_the_whole_stack_counts_channels_first_and_time_last(tmp_path: Path) -> None:
    roi = roifile.ImagejRoi.frompoints([[30, 20], [34, 20], [34, 24]])
    # Channel 2 of 2, depth 3 of 4, time 2 of 5.
    roi.position = 1 + 1 + 2 * 2 + 1 * 8
    roifile.roiwrite(tmp_path / "film_RoiSet.zip", [roi], name=["1"])
    for time, z, count in ((1, 2, 1), (1, 1, 0), (0, 2, 0)):
        plane = FilePlane("film.tif", (5, 4, 2), time, z)
        conversion = read_annotations(tmp_path, ImageIndex([ImageRecord("film.tif", 100, 80, plane=plane)]))
        assert conversion.annotations.n_objects == count


def test_an_object_without_a_frame_belongs_to_the_one_that_was_read_and_to_none_of_several(tmp_path: Path) -> None:
    roi = roifile.ImagejRoi.frompoints([[30, 20], [34, 20], [34, 24]])
    roifile.roiwrite(tmp_path / "film_RoiSet.zip", [roi], name=["1"])
    assert read_annotations(tmp_path, _film(1)).annotations.n_objects == 1
    several = read_annotations(tmp_path, _film(0, 1, 2))
    assert several.objects_dropped == 1
    assert "no plane is not one of the 3 images" in several.findings[0].reason


def _survey(folder: Path, selection: ImageSelection) -> ImageIndex:
    return ImageIndex(map(to_record, map(survey_image, list_image_files(folder, selection).items())))


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
@pytest.mark.parametrize(("case", "counts"), [("roi", [1, 2, 3]), ("napari", [1, 1, 1])])
def test_strangers_objects_of_a_film_are_in_their_frames(case: str, counts: list[int]) -> None:
    folder = CASES / "formats" / "planes_and_frames" / case
    first = read_annotations(folder, _survey(folder, ImageSelection(time=0)))
    assert first.annotations.n_objects == 1
    each = read_annotations(folder, _survey(folder, ImageSelection(time="each")))
    assert [len(rows) for rows in _found(each).values()] == counts
