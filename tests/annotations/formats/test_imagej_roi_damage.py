"""ImageJ ROIs with any byte changed."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roifile import ROI_SUBTYPE, ROI_TYPE

from cell_pipelines.annotations.formats.imagej_roi import read, write

from .test_imagej_roi import INDEX, TRIANGLE, _composite, _frame, _polygon, _slanted


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
