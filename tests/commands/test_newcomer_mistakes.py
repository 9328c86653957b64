"""What a newcomer gets wrong on the command line gets one sentence that says what is wrong and what to do."""

import re
from pathlib import Path

import pytest
import torch

from .own_fields import write_fields

_TRAIN = ["train", "--images", "images", "--annotations", "masks"]
#: The words, and what the sentence says; `there` holds `images`, `masks`, `state.pt`, `text.png` and `taken`.
MISTAKES = {
    "an address in place of a path": (
        ["count", "https://example.org/a.png"], "addresses are not opened: download the files",
    ),
    "an address of a share": (["count", "smb://server/cells"], "connect the folder, and name where they lie here"),
    "an address for annotations": (["evaluate", "images", "file:///masks"], "addresses are not opened"),
    "an address for a model": (["count", "images", "--model", "https://example.org/a.pt"], "addresses are not opened"),
    "the home folder of nobody": (["count", "~nobody_of_that_name"], "no user of this machine has; write the whole"),
    "a home folder of nobody to write to": (
        ["count", "images", "--out", "~nobody_of_that_name/out"], "no user of this machine has",
    ),
    "quotes within quotes": (["count", "'images'"], r'there is no "\'images\'" in .* Did you mean images'),
    "a blank after the name": (["count", "images "], "there is no 'images ' in .* Did you mean images"),
    "a disk of Windows": (["count", "C:\\Users\\Zoë\\Bilder"], r"there is no C:\\Users\\Zoë\\Bilder in"),
    "another spelling of umlauts": (["count", "Groesse"], r"Did you mean Größe"),
    "images as an option": (["count", "--images", "images"], "without `--images`: cell-pipelines count IMAGES"),
    "annotations as an option": (
        ["evaluate", "images", "--annotations", "masks"], "without `--annotations`: .*IMAGES ANNOTATIONS",
    ),
    "a threshold in per cent": (["count", "images", "--threshold", "50%"], "expected a number such as 0.5, got '50%'"),
    "a diameter in millimetres": (["count", "images", "--diameter", "12 mm"], "`diameter` must be .* got '12 mm'"),
    "text called an image": (["count", "text.png"], "expected a whole image, got: text"),
    "weights of another program": (["count", "images", "--model", "state.pt"], "PyTorch file of another kind"),
    "an image as the model": (["count", "images", "--model", "images/00.png"], "expected a model of cell_pipelines"),
    "a folder as the model": (["count", "images", "--model", "."], "it is a folder. Model files in it: state.pt"),
    "a file as the place for results": (["count", "images", "--out", "taken/out"], "taken is a file"),
    "images and masks exchanged": (["evaluate", "masks", "images"], "images and annotations were exchanged"),
    "images and masks exchanged for a training": (
        ["train", "--images", "masks", "--annotations", "images"], "images and annotations were exchanged",
    ),
    "a folder misspelt for a training": (
        ["train", "--images", "imags", "--annotations", "masks"], "a folder with images; .* Did you mean images",
    ),
    "annotations misspelt for a training": (
        ["train", "--images", "images", "--annotations", "mask"], "one annotation file; .* Did you mean masks",
    ),
    "umlauts in the name of a study": (
        [*_TRAIN, "--name", "Größe"], "`--name` must be letters",
    ),
    "a model of another program": (
        [*_TRAIN, "--model", "unet++"], "Did you mean `unetpp`",
    ),
    "a start of another program": (
        [*_TRAIN, "--start", "state.pt"], r"state\.pt: expected",
    ),
    "a study to continue that is not there": (["train", "--continue", "--name", "mine"], "no study `mine` to continue"),
    "megabytes in words": (["app", "--upload-mb", "much"], "expected a number such as 500, got 'much'"),
    "a comma for thousands": (["app", "--upload-mb", "4,000"], "expected a number such as 500, got '4,000'"),
    "a name in place of a port": (["app", "--port", "http"], "'http' is not a valid whole number"),
    "minutes in words": ([*_TRAIN, "--minutes", "twelve"], "expected a number such as 12, got 'twelve'"),
    "minutes below nothing": ([*_TRAIN, "--minutes", "-1"], "expected a number of 0.01 or more, got '-1'"),
    "minutes that are no number": ([*_TRAIN, "--minutes", "nan"], "expected a number such as 12, got 'nan'"),
    "a data set that is not there": (["fetch", "bbbc038"], "'bbbc038' is not 'bbbc039'"),
}  # fmt: skip


@pytest.fixture
def there(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "work"
    write_fields(place, 4)
    (place / "Größe").mkdir()
    (place / "text.png").write_text("no image")
    (place / "taken").write_text("a file")
    torch.save({"weight": torch.zeros(2, 2)}, place / "state.pt")
    monkeypatch.chdir(place)
    monkeypatch.delenv("CELL_DATA_ROOT", raising=False)
    return place


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_and_nothing_is_written(mistake, there, invoke):
    words, sentence = MISTAKES[mistake]
    before = sorted(there.rglob("*"))
    result = invoke(*words)
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert (result.exit_code, len(error)) == (2, 1), result.output
    assert re.search(sentence, error[0]), error[0]
    assert "Traceback" not in result.output
    assert sorted(there.rglob("*")) == before
