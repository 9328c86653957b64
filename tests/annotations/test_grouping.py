"""Groups by a pattern, by `image_pattern` or by names; splits that were stated; images of one field on one side."""

import pandas as pd
import pyarrow as pa
import pytest

from cell_pipelines.annotations.building import from_boxes
from cell_pipelines.annotations.grouping import choose_groups, join_alike, state_split
from cell_pipelines.annotations.schema import IMAGE_SCHEMA
from cell_pipelines.annotations.splitting import LeakError, split_images

NONE = pd.DataFrame()
SERIES = r"(?P<field>(?P<series>s\d)_(?P<condition>\w)_f\d)"


def make(names, split=None):
    empty = [None] * len(names)
    columns = {"name": names, "width": [9] * len(names), "height": [9] * len(names), "split": split or empty}
    others = {name: empty for name in IMAGE_SCHEMA.names if name not in columns}
    return from_boxes(pa.table({**columns, **others}, schema=IMAGE_SCHEMA), ["cell"], [], [], [])


def groups(annotations):
    return annotations.images["group"].to_pylist()


def splits(annotations):
    return annotations.images["split"].to_pylist()


def test_series_of_the_image_pattern_serve_the_split():
    names = [f"s{s}_{c}_f{f}.png" for s in range(4) for c in "ab" for f in range(2)]
    grouped, reason = choose_groups(make(names), "auto", SERIES)
    assert groups(grouped) == [name[:2] for name in names]
    assert reason == "the series in `image_pattern`"


def test_two_series_are_too_few_and_fields_are_taken():
    names = [f"s{s}_{c}_f{f}.png" for s in range(2) for c in "ab" for f in range(2)]
    grouped, reason = choose_groups(make(names), "auto", SERIES)
    assert groups(grouped) == [name[:-4] for name in names]
    assert "field" in reason


def test_an_image_pattern_that_does_not_fit_leaves_it_to_the_names():
    grouped, reason = choose_groups(make([f"x{i}_{c}.png" for i in range(4) for c in ("blue", "red")]), "auto", SERIES)
    assert len(set(groups(grouped))) == 4
    assert "channels of one field" in reason


def test_without_a_pattern_each_image_stands_for_itself():
    grouped, reason = choose_groups(make(["a_blue.png", "a_red.png"]), None)
    assert len(set(groups(grouped))) == 2
    assert reason.startswith("none")


def test_a_pattern_of_sides_is_no_pattern_of_groups():
    with pytest.raises(ValueError, match="give it as `split_pattern`"):
        choose_groups(make(["train/a.png", "test/b.png"]), "train|val|test")


def test_groups_by_names_give_way_to_a_split_that_tears_them():
    names = [f"film{i}_t{t}.png" for i in range(3) for t in range(2)]
    grouped, reason = choose_groups(make(names, ["train", "test"] * 3), "auto")
    assert len(set(groups(grouped))) == 6
    assert "stand on two sides of the split that was given" in reason


@pytest.mark.parametrize("word", ["val", "valid", "Validation", "dev"])
def test_a_split_is_stated_by_a_pattern_or_a_table(word):
    names = [f"{word}/a.png", "train/b.png"]
    by_pattern, source = state_split(make(names, ["test", None]), NONE, r"(?P<split>^\w+)/")
    assert (splits(by_pattern), source) == (["val", "train"], "`split_pattern`")
    table = pd.DataFrame({"image": names[::-1], "split": ["train", word]})
    by_table, source = state_split(make(names), table, None)
    assert (splits(by_table), source) == (["val", "train"], "the table of splits")
    assert state_split(make(names), NONE, None)[1] == ""


@pytest.mark.parametrize(
    ("table", "pattern", "message"),
    [
        (pd.DataFrame({"image": ["a.png"]}), None, "columns image and split, got image"),
        (pd.DataFrame({"image": ["b.png"], "split": ["train"]}), None, "must name every image; 'a.png' is not in it"),
        (pd.DataFrame({"image": ["a.png"], "split": ["left"]}), None, "one of train, val and test, got 'left'"),
        (pd.DataFrame({"image": ["a.png"], "split": ["train"]}), "(?P<split>a)", "got both"),
        (NONE, "a", r"must have a group `split`"),
        (NONE, "(?P<split>x)", "does not fit 'a.png'"),
        (NONE, "(", "must be a regular expression"),
    ],
)
def test_a_stated_split_that_can_not_be_read_gets_a_sentence(table, pattern, message):
    with pytest.raises(ValueError, match=message):
        state_split(make(["a.png"]), table, pattern)


def test_images_of_one_field_are_one_group_also_by_way_of_a_third():
    names = [f"{i}.png" for i in range(6)]
    grouped, _ = choose_groups(make(names), None)
    joined = join_alike(grouped, [("0.png", "3.png", ""), ("3.png", "5.png", ""), ("1.png", "2.png", "")])
    assert groups(joined) == ["0.png", "1.png", "1.png", "0.png", "4.png", "0.png"]
    for seed in range(5):
        side = splits(split_images(joined, {"train": 0.5, "val": 0.25, "test": 0.25}, seed=seed))
        assert side[0] == side[3] == side[5]
        assert side[1] == side[2]


def test_images_of_one_field_on_two_sides_of_a_given_split_are_an_error_unless_allowed():
    names = ["a.png", "b.png", "c.png"]
    grouped, _ = choose_groups(make(names, ["train", "test", "train"]), None)
    pairs = [("a.png", "b.png", "mirrored"), ("a.png", "c.png", "the same field")]
    with pytest.raises(LeakError, match=r"1 pairs .* a\.png \(train\) and b\.png \(test\): mirrored"):
        join_alike(grouped, pairs)
    allowed = join_alike(grouped, pairs, allow=True)
    assert groups(allowed) == ["a.png", "b.png", "a.png"]
    assert splits(split_images(allowed, {"train": 1, "val": 0, "test": 0}, seed=0)) == ["train", "test", "train"]
