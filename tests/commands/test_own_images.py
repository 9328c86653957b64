"""What settings follow from is measured on a person's images and annotations."""

import cv2
import numpy as np
import pytest

from cell_pipelines.own_images import read_own_images
from cell_pipelines.workflows.planning.pixels import choose_colour

from .own_fields import draw_field, write_fields


def test_facts_are_those_of_images_and_annotations(tmp_path):
    images, masks = write_fields(tmp_path, 10)
    (masks / "09.png").unlink()
    own = read_own_images(images, masks)
    assert (own.facts.images, own.facts.not_annotated) == (9, 1)
    assert own.facts.geometries == {"mask": 54}
    assert own.facts.sizes == ((64, 64),)
    assert 10 < own.facts.diameters.median < 16
    assert sum(side.images for side in own.facts.sides.values()) == 9
    assert min(side.images for side in own.facts.sides.values()) >= 1
    assert own.splits is None


def test_a_stated_split_without_validation_is_completed_from_the_training_images(tmp_path):
    for split, numbers in (("train", range(8)), ("test", range(8, 12))):
        for name in ("images", "masks"):
            (tmp_path / name / split).mkdir(parents=True)
        for number in numbers:
            image, labels = draw_field(number)
            cv2.imwrite(str(tmp_path / "images" / split / f"{number:02d}.png"), image)
            cv2.imwrite(str(tmp_path / "masks" / split / f"{number:02d}.png"), labels)
    own = read_own_images(tmp_path / "images", tmp_path / "masks")
    assert own.splits is not None
    sides = own.splits.set_index("image")["split"]
    assert all((side == "test") == name.startswith("test/") for name, side in sides.items())
    assert set(sides) == {"train", "val", "test"}


@pytest.mark.parametrize("channels", [3, 4])
def test_grey_images_stored_as_colours_are_grey_and_one_colour_makes_the_difference(tmp_path, channels):
    images, masks = write_fields(tmp_path)
    for path in images.iterdir():
        grey = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        alpha = [np.full_like(grey, 255)] * (channels - 3)
        cv2.imwrite(str(path), np.dstack([grey, grey, grey, *alpha]))
    facts = read_own_images(images, masks).facts
    assert (facts.are_grey, facts.channels) == (True, (3,))
    assert choose_colour(facts).value == "grey"
    coloured = cv2.imread(str(images / "03.png"))
    coloured[0, 0] = (1, 2, 3)
    cv2.imwrite(str(images / "03.png"), coloured)
    assert choose_colour(read_own_images(images, masks).facts).value == "rgb"


def test_round_cells_are_rounder_than_rods_whatever_their_direction(tmp_path):
    def facts_of(name, width, slope):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "masks").mkdir()
        for number in range(4):
            image, labels = draw_field(number)
            rows, columns = np.mgrid[-32:32, -32:32]
            across, along = rows - slope * columns, columns + slope * rows
            labels = (np.hypot(across / width, along / 24) < np.hypot(1, slope)).astype(np.uint16)
            cv2.imwrite(str(tmp_path / name / "images" / f"{number}.png"), image)
            cv2.imwrite(str(tmp_path / name / "masks" / f"{number}.png"), labels)
        return read_own_images(tmp_path / name / "images", tmp_path / name / "masks").facts

    assert facts_of("discs", 24, 0).roundness == pytest.approx(1, abs=0.03)
    assert facts_of("rods", 6, 0).roundness == pytest.approx(0.5, abs=0.03)
    assert facts_of("slanted", 6, 1).roundness < 0.71


@pytest.mark.parametrize(("paint", "least", "most"), [
    (lambda image: image, 0.8, 1), (lambda image: 255 - image, 0, 0.2),
    (lambda image: np.roll(image, 30, axis=0), 0.3, 0.7),
])  # fmt: skip
def test_brightness_is_that_of_cells_against_the_rest(tmp_path, paint, least, most):
    images, masks = write_fields(tmp_path)
    for path in images.iterdir():
        cv2.imwrite(str(path), paint(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))
    assert least <= read_own_images(images, masks).facts.brightness <= most
