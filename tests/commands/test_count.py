import re
import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.imaging.reading import write_image


def invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def here(tmp_path, squares_image, monkeypatch):
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    for n in range(3):
        write_image(squares_image(n), place / "cells" / f"{n}, ä.png")
    return place


def test_counts_are_printed_as_a_table_and_their_files_after_it(here, squares_model):
    result = invoke("count", "cells", "--model", squares_model)
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines() if re.match(r"\d, ä.png", line)]
    assert [row[2] for row in rows] == ["0", "1", "2"]
    assert "3 cells in 3 images" in result.output
    for name in ("counts.csv", "counts.xlsx", "cells.csv", "report.html", "annotations", "overlays"):
        assert (here / "counts_cells" / name).exists()
        assert str(here / "counts_cells" / name) in result.output


def test_a_second_count_is_written_beside_the_first(here, squares_model):
    for _ in range(2):
        assert invoke("count", "cells", "--model", squares_model, "--no-overlays").exit_code == 0
    assert (here / "counts_cells_2" / "counts.csv").is_file()


def test_results_never_lie_among_the_images_that_a_next_count_would_take(here, squares_model, monkeypatch):
    monkeypatch.chdir(here / "cells")
    for _ in range(2):
        result = invoke("count", ".", "--model", squares_model)
        assert "3 cells in 3 images" in result.output
    assert (here / "counts_cells_2").is_dir()


def test_results_of_a_file_that_is_named_lie_in_the_working_folder(here, squares_model, monkeypatch):
    monkeypatch.chdir(here / "cells")
    for words in ([], ["--out", "mine"]):
        assert invoke("count", "1, ä.png", "--model", squares_model, *words).exit_code == 0
    assert len(list((here / "cells").glob("counts_*/counts.csv"))) == 1
    assert (here / "cells" / "mine" / "counts.csv").is_file()


def test_a_broken_image_is_named_the_others_are_counted_and_the_exit_status_says_so(here, squares_model):
    (here / "cells" / "broken.png").write_bytes(b"")
    result = invoke("count", "cells", "--model", squares_model, "--out", "out")
    assert result.exit_code == 2
    assert "! broken.png: " in result.output
    assert result.output.splitlines()[-1] == "Error: 1 of 4 images can't be read; the others are counted."
    assert pd.read_csv("out/counts.csv")["total"].dropna().tolist() == [0, 1, 2]


