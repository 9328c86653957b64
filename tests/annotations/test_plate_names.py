"""Well, site, channel and time from the names of plate readers."""

import pytest

from cell_pipelines.annotations.plate_names import read_plate_names

GUID = "CE70AD49-290D-4312-82E6-CDC717F32637"


@pytest.mark.parametrize(
    ("name", "well", "site", "channel", "time", "reader"),
    [
        ("Images/r02c05f03p01-ch1sk1fk1fl1.tiff", "B05", "3", "1", "1", "Opera or Operetta"),
        ("r16c24f09p02-ch3.tiff", "P24", "9", "3", None, "Opera or Operetta"),
        ("002005003.flex", "B05", "3", None, None, "Opera"),
        (f"IXMtest_A09_s1_w1{GUID}.tif", "A09", "1", "1", None, "ImageXpress"),
        ("plate/TimePoint_12/plate_B05_s3_w2.TIF", "B05", "3", "2", "12", "ImageXpress"),
        ("TimePoint_1/ZStep_4/plate_B05_w2.tif", "B05", None, "2", "1", "ImageXpress"),
        ("VID12_B5_1_2019y05m12d_10h00m.tif", "B05", "1", None, "2019y05m12d_10h00m", "IncuCyte"),
        ("Phase_H12_4_01d06h00m.tif", "H12", "4", None, "01d06h00m", "IncuCyte"),
        ("B5-Site_0/img_channel001_position004_time000000007_z002.tif", "B05", "0", "1", "7", "Micro-Manager"),
        ("B5-Site_2/img_000000003_DAPI_000.tif", "B05", "2", "DAPI", "3", "Micro-Manager"),
        ("run_1_MMStack_B5-Site_0.ome.tif", "B05", "0", None, None, "Micro-Manager"),
        ("p_AF48_T0001F003L01A01Z01C02.tif", "AF48", "3", "2", "1", "CellVoyager"),
        ("plate_B05f02d0.TIF", "B05", "2", "0", None, "ArrayScan"),
        ("B - 05(fld 3 wv DAPI - DAPI).tif", "B05", "3", "DAPI", None, "IN Cell"),
        ("plate.zarr/B/5/0", "B05", "0", None, None, "OME-Zarr"),
        ("B05.png", "B05", None, None, None, "a well in the name"),
        ("plate1/B05/field_2.png", "B05", "2", None, None, "a well in the name"),
        ("well_b5-s2-t03.jpg", "B05", "2", None, "3", "a well in the name"),
    ],
)
def test_names_say_where_an_image_was_taken(
    name: str, well: str, site: str | None, channel: str | None, time: str | None, reader: str
) -> None:
    (position,) = read_plate_names([name])
    assert position is not None
    assert (position.well, position.site, position.channel, position.time) == (well, site, channel, time)
    assert position.reader == reader


@pytest.mark.parametrize("name", ["field07.png", "A01_B02.png", "series1_condition2_blue.png", "r40c05f03p01-ch1.tiff"])
def test_a_name_without_one_well_says_nothing(name: str) -> None:
    assert read_plate_names([name]) == [None]


def test_a_pattern_takes_the_place_of_the_known_forms() -> None:
    names = ["x2y5-f3", "B05_s1_w1.tif"]
    first, second = read_plate_names(names, pattern=r"x(?P<row>\d)y(?P<column>\d)-f(?P<site>\d)")
    assert first is not None
    assert (first.well, first.site, second) == ("B05", "3", None)


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "must be a regular expression"), ("(?P<site>.)", "must have the group")]
)
def test_a_pattern_that_can_not_name_a_well_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_plate_names(["B05"], pattern=pattern)


@pytest.mark.parametrize("form", ["p_{}_s1.tif", "day 1/{}_f3.png", "{}-F02-T1.tif", "z3_{}.tif"])
def test_rows_that_could_be_channels_fields_or_times_are_read_like_the_others_of_their_plate(form):
    wells = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in (1, 2, 12)]
    found = read_plate_names([form.format(well) for well in wells])
    assert [position and position.well for position in found] == wells
    assert len({(position.site, position.channel, position.time, position.plane) for position in found}) == 1


def test_a_name_that_nothing_is_like_is_still_not_guessed():
    assert read_plate_names(["D01_F02.tif", "D02_F02.tif"]) == [None, None]
    assert read_plate_names(["A01_s1.tif", "x_D01_F02.tif"])[1] is None
    assert [one.well for one in read_plate_names(["D01.tif", "D02.tif"])] == ["D01", "D02"]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("{}/s{}.tif", (1, 2)), ("{}/f{}.tif", (1, 2)), ("{}/w{}.tif", (1,)), ("P1_{}.tif", ()),
        ("P{1}/{0}_F2.tif", (1, 2)),
        ("{}_R{}.tif", (1, 2, 3)), ("{}_F01.tif", ()), ("{0}/{0}_s{1}.tif", (1, 2)), ("d{1}/{0}.tif", (1, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", ["ABC", "BCEFG", "ABD", "DF"])
def test_the_part_with_several_rows_is_the_well_whatever_else_looks_like_one(form, values, rows):
    wells = [f"{row}{column:02d}" for row in rows for column in (1, 4)]
    names, expected = zip(
        *[(form.format(well, value), well) for well in wells for value in values or (0,)], strict=True
    )
    assert [position and position.well for position in read_plate_names(names)] == list(expected)


@pytest.mark.parametrize(
    "names",
    [("B01_R1.tif", "B01_R2.tif"), ("P1_A01.tif", "P1_A02.tif"), ("x_s1.tif", "x_s2.tif"), ("A01_B02", "C01_D02")],
)
def test_names_of_which_two_parts_or_none_could_be_the_well_are_refused(names):
    assert read_plate_names(names) == [None, None]


def test_a_field_that_is_called_like_the_well_is_one():
    names = ["p_F01_F01.tif", "p_F01_F02.tif", "p_A01_F01.tif"]
    assert [(one.well, one.site) for one in read_plate_names(names)] == [("F01", "1"), ("F01", "2"), ("A01", "1")]


def test_another_picture_among_the_images_of_a_plate_is_the_only_one_that_says_nothing():
    found = read_plate_names(["overview_1.tif", "B05_s1.tif", "C05_s1.tif"])
    assert [one and one.well for one in found] == [None, "B05", "C05"]
