"""Copies of a field are known whatever was done to them; other fields of the same cells are not taken for copies."""

import cv2
import numpy as np
import pytest

from cell_pipelines.analysis.near_duplicates.candidates import find_candidates
from cell_pipelines.analysis.near_duplicates.pairs import COLUMNS, find_pairs
from cell_pipelines.analysis.near_duplicates.registration import register
from cell_pipelines.imaging.keypoints import find_keypoints


def field(seed, cells=30, size=240):
    rng = np.random.default_rng(seed)
    image = np.full((size, size), 20.0, dtype=np.float32)
    for _ in range(cells):
        centre = tuple(map(int, rng.integers(0, size, 2)))
        axes = tuple(map(int, rng.integers(6, 16, 2)))
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(60, 170)), -1)
    image = cv2.GaussianBlur(image, (0, 0), 1.5) + rng.normal(0, 2, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def as_jpeg(image, quality=85):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def cropped(image, share=0.8):
    height, width = (round(side * share) for side in image.shape)
    return np.ascontiguousarray(image[7 : 7 + height, 11 : 11 + width])


CHANGES = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "a quarter turn": np.rot90,
    "half a turn and mirrored": lambda image: np.rot90(image, 2)[:, ::-1],
    "transposed": np.transpose,
    "brighter": lambda image: np.clip(image * 1.3 + 12, 0, 255).astype(np.uint8),
    "JPEG": as_jpeg,
    "cropped": cropped,
    "smaller": lambda image: cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
    "16 bit": lambda image: image.astype(np.uint16) * 16,
    "colour": lambda image: np.repeat(image[..., None], 3, axis=2),
    "mirrored, cropped, JPEG": lambda image: as_jpeg(cropped(image[:, ::-1])),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found_whatever_was_done_to_it(change):
    images = [field(seed) for seed in range(6)]
    copies = [np.ascontiguousarray(CHANGES[change](image)) for image in images]
    names = [f"{kind}{index}" for kind in ("field", "other") for index in range(6)]
    table = find_pairs(names, [find_keypoints(i) for i in [*images, *copies]], [None] * 12, [None] * 12)
    found = set(zip(table["image"], table["other_image"], strict=True))
    assert found == {(f"field{index}", f"other{index}") for index in range(6)}


def test_fields_of_the_same_cells_are_no_copies():
    table = find_pairs(
        [str(i) for i in range(60)], [find_keypoints(field(i)) for i in range(60)], [None] * 60, [None] * 60
    )
    assert table.empty
    assert tuple(table) == COLUMNS


def test_what_was_done_is_told():
    image = field(3)
    small = cv2.resize(np.rot90(image)[:, ::-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    first, second = find_keypoints(image), find_keypoints(np.ascontiguousarray(small))
    ((low, high, mirrored),) = find_candidates([first, second])
    assert (low, high, mirrored) == (0, 1, True)
    found = register(first, second, mirrored=mirrored)
    assert found.correlation > 0.9
    assert found.scale == pytest.approx(2, rel=0.03)
    assert found.overlap == pytest.approx(1, abs=0.02)
    assert found.sentence().startswith("mirrored, rotated by ")
    assert "scaled by 2.0" in found.sentence()


def test_keypoints_of_the_mirror_image_are_those_that_would_be_found_in_it():
    image = field(1)
    ours, found = find_keypoints(image).mirrored(), find_keypoints(np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_array_equal(ours.thumbnail, found.thumbnail)
    distances = np.linalg.norm(ours.points[:, None] - found.points[None], axis=2)
    changes = np.linalg.norm(ours.descriptors[:, None].astype(float) - found.descriptors[None], axis=2)
    changes[distances >= 1] = np.inf  # a point may have several orientations, each with a descriptor
    assert np.median(changes.min(axis=1)) < 100  # of a length of 512


def test_equal_pixels_and_copies_by_roboflows_names_are_pairs_without_a_look_at_them():
    names = ["train/a_png.rf.0123456789abcdef.jpg", "test/a_png.rf.fedcba9876543210.jpg", "b.png", "c.png"]
    table = find_pairs(
        names, [find_keypoints(field(i)) for i in range(4)], ["1", "2", "3", "3"], ["train", "test", "", ""]
    )
    assert table["relation"].tolist() == ["equal pixels", "copies of one source by their names"]
    assert table[["image", "other_image"]].values.tolist() == [["b.png", "c.png"], names[:2]]
    assert table["split"].tolist() == ["", "train"]
    assert table["correlation"].isna().all()


def test_images_without_anything_in_them_are_no_pairs():
    blank = [np.zeros((50, 60), np.uint8), np.full((50, 60), 7, np.uint16), np.zeros((1, 1), np.uint8)]
    assert find_pairs(["a", "b", "c"], [find_keypoints(i) for i in blank], ["1", "2", "3"], [None] * 3).empty
    assert find_pairs([], [], [], []).empty
