"""Copies of a field never stand on two sides, and the table says what decided the split."""

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cell_pipelines.annotations.building import from_boxes
from cell_pipelines.annotations.schema import IMAGE_SCHEMA
from cell_pipelines.annotations.splitting import LeakError
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.pipelines.data_preparation.splitting import find_near_duplicates, split_annotations

NONE = pd.DataFrame()


def parameters(**split):
    return PreparationParameters.model_validate({"split": split})


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Eight fields of cells, each as it is, mirrored and cropped, under names that say nothing."""
    folder, rng, files = tmp_path_factory.mktemp("copies"), np.random.default_rng(5), {}
    for number in range(8):
        image = np.full((200, 200), 30, dtype=np.uint8)
        for _ in range(25):
            centre, axes = tuple(map(int, rng.integers(0, 200, 2))), tuple(map(int, rng.integers(5, 14, 2)))
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, int(rng.integers(80, 220)), -1)
        for kind, changed in enumerate((image, image[:, ::-1], image[10:180, 15:175])):
            name = f"{'xkq'[kind]}{'abcdefgh'[number]}.png"
            write_image(np.ascontiguousarray(changed), folder / name)
            files[name] = ImageFile(folder / name)
    return files


def annotate(files, split=None):
    names = sorted(files)
    empty = [None] * len(names)
    columns = {"name": names, "width": [9] * len(names), "height": [9] * len(names), "split": split or empty}
    others = {name: empty for name in IMAGE_SCHEMA.names if name not in columns}
    return from_boxes(pa.table({**columns, **others}, schema=IMAGE_SCHEMA), ["cell"], [], [], [])


def test_copies_stay_on_one_side_of_our_own_split(copies):
    annotations = annotate(copies)
    pairs = find_near_duplicates(annotations, copies, parameters())
    for seed in range(4):
        prepared, summary = split_annotations(annotations, pairs, NONE, parameters(seed=seed))
        sides = dict(zip(prepared.names, prepared.images["split"].to_pylist(), strict=True))
        assert all(len({sides[f"{kind}{letter}.png"] for kind in "xkq"}) == 1 for letter in "abcdefgh")
        assert set(summary["pairs_apart"]) == {0}
        assert summary["pairs_alike"].iloc[0] >= 16
        assert summary["groups"].sum() == 8
        assert summary["decided_by"].iloc[0].startswith("whole groups dealt out at random")


def test_copies_on_two_sides_of_a_given_split_are_an_error_or_said_in_the_table(copies):
    annotations = annotate(copies, ["train", "val", "test"] * 8)
    pairs = find_near_duplicates(annotations, copies, parameters())
    with pytest.raises(LeakError, match="allow_near_duplicates"):
        split_annotations(annotations, pairs, NONE, parameters())
    _, summary = split_annotations(annotations, pairs, NONE, parameters(allow_near_duplicates=True))
    assert summary["pairs_apart"].iloc[0] > 0
    assert set(summary["decided_by"]) == {"the split of the source"}
    _, anew = split_annotations(annotations, pairs, NONE, parameters(keep_source=False))
    assert set(anew["pairs_apart"]) == {0}


def test_a_table_of_splits_goes_before_the_source(copies):
    annotations = annotate(copies, ["train"] * 24)
    table = pd.DataFrame(
        {"image": annotations.names, "split": ["val" if n[1] == "a" else "test" for n in annotations.names]}
    )
    prepared, summary = split_annotations(
        annotations, NONE.reindex(columns=["image", "other_image", "relation"]), table, parameters()
    )
    assert sorted(set(prepared.images["split"].to_pylist())) == ["test", "val"]
    assert set(summary["decided_by"]) == {"the table of splits"}


def test_images_of_a_single_field_can_not_be_divided(copies):
    one = {name: file for name, file in copies.items() if name[1] == "a"}
    annotations = annotate(one)
    pairs = find_near_duplicates(annotations, one, parameters())
    with pytest.raises(LeakError, match="3 images form 1 groups"):
        split_annotations(annotations, pairs, NONE, parameters())
    off = parameters(find_near_duplicates=False)
    prepared, _ = split_annotations(annotations, find_near_duplicates(annotations, one, off), NONE, off)
    assert set(prepared.images["split"].to_pylist()) == {"train", "val", "test"}
