"""An image is recognised in another file, type, size or orientation; other images are not taken for it."""

import cv2
import numpy as np
import pytest

from cell_pipelines.imaging import signatures
from cell_pipelines.imaging.signatures import find_alike, find_known, image_signature


def draw_field(seed, shape=(200, 240)):
    rng = np.random.default_rng(seed)
    image = np.full(shape, 20.0)
    for row, column in rng.uniform(0, shape, (25, 2)):
        image[np.hypot(*np.ogrid[-row : shape[0] - row, -column : shape[1] - column]) < 9] += rng.uniform(60, 120)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 2) + rng.normal(0, 2, shape), 0, 255).astype(np.uint8)


COPIES = {
    "colours": lambda image: np.dstack([image] * 3),
    "alpha left out, one channel empty": lambda image: np.dstack([image, image, np.zeros_like(image)]),
    "16 bit": lambda image: image.astype(np.uint16) * 200 + 77,
    "float": lambda image: image / 255,
    "half as large": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "JPEG": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0),
    "gamma": lambda image: (255 * (image / 255) ** 0.7).astype(np.uint8),
    "rotated": lambda image: np.rot90(image),
    "upside down": lambda image: image[::-1],
    "rotated and mirrored": lambda image: np.rot90(image[:, ::-1], 3),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_known(name):
    image = draw_field(1)
    assert find_known([image_signature(COPIES[name](image))], [image_signature(draw_field(2)), image_signature(image)])


def test_other_fields_are_not_known_also_under_the_same_uneven_light():
    light = np.linspace(0, 120, 240, dtype=np.uint8)[None]
    fields = [image_signature(draw_field(seed) // 2 + light) for seed in range(40)]
    assert not find_known(fields[:20], fields[20:]).any()


def test_images_without_detail_look_like_none():
    flat = image_signature(np.full((30, 30), 7, np.uint8))
    assert not find_known([flat, flat], [flat]).any()
    assert find_known([], [flat]).shape == (0,)
    assert find_known([flat], []).tolist() == [False]


@pytest.mark.parametrize(("pairs", "block"), [(1, 1), (20, 3), (4_000_000, 1000)])
def test_of_many_images_each_copy_is_found_with_the_first_of_them(pairs, block, monkeypatch):
    monkeypatch.setattr(signatures, "_PAIRS", pairs)
    monkeypatch.setattr(signatures, "_BLOCK", block)
    fields = [image_signature(draw_field(seed)) for seed in range(6)]
    assert find_alike([*fields, fields[4], fields[1], fields[4]]) == {6: 4, 7: 1, 8: 4}
    assert find_alike(fields) == {}
