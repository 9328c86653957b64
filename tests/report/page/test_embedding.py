"""Pictures become text that gives the same pixels back."""

import base64

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.page.embedding import embed, embed_photograph


def decode(uri: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), dtype=np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def test_a_small_image_comes_back_pixel_by_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    embedded = embed(image)
    assert embedded.uri.startswith("data:image/png;base64,")
    assert (decode(embedded.uri) == image).all()
    assert (embedded.width, embedded.height, embedded.is_figure) == (40, 30, False)


def test_a_grey_image_is_embedded_too() -> None:
    assert decode(embed(np.full((5, 5), 77, dtype=np.uint8)).uri).min() == 77


def test_a_large_image_shrinks_to_1600_pixels() -> None:
    embedded = embed(np.zeros((1920, 2560, 3), dtype=np.uint8))
    assert (embedded.width, embedded.height) == (1600, 1200)
    assert decode(embedded.uri).shape == (1200, 1600, 3)


def test_a_noisy_image_is_written_as_jpeg_of_nearly_the_same_colours() -> None:
    noise = np.random.default_rng(0).normal(0, 4, (700, 700, 3))
    image = np.clip(noise + np.array([200, 60, 90]), 0, 255).astype(np.uint8)
    embedded = embed(image)
    assert embedded.uri.startswith("data:image/jpeg;base64,")
    assert np.abs(decode(embedded.uri).astype(int).mean(axis=(0, 1)) - image.mean(axis=(0, 1))).max() < 2


def test_a_figure_has_two_pixels_for_each_of_the_page() -> None:
    figure = Figure(figsize=(3, 2), layout="constrained")
    figure.add_subplot().plot([0, 1])
    embedded = embed(figure)
    assert (embedded.width, embedded.height, embedded.is_figure) == (300, 200, True)
    assert decode(embedded.uri).shape == (400, 600, 3)
    assert embed(figure) == embedded, "drawing it again changes nothing"


def test_what_is_no_picture_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="must be an array or a matplotlib figure, got str"):
        embed("picture.png")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="some pixels"):
        embed(np.zeros((0, 4), dtype=np.uint8))


def test_a_photograph_keeps_the_size_of_its_own_pixels_and_takes_few_bytes() -> None:
    image = np.random.default_rng(0).integers(0, 255, (1400, 700), dtype=np.uint8)
    shown = embed_photograph(image)
    assert (shown.width, shown.height) == (700, 1400)
    assert len(shown.uri) < len(embed(image).uri)
    assert embed_photograph(np.zeros((8, 8), np.uint8)).uri.startswith("data:image/png")
