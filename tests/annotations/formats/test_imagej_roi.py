"""ImageJ's ROIs: every kind is taken or dropped with its reason, and what is written comes back."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.imagej_roi import detect, read, write
from cell_pipelines.annotations.geometry.conventions import to_rings
from cell_pipelines.annotations.geometry.rings import polygon_area
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

INDEX = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])
TRIANGLE = [[10, 20], [30, 20], [30, 50]]


def _polygon(kind: ROI_TYPE = ROI_TYPE.POLYGON, points: Any = TRIANGLE, **fields: Any) -> ImagejRoi:
    roi = ImagejRoi.frompoints(points, name="x")
    roi.roitype, roi.name = kind, ""
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def _frame(kind: ROI_TYPE = ROI_TYPE.RECT, **fields: Any) -> ImagejRoi:
    return ImagejRoi(roitype=kind, left=10, top=20, right=30, bottom=50, **fields)


def _slanted(subtype: ROI_SUBTYPE, number: float) -> ImagejRoi:
    roi = _polygon(ROI_TYPE.FREEHAND, subtype=subtype, x1=20.0, y1=20.0, x2=50.0, y2=60.0)
    arrow, head, arc = struct.unpack(">BBh", struct.pack(">f", number))
    roi.arrow_style_or_aspect_ratio, roi.arrow_head_size, roi.rounded_rect_arc_size = arrow, head, arc
    return roi


def _composite(path: list[float]) -> ImagejRoi:
    return _frame(multi_coordinates=np.array(path, np.float32), shape_roi_size=len(path))


@pytest.fixture
def read_rois(tmp_path: Path) -> Callable[..., Conversion]:
    """Read ROIs from the archive of a.png."""

    def _read(*rois: ImagejRoi | bytes, **options: Any) -> Conversion:
        with zipfile.ZipFile(tmp_path / "a_RoiSet.zip", "w") as archive:
            for number, roi in enumerate(rois):
                archive.writestr(f"{number}.roi", roi if isinstance(roi, bytes) else roi.tobytes())
        assert detect(tmp_path)
        conversion = read(tmp_path, INDEX, **options)
        conversion.check()
        return conversion

    return _read


def _records(conversion: Conversion) -> list[dict[str, Any]]:
    names = conversion.annotations.categories
    records = conversion.annotations.objects.to_pylist()
    return [{**r, "class": names[r["category"]], "attributes": json.loads(r["attributes"] or "{}")} for r in records]


@pytest.mark.parametrize("seed", range(6))
def test_what_is_written_is_read_again(
    seed: int,
    tmp_path: Path,
    make_annotations: Callable[..., AnnotationSet],
    index_of: Callable[[AnnotationSet], ImageIndex],
    listed: Callable[[AnnotationSet], Any],
) -> None:
    annotations = make_annotations(seed, geometries=("box", "polygon"), scores=seed % 2 == 0)
    assert write(annotations, tmp_path) == ()
    assert detect(tmp_path)
    conversion = read(tmp_path, index_of(annotations))
    assert not conversion.findings
    before, after = listed(annotations), listed(conversion.annotations)
    assert set(before) == set(after)
    for name, objects in before.items():
        for one, other in zip(objects, after[name], strict=True):
            rings = one.pop("rings"), other.pop("rings")
            assert other == pytest.approx(one, abs=1e-3)
            for ring, again in zip(rings[0] or [], rings[1] or [], strict=True):
                assert again == pytest.approx(ring, abs=1e-3)


def test_points_ignored_regions_and_attributes_come_back(tmp_path: Path) -> None:
    attributes = {
        "name": "Zelle ü",
        "position": 3,
        "t_position": 2,
        "stroke_color": "#ff00ff00",
        "properties": {"who": "me: 50%"},
        "tags": ["\\", "😀", "\n"],
    }
    odd = {"name": "😀", "position": -1, "stroke_color": "red", "properties": {"score": "x"}, "counter": 3}
    builder = AnnotationBuilder(["cell", " größer: 50%\n😀\\ "])
    row = builder.add_image("a.png", width=100, height=80)
    for x in (3.25, 7.5, 100.0):
        builder.add_object(row, "cell", "point", (x, 4.5, x, 4.5), score=0.5)
    builder.add_object(row, "cell", "point", (0, 0, 0, 0))
    builder.add_box(row, " größer: 50%\n😀\\ ", (1, 2, 3, 4), crowd=True, attributes=odd)
    builder.add_polygon(row, "cell", [np.array([[0, 0], [9, 0], [5, 8.125]])], attributes=attributes, score=0.1)
    annotations = builder.build()
    write(annotations, tmp_path)
    again = read(tmp_path, INDEX).annotations
    names = [[s.categories[i] for i in s.category] for s in (annotations, again)]
    assert names[0] == names[1]
    assert again.objects.drop_columns(["category"]).equals(annotations.objects.drop_columns(["category"]))
    assert len(roifile.roiread(tmp_path / "a_RoiSet.zip")) == 4


def test_an_image_without_objects_is_kept(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    builder.add_image("a.png", width=100, height=80)
    write(builder.build(), tmp_path)
    conversion = read(tmp_path, ImageIndex([ImageRecord("a.png", 100, 80)]))
    assert conversion.annotations.names == ["a.png"]
    assert not conversion.findings


def test_the_same_set_gives_the_same_bytes(tmp_path: Path, make_annotations: Callable[..., AnnotationSet]) -> None:
    annotations = make_annotations(1, geometries=("polygon",))
    for folder in ("one", "two"):
        write(annotations, tmp_path / folder)
    for path in (tmp_path / "one").rglob("*.zip"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@pytest.mark.parametrize("kind", [ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED])
@pytest.mark.parametrize("dtype", [int, float])
def test_areas_are_polygons_in_pixel_edges(kind: ROI_TYPE, dtype: type, read_rois: Callable[..., Conversion]) -> None:
    [found] = _records(read_rois(_polygon(kind, np.array(TRIANGLE, dtype))))
    assert found["rings"] == [[10, 20, 30, 20, 30, 50]]
    assert found["class"] == "cell"


def test_rectangles_are_boxes_and_points_stand_in_the_centre_of_their_pixel(
    read_rois: Callable[..., Conversion],
) -> None:
    fine = _frame(xd=1.5, yd=2.25, widthd=3.0, heightd=4.0, options=ROI_OPTIONS.SUB_PIXEL_RESOLUTION)
    points = _polygon(ROI_TYPE.POINT, [[3, 4], [7, 8]])
    boxes = read_rois(_frame(), fine, points).annotations.boxes.tolist()
    assert boxes == [[10, 20, 30, 50], [1.5, 2.25, 4.5, 6.25], [3.5, 4.5, 3.5, 4.5], [7.5, 8.5, 7.5, 8.5]]


@pytest.mark.parametrize(
    ("roi", "area"),
    [
        (_frame(ROI_TYPE.OVAL), np.pi * 10 * 15),
        (_slanted(ROI_SUBTYPE.ELLIPSE, 0.5), np.pi * 25 * 12.5),
        (_slanted(ROI_SUBTYPE.ROTATED_RECT, 10.0), 500.0),
    ],
)
def test_ovals_ellipses_and_rotated_rectangles_keep_their_area(
    roi: ImagejRoi, area: float, read_rois: Callable[..., Conversion]
) -> None:
    conversion = read_rois(roi)
    [found] = _records(conversion)
    assert polygon_area(to_rings(found["rings"])) == pytest.approx(area, rel=0.003)
    centre = (np.array([found["x_min"], found["y_min"]]) + [found["x_max"], found["y_max"]]) / 2
    assert centre == pytest.approx([20, 35] if roi.roitype == ROI_TYPE.OVAL else [35, 40], abs=0.05)
    assert any("taken as polygons" in f.reason for f in conversion.findings if f.file.endswith("zip")) is (area != 500)


def test_a_composite_has_pieces_and_holes_and_curves(read_rois: Callable[..., Conversion]) -> None:
    outer = [0, 10, 10, 1, 50, 10, 1, 50, 50, 1, 10, 50, 4]
    hole = [0, 20, 20, 1, 30, 20, 1, 30, 30, 1, 20, 20, 4]
    curved = [0, 60, 10, 2, 70, 0, 80, 10, 3, 90, 20, 90, 30, 80, 40, 4]
    conversion = read_rois(_composite([*outer, *hole]), _composite(curved))
    holed, round_one = _records(conversion)
    assert holed["rings"] == [[10, 10, 50, 10, 50, 50, 10, 50], [20, 20, 30, 20, 30, 30]]
    assert len(round_one["rings"][0]) > 40
    assert any("1 curves" in f.reason for f in conversion.findings)


@pytest.mark.parametrize(
    ("roi", "reason"),
    [
        (_polygon(ROI_TYPE.LINE), "a line has no area"),
        (_polygon(ROI_TYPE.FREELINE), "a freehand line has no area"),
        (_polygon(ROI_TYPE.POLYLINE), "a line has no area"),
        (_polygon(ROI_TYPE.ANGLE), "an angle has no area"),
        (_frame(subtype=ROI_SUBTYPE.TEXT, text="hello"), "a text drawn over the image"),
        (_polygon(ROI_TYPE.LINE, subtype=ROI_SUBTYPE.ARROW), "an arrow drawn"),
        (_polygon(points=[[1, 2], [3, 4]]), "at least 3 vertices"),
        (_frame(ROI_TYPE.OVAL, options=ROI_OPTIONS.SUB_PIXEL_RESOLUTION, widthd=float("nan")), "make no area"),
        (_composite([0, 1, 1, 7, 3]), "its path breaks off"),
        (_composite([1, 1, 1]), "its path breaks off"),
        (b"", "can't be taken"),
        (b"Iout" + bytes(30), "can't be taken"),
        (b"text" * 50, "can't be taken"),
        (_polygon().tobytes()[:70], "can't be taken"),
    ],
)
def test_what_cannot_be_taken_is_dropped_with_its_reason(
    roi: Any, reason: str, read_rois: Callable[..., Conversion]
) -> None:
    conversion = read_rois(_frame(), roi)
    [finding] = [f for f in conversion.findings if f.action == "dropped"]
    assert reason in finding.reason
    assert (finding.file, finding.entry) == ("a_RoiSet.zip", "1.roi")
    assert conversion.annotations.n_objects == 1


def test_the_class_is_a_property_a_group_or_the_one_named(read_rois: Callable[..., Conversion]) -> None:
    rois = [_polygon(), _polygon(group=2), _polygon(group=3), _polygon(group=3, props="class: big\nscore: 0.5\nx: y\n")]
    found = _records(read_rois(*rois, class_name="neuron", group_names={2: "alive"}))
    assert [f["class"] for f in found] == ["neuron", "alive", "group_3", "big"]
    assert (found[3]["score"], found[3]["attributes"]) == (0.5, {"properties": {"x": "y"}})


def test_names_positions_and_colours_are_attributes(read_rois: Callable[..., Conversion]) -> None:
    [found] = _records(read_rois(_polygon(name="n", position=4, z_position=2, stroke_color=b"\xff\x00\xff\x00")))
    assert found["attributes"] == {"name": "n", "position": 4, "z_position": 2, "stroke_color": "#ff00ff00"}


def test_areas_filled_by_corners_are_moved_by_half_a_pixel(read_rois: Callable[..., Conversion]) -> None:
    rois = (_frame(), _polygon(), _polygon(ROI_TYPE.POINT, [[3, 4]]))
    boxes = read_rois(*rois, filled_by="corners").annotations.boxes.tolist()
    assert boxes[0] == [10, 20, 30, 50]
    assert boxes[1] == pytest.approx([10.5, 20.5, 30.5, 50.5], abs=2e-3)
    assert boxes[2] == [3.5, 4.5, 3.5, 4.5]
    with pytest.raises(ValueError, match="`filled_by` must be one of centres, corners, got 'edges'"):
        read_rois(filled_by="edges")
