"""Index files of plate readers."""

import json
from pathlib import Path

import pytest

from cell_pipelines.annotations.plate_index import locate_images, read_plate_index


def write_harmony(folder: Path, plate: str, *, in_maps: bool = False) -> None:
    """Write an index with two channels of one field, their names in the images or, as version 6 has it, in maps."""
    folder.mkdir(parents=True)
    name = "" if in_maps else "<ChannelName>{}</ChannelName>"
    images = "".join(
        f"<Image Version='1'><id>1</id><State>Ok</State><URL>r02c05f03p01-ch{number}sk1fk1fl1.tiff</URL><Row>2</Row>"
        f"<Col>5</Col><FieldID>3</FieldID><PlaneID>1</PlaneID><TimepointID>1</TimepointID><ChannelID>{number}</ChannelID>"
        f"{name.format(channel)}</Image>"
        for number, channel in ((1, "HOECHST 33342"), (2, "Alexa 488"))
    )
    entries = "<Entry ChannelID='1'><ChannelName>HOECHST 33342</ChannelName></Entry>" if in_maps else ""
    (folder / "Index.idx.xml").write_text(
        "<?xml version='1.0' encoding='utf-8'?><EvaluationInputData xmlns='http://www.perkinelmer.com/PEHH/HarmonyV5'>"
        f"<Plates><Plate><PlateID>{plate}</PlateID></Plate></Plates><Maps><Map>{entries}</Map></Maps>"
        f"<Images>{images}</Images></EvaluationInputData>",
        encoding="utf-8",
    )


@pytest.mark.parametrize("in_maps", [False, True])
def test_harmonys_index_gives_channels_by_name_and_the_plate(tmp_path: Path, *, in_maps: bool) -> None:
    write_harmony(tmp_path / "p7" / "Images", "p7", in_maps=in_maps)
    (first, *_) = read_plate_index(tmp_path)
    assert (first.position.well, first.position.site, first.position.channel) == ("B05", "3", "HOECHST 33342")
    assert first.plate == "p7"


def test_images_of_one_name_on_two_plates_are_told_by_their_folders(tmp_path: Path) -> None:
    for plate in ("p1", "p2"):
        write_harmony(tmp_path / plate / "Images", plate)
    index = read_plate_index(tmp_path)
    name = "Images/r02c05f03p01-ch1sk1fk1fl1.tiff"
    located = locate_images([f"p1/{name}", f"p2/{name}", name, "other.tiff"], index)
    assert [None if one is None else one.plate for one in located] == ["p1", "p2", None, None]


def test_micro_managers_metadata_gives_well_site_channel_and_time(tmp_path: Path) -> None:
    folder = tmp_path / "B5-Site_2"
    folder.mkdir()
    file = "img_channel000_position004_time000000001_z000.tif"
    frame = {"FileName": f"B5-Site_2/{file}", "PositionName": "B5-Site_2", "ChannelIndex": 0, "Frame": 1, "Slice": 0}
    content = {"Summary": {"ChNames": ["DAPI"]}, f"Metadata-{file}": frame, "Coords-x": {"z": 0}}
    (folder / "metadata.txt").write_text(json.dumps(content), encoding="utf-8")
    (located,) = locate_images([f"B5-Site_2/{file}"], read_plate_index(tmp_path))
    assert located is not None
    position = located.position
    assert (position.well, position.site, position.channel, position.time) == ("B05", "2", "DAPI", "1")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("notes.csv", "", "expected an index of Harmony .* there is none"),
        ("Index.idx.xml", "<a>", "Index.idx.xml: expected an index of Harmony; it is no XML"),
        ("Index.idx.xml", "<a/>", "Index.idx.xml: expected an index with images of wells; it names none"),
        (
            "Index.idx.xml",
            "<a><Images><Image><URL>x.tif</URL><Row>B</Row><Col>2</Col></Image></Images></a>",
            "Index.idx.xml: expected numbers for the row and column of x.tif, got 'B' and '2'",
        ),
        ("metadata.txt", "{", "metadata.txt: expected the metadata of Micro-Manager; it is no JSON"),
        ("metadata.txt", "[]", "metadata.txt: expected the metadata of Micro-Manager, got list"),
        ("metadata.txt", '{"a": {"FileName": "x.tif", "PositionName": "Pos0"}}', "it names none"),
    ],
)
def test_an_index_that_can_not_be_read_is_a_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_plate_index(tmp_path)