def test_names_that_are_formulas_stay_text_in_csv_and_workbook(tmp_path, squares_image, squares_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(squares_image(1), tmp_path / "cells" / "=1+1.png")
    assert invoke("count", "cells", "--model", squares_model, "--out", "out").exit_code == 0
    assert (tmp_path / "out" / "counts.csv").read_text().splitlines()[1].startswith("'=1+1.png,")
    with zipfile.ZipFile(tmp_path / "out" / "counts.xlsx") as workbook:
        assert "<f>" not in workbook.read("xl/worksheets/sheet1.xml").decode()
        assert "=1+1.png" in workbook.read("xl/sharedStrings.xml").decode()


MISTAKES = {
    "no images": (["count"], "Missing argument 'IMAGES...'"),
    "a folder that is not there": (["count", "cell"], "there is no cell in .* Did you mean cells"),
    "a model that is not there": (
        ["count", "cells", "--model", "x.pt"],
        "expected a model file; there is no x.pt",
    ),
    "a format that is not there": (["count", "cells", "--format", "cocoo"], "Did you mean `coco`"),
    "a diameter of nothing": (["count", "cells", "--diameter", "0"], "`diameter` must be"),
    "a threshold above 1": (["count", "cells", "--threshold", "2"], "`threshold` must be"),
    "a threshold that is no number": (
        ["count", "cells", "--threshold", "high"],
        "expected a number such as 0.5, got 'high'",
    ),
    "a depth of a word": (["count", "cells", "--z", "top"], "expected a number from 0, max, mean or each, got 'top'"),
    "a time of a word": (["count", "cells", "--time", "-1"], "expected a number from 0 or each, got '-1'"),
    "a depth that is not there": (
        ["count", "cells", "--z", "4", "--model", "{m}"],
        "`z` must be one of those there",
    ),
    "no worker": (["count", "cells", "--workers", "0"], "0 is not in the range x>=1"),
    "a format in capitals": (["count", "cells", "--format", "COCO"], "Did you mean `coco`"),
    "a folder that can't be": (["count", "cells", "--out", "/proc/x"], "/proc/x: can't be written, since /proc"),
    "an archive": (["count", "{z}"], "got an archive; unpack it first"),
    "a folder with an archive": (["count", "{p}"], r"1 other file \(.zip\). Unpack the archive first"),
    "an option misspelt": (["count", "cells", "--modell", "x"], "No such option .*--modell"),
    "a channel that is not there": (
        ["count", "cells", "--channel", "DAPI", "--model", "{m}"],
        "`channels` must be",
    ),
    "an output that holds something": (["count", "cells", "--out", "cells"], "it holds something"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_with_exit_status_2_and_nothing_is_written(mistake, here, squares_model, tmp_path):
    words, sentence = MISTAKES[mistake]
    packed = tmp_path / "packed" / "cells.zip"
    packed.parent.mkdir()
    packed.write_bytes(b"PK")
    result = invoke(*(word.format(m=squares_model, z=packed, p=packed.parent) for word in words))
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert (result.exit_code, len(error)) == (2, 1), result.output
    assert re.search(sentence, error[0]), error[0]
    assert "Traceback" not in result.output
    assert [path.name for path in here.iterdir()] == ["cells"]


def test_a_folder_without_permission_is_refused_before_anything_is_counted(here, squares_model, monkeypatch):
    monkeypatch.setattr("cell_pipelines.workflows.outputs.os.access", lambda *_: False)
    result = invoke("count", "cells", "--model", squares_model, "--out", "new")
    assert result.exit_code == 2
    assert "allows no new files" in result.output


def test_the_table_fits_80_columns_however_long_names_are_and_they_stay_different(here, squares_image, squares_model):
    for n in range(3):
        write_image(squares_image(n), here / "long" / f"plate {n}" / f"{'experiment_' * 12}field_{n}.png")
    output = invoke("count", "long", "--model", squares_model, "--no-overlays").output
    lines = output[output.index("image ") : output.index("3 cells in 3 images")].splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("!")), lines
    assert sum(bool(re.match(rf"plate \d/exp\S*…\S*field_{n}.png", line)) for n in range(3) for line in lines) == 3


def test_folders_have_their_totals(here, squares_image, squares_model):
    for folder, n in (("a", 1), ("a", 2), ("b", 4)):
        write_image(squares_image(n), here / "deep" / folder / f"{n}.png")
    output = invoke("count", "deep", "--model", squares_model, "--no-overlays").output
    assert re.search(r"folder +images +total\na +2 +3\nb +1 +4\n", output)


@pytest.fixture
def stack(here, squares_image):
    """Give a TIFF of three pages that says nothing of what they are, with one, two and three cells."""
    pages = np.stack([squares_image(n) for n in (1, 2, 3)])
    tifffile.imwrite(here / "stack.tif", pages, photometric="minisblack", metadata=None)
    return here / "stack.tif"


@pytest.mark.parametrize(
    ("words", "totals"),
    [(["--z", "1"], [2]), (["--z", "MAX"], [3]), (["--time", "2"], [3]), (["--time", "each"], [1, 2, 3]),
     (["--channel", "0"], [1])],
)  # fmt: skip
def test_what_is_taken_of_a_stack_is_what_is_named(words, totals, stack, squares_model):
    result = invoke("count", stack, "--model", squares_model, "--out", "out", "--no-overlays", *words)
    assert result.exit_code == 0, result.output
    assert pd.read_csv("out/counts.csv")["total"].tolist() == totals


def test_of_a_stack_nothing_is_counted_until_something_is_named(stack, squares_model):
    result = invoke("count", stack, "--model", squares_model)
    assert result.exit_code == 2
    assert re.search(r"choose one of the 3 pages, which the file doesn't name, by `z` .* `channels`", result.output)


def test_a_threshold_may_have_a_comma(here, squares_model):
    outputs = [invoke("count", "cells", "--model", squares_model, "--threshold", t).output for t in ("0.5", "0,5")]
    assert outputs[0].splitlines()[:4] == outputs[1].splitlines()[:4]
    assert "3 cells in 3 images" in outputs[1]


def test_a_mask_among_images_is_named_and_in_no_total(tmp_path, squares_image, squares_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)
    write_image(squares_image(2) + noise, tmp_path / "cells" / "a.png")
    write_image((squares_image(2) > 99).astype(np.uint8) * np.uint8(255), tmp_path / "cells" / "a_mask.png")
    output = invoke("count", "cells", "--model", squares_model).output
    assert "2 cells in 1 image, found by squares; 1 image left out." in output
    assert "! a_mask.png: not counted, since it looks like a mask" in output
