"""Cells have positions, images have frames, and the truth names tracks."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.tracking.positions import (
    POSITION_COLUMNS,
    cell_positions,
    check_lineage,
    frames_of,
    true_tracks,
)
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet

Cells = Callable[..., tuple[AnnotationSet, pd.DataFrame]]


def labels(*places: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros((40, 40), np.int32)
    for value, row, column in places:
        image[row : row + 5, column : column + 3] = value
    return image


def test_centroids_and_areas_are_those_of_the_masks(make_cells: Cells) -> None:
    table = cell_positions(*make_cells([labels((3, 10, 20), (7, 0, 0)), labels()]))
    assert table[["row_px", "column_px", "area_px2"]].to_numpy().tolist() == [[12.0, 21.0, 15.0], [2.0, 1.0, 15.0]]
    assert table["object"].tolist() == [0, 1] and table["sequence"].unique().tolist() == ["all"]


def test_points_and_boxes_have_places_and_ignored_regions_do_not() -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a", height=9, width=9)
    builder.add_object(row, "cell", "point", (3.5, 4.5, 3.5, 4.5))
    builder.add_object(row, "cell", "box", (0, 0, 9, 9), crowd=True)
    builder.add_box(row, "cell", (0, 0, 4, 2))
    table = cell_positions(builder.build(), pd.DataFrame({"image": ["a"], "frame": [3]}))
    assert table["object"].tolist() == [0, 2] and table["row_px"].tolist() == [4.0, 0.5]
    assert np.isnan(table["area_px2"][0]) and table["area_px2"][1] == 8


def test_no_images_give_an_empty_table() -> None:
    table = cell_positions(AnnotationSet.empty(["cell"]), pd.DataFrame({"image": [], "frame": []}))
    assert table.empty and {name: str(dtype) for name, dtype in table.dtypes.items()} == POSITION_COLUMNS


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"image": ["t000.png", "t001.png"]}, "must have a `frame`.*Name it in `image_pattern`"),
        ({"image": ["t000.png"], "frame": [0]}, "must be a whole number for every image, got nan for 't001.png'"),
        ({"image": ["t000.png", "t001.png"], "frame": [0, 1.5]}, "must be a whole number for every image, got .*1.5"),
        ({"image": ["t000.png", "t001.png"], "frame": [4, 4]}, "got 't000.png' and 't001.png' for frame 4 of sequence"),
        ({"image": ["t000.png", "t001.png"], "frame": [0, 1], "sequence": ["a", None]}, "got none for 't001.png'"),
        ({"image": ["t000.png", "t000.png"], "frame": [0, 1]}, "one row per image, got several for 't000.png'"),
    ],
)
def test_frames_that_can_not_be_told_are_one_sentence(make_cells: Cells, facts: dict[str, list], sentence: str) -> None:
    cells, _ = make_cells([labels(), labels()])
    with pytest.raises(ValueError, match=sentence):
        frames_of(cells, pd.DataFrame(facts))


def test_the_truth_names_its_tracks_and_parents(make_cells: Cells) -> None:
    images = [labels((5, 3, 3)), labels((8, 0, 3), (9, 10, 3))]
    lineage = pd.DataFrame({"track": [5, 8, 9], "parent": [0, 5, 5]})
    linked = true_tracks(*make_cells(images), lineage=lineage)
    assert linked["track"].tolist() == [5, 8, 9] and linked["parent"].tolist() == [0, 5, 5]
    assert true_tracks(*make_cells([labels()])).empty


def test_a_cell_without_number_and_an_impossible_parent_are_refused(make_cells: Cells) -> None:
    cells, facts = make_cells([labels((5, 3, 3)), labels((5, 0, 3), (9, 10, 3))])
    with pytest.raises(ValueError, match="the attribute 'id' must be a track's number above 0, got None"):
        true_tracks(cells, facts, "id")
    with pytest.raises(ValueError, match=r"parent of track 9 .* must be one track that ends before it, got track 5"):
        true_tracks(cells, facts, lineage=pd.DataFrame({"track": [9], "parent": [5]}))
    check_lineage(true_tracks(cells, facts))


def _set_of(names: list[str]) -> AnnotationSet:
    builder = AnnotationBuilder(("cell",))
    for name in names:
        builder.add_image(name, height=9, width=9)
    return builder.build()


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([0, 10, 20, 30], [0, 1, 2, 3]),
        ([5, 15, 35], [0, 1, 3]),
        ([100, 110, 120], [10, 11, 12]),
        ([0, 10], [0, 10]),
        ([0, 1, 11], [0, 1, 11]),
        ([0, 30, 40, 90], [0, 30, 40, 90]),
    ],
)
def test_frames_that_go_in_steps_are_numbered_one_by_one(frames: list[int], expected: list[int]) -> None:
    names = [f"t{frame}" for frame in frames]
    told = frames_of(_set_of(names), pd.DataFrame({"image": names, "frame": frames}))
    assert told["frame"].tolist() == expected


def test_sequences_of_different_steps_keep_their_frames() -> None:
    names = [f"{sequence}{frame}" for sequence in "ab" for frame in (0, 10, 20)]
    facts = pd.DataFrame({"image": names, "sequence": list("aaabbb"), "frame": [0, 10, 20, 0, 1, 2]})
    assert frames_of(_set_of(names), facts)["frame"].tolist() == [0, 10, 20, 0, 1, 2]
