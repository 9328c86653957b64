"""A model that is evaluated on images of its training, or of that of its start, says so."""

import csv
import shutil

import cv2
import numpy as np
import pytest

from cell_pipelines import compare, evaluate
from cell_pipelines.models.model_file import read_record, with_record
from cell_pipelines.workflows.seen_images import describe_seen, inherited_images, seen_images
from cell_pipelines.workflows.starters import starter_path, starters

from ..conftest import ROOT

SEEN = "2 of the 3 evaluated images look the same as an image that trained was trained or validated on"


@pytest.fixture
def fields(tmp_path, squares_image):
    """Give folders with images and label images of three fields."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for n in (3, 5, 7):
        image = np.roll(squares_image(n), rng.integers(0, 60, 2), axis=(0, 1))
        cv2.imwrite(str(tmp_path / "images" / f"{n}.png"), image)
        labels = cv2.connectedComponents((image > 100).astype(np.uint8))[1]
        cv2.imwrite(str(tmp_path / "masks" / f"{n}.png"), labels.astype(np.uint16))
    return tmp_path / "images", tmp_path / "masks"


def signature(path):
    from cell_pipelines.imaging.signatures import image_signature

    return image_signature(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def test_evaluation_and_comparison_say_what_the_model_was_trained_on(fields, squares_model, tmp_path):
    images, masks = fields
    known = [signature(images / "3.png"), signature(images / "7.png")]
    trained = tmp_path / "trained.pt"
    trained.write_bytes(with_record(squares_model, {"training_images": {"signatures": known}}))
    result = evaluate(images, masks, trained)
    assert any(note.startswith(SEEN) for note in result.notes)
    assert SEEN in result.page()
    assert evaluate(images, masks, squares_model).notes == ()
    compared = compare(images, masks, [trained, squares_model])
    assert any(sentence.startswith(SEEN) for sentence in compared.sentences())
    assert SEEN in compared.page()


def test_what_a_start_was_trained_on_is_inherited_over_generations(fields, squares_model, tmp_path):
    images, _ = fields
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    own = {"signatures": [signature(images / "3.png")]}
    first.write_bytes(with_record(squares_model, {"training_images": own}))
    later = {"signatures": [signature(images / "5.png")]}
    second.write_bytes(
        with_record(squares_model, {"training_images": later, "started_from": inherited_images(str(first))})
    )
    assert [one["model"] for one in inherited_images(None, str(second))] == ["second", "first"]
    said = describe_seen([signature(images / "3.png")], seen_images(read_record(second), "second"), "test")
    assert said.startswith("1 of the 1 test images looks the same as an image that first was")


def test_weights_of_another_origin_say_nothing(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"no model file")
    assert inherited_images(str(tmp_path / "weights.pt"), "imagenet", str(tmp_path / "none.pt")) == []


@pytest.mark.skipif("nuclei" not in starters(), reason="the package has no starter")
def test_the_starter_holds_the_signatures_of_all_public_images_that_it_was_trained_on():
    listed = 0
    for source in ("dsb2018", "bbbc039"):
        with (ROOT / "conf" / "starter" / f"{source}_split.csv").open(encoding="utf-8") as file:
            listed += sum(row["split"] != "test" for row in csv.DictReader(file))
    (seen,) = seen_images(read_record(starter_path("nuclei")), "nuclei")
    assert len(set(seen["signatures"])) == listed


def test_a_copied_starter_still_says_it(tmp_path):
    path = tmp_path / "mine.pt"
    shutil.copyfile(starter_path("nuclei"), path)
    assert [one["model"] for one in inherited_images(str(path))] == ["mine"]
