import logging

import pandas as pd
import pytest

from cell_pipelines.analysis.metadata import describe_images, metadata_findings

PATTERN = r"(?P<field>(?P<series>s\d+)_(?P<condition>[a-z]+))_(?P<frame>\d+)"
NAMES = ["a/s1_low_003.png", "a/s2_high_010.png"]
NOTHING = pd.DataFrame()


def test_groups_of_the_pattern_become_columns_and_frames_numbers():
    facts = describe_images(NAMES, pattern=PATTERN, table=NOTHING, key="field")
    assert facts["condition"].tolist() == ["low", "high"]
    assert facts["frame"].tolist() == [3.0, 10.0]
    assert facts["image"].tolist() == NAMES


@pytest.mark.parametrize("written", ["a/s1_low_003.png", "s1_low_003.png", "s1_low_003", "a/s1_low_003"])
def test_a_table_finds_its_image_by_path_file_or_stem(written):
    table = pd.DataFrame({"image": [written], "dose": [0.5], "well": ["B2"]})
    facts = describe_images(NAMES, pattern=None, table=table, key="image")
    assert facts["dose"].iloc[0] == 0.5 and facts["well"].iloc[0] == "B2"
    assert facts.iloc[1][["dose", "well"]].isna().all()


def test_a_table_of_fields_reaches_all_their_images():
    table = pd.DataFrame({"field": ["s1_low", "s2_high"], "dose": [1, 2], "series": ["s1", "s2"]})
    facts = describe_images([*NAMES, "a/s1_low_004.png"], pattern=PATTERN, table=table, key="field")
    assert facts["dose"].tolist() == [1.0, 2.0, 1.0]


def test_rows_that_say_the_same_count_once_and_rows_that_differ_are_refused():
    table = pd.DataFrame({"image": ["s1_low_003", "s1_low_003"], "dose": [1.0, 1.0]})
    assert describe_images(NAMES, pattern=None, table=table, key="image")["dose"].iloc[0] == 1.0
    with pytest.raises(ValueError, match="one thing of each image; 1 have rows that differ: s1_low_003"):
        describe_images(NAMES, pattern=None, table=table.assign(dose=[1.0, 2.0]), key="image")


def test_a_name_and_a_table_that_contradict_each_other_are_refused():
    table = pd.DataFrame({"field": ["s1_low"], "series": ["s9"]})
    with pytest.raises(ValueError, match="differ in series"):
        describe_images(NAMES, pattern=PATTERN, table=table, key="field")


def test_what_is_missing_or_wrong_is_said(caplog):
    with pytest.raises(ValueError, match="must have the column 'field'"):
        describe_images(NAMES, pattern=None, table=pd.DataFrame({"file": ["x"]}), key="field")
    with pytest.raises(ValueError, match="regular expression"):
        describe_images(NAMES, pattern="(", table=NOTHING, key="image")
    with pytest.raises(ValueError, match="`dose` of an image must be a number, got 'much'"):
        table = pd.DataFrame({"image": ["s1_low_003"], "dose": ["much"]})
        describe_images(NAMES, pattern=None, table=table, key="image")
    with caplog.at_level(logging.WARNING):
        describe_images(["other.png", *NAMES], pattern=PATTERN, table=NOTHING, key="image")
    assert "The pattern of image names does not fit this name. (1: other.png)" in caplog.text


def test_no_image_gives_no_row():
    assert describe_images([], pattern=PATTERN, table=NOTHING, key="field").empty


def test_numbers_keep_all_their_digits_and_keys_their_zeros():
    table = pd.DataFrame(
        {"image": ["s1_low_003", "s2_high_010"], "dose": [1234567.5, 0.123456789], "well": ["01", "02"]}
    )
    facts = describe_images(NAMES, pattern=None, table=table, key="image")
    assert facts["dose"].tolist() == [1234567.5, 0.123456789] and facts["well"].tolist() == ["01", "02"]
    numbered = pd.DataFrame({"series": [1234567.0, float("nan")], "dose": [1.0, 2.0]})
    found = describe_images(["s1234567.png"], pattern=r"s(?P<series>\d+)", table=numbered, key="series")
    assert found["dose"].tolist() == [1.0]


@pytest.mark.parametrize("key", ["field", "image"])
@pytest.mark.parametrize("names", [["a.png", "b.png"], ["a", "b"]])
def test_a_pattern_that_fits_no_name_leaves_the_columns_of_the_table(key, names):
    table = pd.DataFrame({"image": names, "condition": ["ctrl", "drug"], "series": ["s1", "s2"]})
    facts = describe_images(["a.png", "b.png"], pattern=PATTERN, table=table, key=key)
    assert facts["condition"].tolist() == ["ctrl", "drug"] and facts["series"].tolist() == ["s1", "s2"]


def test_a_table_fills_what_the_pattern_leaves_open():
    table = pd.DataFrame({"image": ["other"], "series": ["s7"]})
    facts = describe_images([*NAMES, "other.png"], pattern=PATTERN, table=table, key="image")
    assert facts["series"].tolist() == ["s1", "s2", "s7"]


@pytest.mark.parametrize("written", ["a/s1_low_003.png", "s1_low_003.png", "s1_low_003"])
@pytest.mark.parametrize("column", ["series", "frame"])
def test_contradictions_are_seen_however_the_image_is_named(written, column):
    table = pd.DataFrame({"image": [written], column: ["9"]})
    with pytest.raises(ValueError, match=f"differ in {column} of 1 of 2 images: a/s1_low_003.png has"):
        describe_images(NAMES, pattern=PATTERN, table=table, key="image")
    same = pd.DataFrame({"image": [written], "frame": ["3"]})
    assert describe_images(NAMES, pattern=PATTERN, table=same, key="image")["frame"].tolist() == [3.0, 10.0]


def test_names_without_a_partner_on_either_side_are_findings():
    table = pd.DataFrame({"image": ["s1_low_003", "typo"], "dose": [1, 2]})
    found = metadata_findings([*NAMES, "x.png"], pattern=PATTERN, table=table, key="image")
    assert found[["side", "name"]].to_numpy().tolist() == [
        ["image", "x.png"], ["image", "a/s2_high_010.png"], ["image", "x.png"], ["table", "typo"],
    ]  # fmt: skip
    assert metadata_findings(NAMES, pattern=PATTERN, table=NOTHING, key="image").empty


def test_accents_written_in_two_ways_are_one_name():
    table = pd.DataFrame({"image": ["Ze\u0301lle"], "dose": [1]})
    assert describe_images(["Z\u00e9lle.png"], pattern=None, table=table, key="image")["dose"].tolist() == [1.0]


def test_blanks_around_a_name_or_a_word_of_a_table_do_not_count():
    table = pd.DataFrame({"image": ["a.tif ", " b.tif"], "condition": ["control", "control "], "dose": [" ", "2"]})
    found = describe_images(["a.tif", "b.tif"], pattern=None, table=table, key="image")
    assert found["condition"].tolist() == ["control", "control"]
    assert found["dose"].isna().tolist() == [True, False]
