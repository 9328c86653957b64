"""ImageJ ROIs with any byte changed."""

import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from cell_pipelines.annotations.formats.imagej_roi import read, write
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

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


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_byte_at_any_place_gives_findings_only(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(
        data.draw(
            st.sampled_from(
                [
                    _polygon(name="abc", props="class: x\n"),
                    _frame(),
                    _slanted(ROI_SUBTYPE.ELLIPSE, 0.5),
                    _polygon(ROI_TYPE.POINT),
                    _composite([0, 10, 10, 1, 50, 10, 1, 50, 50, 4]),
                    _polygon(points=np.array(TRIANGLE, float)),
                ]
            )
        ).tobytes()
    )
    for place in data.draw(st.lists(st.integers(4, len(whole) - 1), max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("fuzzed")
    with zipfile.ZipFile(folder / "a_RoiSet.zip", "w") as archive:
        archive.writestr("1.roi", bytes(whole))
    conversion = read(folder, INDEX)
    conversion.check()
    write(conversion.annotations, folder / "again")
