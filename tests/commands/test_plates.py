import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.pipelines.plates import nodes
from cell_pipelines.workflows.parameters.plates import PlateParameters


def invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def here(tmp_path, monkeypatch):
    place = tmp_path / "work"
    (place / "counted").mkdir(parents=True)
    monkeypatch.chdir(place)
    rng = np.random.default_rng(0)
    roles = {1: "control_negative", 12: "control_positive"}
    wells = [(f"{row}{column:02d}", roles.get(column, "sample")) for row in "ABCDEFGH" for column in range(1, 13)]
    means = {"control_negative": 100, "control_positive": 5, "sample": 60}
    layout = pd.DataFrame(wells, columns=["well", "role"])
    layout["compound"] = [f"0{ord(w[0]) % 2}" if role == "sample" else None for w, role in wells]
    layout.to_csv(place / "layout.csv", index=False)
    rows = [(f"p_{well}_s1.tif", int(rng.poisson(means[role]))) for well, role in wells]
    counts = pd.DataFrame(rows, columns=["image", "total"])
    counts.to_csv(place / "counted" / "counts.csv", index=False)
    return place


@pytest.mark.parametrize("source", ["counted", "counted/counts.csv"])
def test_a_count_that_is_there_gives_the_tables_of_the_pipeline(source, here):
    result = invoke("plates", source, "--layout", "layout.csv", "--out", "plates")
    assert result.exit_code == 0, result.output
    assert "96 wells with a value" in result.output
    layout = pd.read_csv("layout.csv", dtype="str")
    _, *tables = nodes.analyse(pd.read_csv("counted/counts.csv"), layout, PlateParameters())
    for name, table in zip(nodes.TABLES, tables, strict=True):
        written = pd.read_csv(here / "plates" / f"{name}.csv", dtype={"compound": "str"})
        assert list(written) == list(table)
        numbers = table.select_dtypes("number").reset_index(drop=True)
        pd.testing.assert_frame_equal(written[numbers.columns], numbers, check_dtype=False)
    wells = pd.read_csv("plates/wells.csv", dtype={"compound": "str"})
    pd.testing.assert_series_equal(wells["value"], tables[0]["value"].reset_index(drop=True), check_dtype=False)
    assert set(wells["compound"].dropna()) == {"00", "01"}
    quality = tables[1]["z_prime"][0]
    assert f"{quality:.3g}" in result.output
    assert "Dose" in (page := (here / "plates" / "plates.html").read_text(encoding="utf-8")) or "Hits" in page
    assert (here / "plates" / "plates.xlsx").is_file() and (here / "plates" / "figures" / "maps.png").is_file()


def test_images_are_counted_first_and_their_counts_are_kept(here, squares_image, squares_model):
    for n, well in enumerate(("A1", "A2", "B1")):
        write_image(squares_image(n), here / "images" / f"{well}_s1.png")
    result = invoke("plates", "images", "--model", squares_model, "--engine", "pytorch", "--workers", 1)
    assert result.exit_code == 0, result.output
    wells = pd.read_csv(here / "plates_images" / "wells.csv").set_index("well")["value"]
    counts = pd.read_csv(here / "plates_images" / "counted" / "counts.csv").set_index("image")["total"]
    assert [wells["A01"], wells["A02"], wells["B01"]] == [0, 1, 2] == counts.tolist()
    assert "the plate has 0 negative controls" in result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.csv"], "nothing.csv: expected a CSV with one row per image; there is no nothing.csv"),
        (
            ["counted", "--layout", "nothing.csv"],
            "expected a CSV with one row per well; there is no nothing.csv",
        ),
        (["counted", "--measure", "dead"], "must be a column of numbers .total., got dead"),
        (["counted", "--relative-to", "total", "--correct", "loess"], "'loess' is not one of"),
        (["layout.csv"], "must be a column of numbers"),
        (["counted", "--threshold", "0.9", "--model", "nuclei"], "counted already, .* with --model, --threshold"),
        (["counted", "--plate-channel", "2"], "must be one of .none is known., got 2"),
        (["counted", "--false-discovery-rate", "2"], "false_discovery_rate"),
        (["counted", "--plate-wells", "100"], "plate_wells"),
    ],
)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(words, sentence, here):
    before = sorted(path.name for path in here.iterdir())
    result = invoke("plates", *words, "--out", "plates")
    assert result.exit_code == 2
    assert re.search(sentence, " ".join(result.output.split())), result.output
    assert sorted(path.name for path in here.iterdir()) == before


def test_names_that_say_of_no_well_are_refused_before_anything_is_counted(
    here, squares_image, squares_model, monkeypatch
):
    write_image(squares_image(1), here / "images" / "field.png")
    monkeypatch.setattr("cell_pipelines.api.find_cells", lambda *_: pytest.fail("cells before the mistake"))
    result = invoke("plates", "images", "--model", squares_model)
    assert result.exit_code == 2
    assert "image names say of no well" in result.output


def test_counts_are_kept_where_they_lack_the_measure(here, squares_image, squares_model):
    write_image(squares_image(2), here / "images" / "A01_s1.png")
    result = invoke("plates", "images", "--model", squares_model, "--measure", "dead", "--out", "plates")
    assert result.exit_code == 2
    assert "got dead. The counts are kept in" in " ".join(result.output.split())
    for source in ("plates", "plates/counted"):
        again = invoke("plates", source, "--out", source.replace("/", "_") + "_again")
        assert again.exit_code == 0, again.output
        assert pd.read_csv(here / (source.replace("/", "_") + "_again") / "wells.csv")["value"].tolist() == [2]


def test_one_of_several_channels_of_names_is_measured(here):
    rows = [f"A0{well}_w{channel}.tif,{10 * well + channel}" for well in (1, 2) for channel in (1, 2)]
    (here / "COUNTS.CSV").write_text("\n".join(["image,total", *rows]))
    refused = invoke("plates", "COUNTS.CSV", "--out", "plates")
    assert refused.exit_code == 2 and "tell 2 channels" in refused.output
    taken = invoke("plates", "COUNTS.CSV", "--plate-channel", "2", "--out", "plates")
    assert taken.exit_code == 0, taken.output
    assert pd.read_csv(here / "plates" / "wells.csv")["value"].dropna().tolist() == [12, 22]
