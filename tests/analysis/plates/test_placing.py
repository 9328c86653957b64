"""Images are put on wells by their names, and nothing is guessed."""

import pandas as pd
import pytest

from cell_pipelines.analysis.plates.placing import place_images
from cell_pipelines.analysis.plates.rules import PlateRules
from cell_pipelines.annotations.plate_index import IndexedImage
from cell_pipelines.annotations.plate_names import PlatePosition


def images(*names: str, **columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"image": list(names), "total": 1, **columns})


def test_wells_and_sites_come_from_the_names_of_a_plate_reader() -> None:
    placed = place_images(images("p_A01_s1_w1.tif", "p_A01_s2_w1.tif", "p_B02_s1_w1.tif"), [], PlateRules())
    assert placed["well"].tolist() == ["A01", "A01", "B02"] and placed["site"].tolist() == ["1", "2", "1"]


def test_images_that_failed_or_were_left_out_do_not_count() -> None:
    table = images("A01.tif", "A02.tif", "A03.tif", error=["", "damaged", None], left_out=["", "", "out of focus"])
    assert place_images(table, [], PlateRules())["well"].tolist() == ["A01"]


def test_the_plate_is_the_folder_or_the_beginning_of_the_name() -> None:
    table = images("p1/A01_w1.tif", "p10/A01_w1.tif", "p1_A02_w1.tif", "p10_A02_w1.tif")
    assert place_images(table, ["p1", "p10"], PlateRules())["plate"].tolist() == ["p1", "p10", "p1", "p10"]


def test_a_table_with_wells_needs_no_names() -> None:
    placed = place_images(pd.DataFrame({"well": ["A01"], "total": [3]}), ["x"], PlateRules())
    assert placed[["plate", "well"]].to_numpy().tolist() == [["x", "A01"]]


def test_one_channel_and_one_time_are_chosen() -> None:
    names = [f"TimePoint_{time}/p_A01_s1_w{channel}.tif" for time in (1, 2) for channel in (1, 2)]
    placed = place_images(images(*names), [], PlateRules(channel="2", time="1"))
    assert placed["image"].tolist() == ["TimePoint_1/p_A01_s1_w2.tif"]


def test_an_index_takes_the_place_of_names() -> None:
    index = [IndexedImage((plate, "a.tif"), PlatePosition("B02", site="1", channel="DAPI"), plate) for plate in "pq"]
    placed = place_images(images("q/a.tif", "p/a.tif"), ["p", "q"], PlateRules(channel="DAPI"), index)
    assert placed[["plate", "well"]].to_numpy().tolist() == [["q", "B02"], ["p", "B02"]]
    with pytest.raises(ValueError, match="1 of 1 images are not in the index files"):
        place_images(images("b.tif"), ["p", "q"], PlateRules(), index)


@pytest.mark.parametrize(
    ("table", "plates", "rules", "message"),
    [
        (images("field7.tif", "A01.tif"), [], {}, "1 of 2 image names say of no well, or of several .field7.tif."),
        (
            images("A01_w1.tif", "A01_w2.tif"),
            [],
            {},
            "image names tell 2 channels .1, 2.; choose one by `plates.channel`",
        ),
        (images("A01_w1.tif"), [], {"channel": "3"}, "`plates.channel` must be one of 1, got 3"),
        (images("A01.tif"), ["p", "q"], {}, "1 image names say of no plate of the layout"),
        (images("A01.tif", error=["damaged"]), [], {}, "none of its images was counted"),
        (pd.DataFrame({"total": [1]}), [], {}, "must have a column `image` or `well`, it has total"),
        (pd.DataFrame({"well": ["A01"]}), ["p", "q"], {}, "must have a column `plate`"),
    ],
)
def test_what_can_not_be_placed_is_a_sentence(
    table: pd.DataFrame, plates: list[str], rules: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        place_images(table, plates, PlateRules(**rules))
