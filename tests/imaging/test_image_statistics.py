"""Statistics of an image's intensities are the same in any type, and noise is detected whatever the picture shows."""

from dataclasses import replace

import numpy as np
import pytest

from cell_pipelines.imaging.image_statistics import count_differing_channels, measure_image
from cell_pipelines.imaging.intensity import intensity_limits
from cell_pipelines.imaging.reading import open_region_reader, write_image


def scene(seed=0, shape=(120, 150)):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal(shape), 6)
    return np.clip(110 + 60 * smooth / np.abs(smooth).max() + rng.normal(0, 2, shape), 0, 255).astype(np.uint8)


def measured(image, normalisation="percentile"):
    return measure_image(image, intensity_limits(image, normalisation))


@pytest.mark.parametrize(
    ("kind", "scale"), [("uint16", 16), ("uint16", 257), ("int32", 1000), ("float32", 1 / 255), ("float64", 1)]
)
def test_noise_and_what_is_seen_do_not_depend_on_the_type(kind, scale):
    image = scene()
    one, other = measured(image), measured((image * np.float64(scale)).astype(kind))
    assert other.noise_share == pytest.approx(one.noise_share, rel=1e-3)
    assert (other.seen_low, other.seen_high) == pytest.approx((0, 1), abs=1e-6)
    assert other.seen_median == pytest.approx(one.seen_median, abs=1e-3)
    assert other.contrast == pytest.approx(one.contrast * scale, rel=1e-3)


def test_by_the_types_range_twelve_bits_in_sixteen_are_seen_dark():
    image = scene()
    assert (
        measured(image.astype(np.uint16) * 16, "full_range").seen_high < 0.07 < measured(image, "full_range").seen_high
    )


@pytest.mark.parametrize("sigma", [1.0, 4.0, 12.0])
def test_noise_is_its_standard_deviation(sigma):
    noise = np.random.default_rng(1).normal(1000, sigma, (300, 300))
    found = measured(noise)
    assert found.noise_share * found.contrast == pytest.approx(sigma, rel=0.02)
    assert found.noise_share == pytest.approx(0.16, abs=0.01)


@pytest.mark.parametrize("image", [np.zeros((5, 4), np.uint8), np.full((3, 1), 7.5), np.full((1, 1, 3), 9, np.uint16)])
def test_one_intensity_has_no_contrast_and_no_noise(image):
    found = measured(image)
    assert (found.contrast, found.noise_share) == (0, 0)


def test_what_is_no_number_counts_as_zero():
    image = scene().astype(np.float32)
    broken = image.copy()
    broken[3, 4:8] = [np.nan, np.inf, -np.inf, np.nan]
    image[3, 4:8] = 0
    assert measure_image(broken, (0, 255)) == replace(measure_image(image, (0, 255)), broken=4)


def test_of_a_large_image_windows_tell_the_same_in_memory_and_on_disk(tmp_path):
    image = np.tile(scene(shape=(520, 530)), (5, 5))
    write_image(image, tmp_path / "a.tif")
    one = measured(image)
    with open_region_reader(tmp_path / "a.tif") as reader:
        assert measure_image(reader, intensity_limits(image, "percentile")) == one
    whole = measured(image[:1900, :1900])
    assert one.noise_share == pytest.approx(whole.noise_share, rel=0.05)


@pytest.mark.parametrize("kind", ["mask", "labels", "labels after another"])
def test_masks_and_label_images_are_flat(kind):
    labels = np.zeros((90, 90), np.uint16)
    for number in range(9):
        row, column = divmod(number, 3)
        labels[5 + 28 * row : 23 + 28 * row, 5 + 28 * column : 20 + 28 * column] = number + 1
    image = {"mask": labels > 0, "labels": labels, "labels after another": labels * 7 + 3}[kind]
    assert measure_image(np.asarray(image), (0, 1)).is_flat


@pytest.mark.parametrize("noise", [0.0, 0.6, 3.0])
def test_blurred_spots_are_not_flat_with_noise_or_without_even_where_they_are_overexposed(noise):
    rng = np.random.default_rng(0)
    rows, columns = np.indices((120, 120))
    spots = sum(np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 60) for r, c in rng.uniform(10, 110, (12, 2)))
    image = np.clip(400 * spots + rng.normal(5, noise, spots.shape), 0, 255).astype(np.uint8)
    assert not measure_image(image, (0, 255)).is_flat


def test_channels_that_show_different_things_are_counted_and_copies_and_empty_ones_are_not():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 255, (2, 60, 60), dtype=np.uint8)
    assert count_differing_channels(np.dstack([one, other])) == 2
    assert count_differing_channels(np.dstack([one, one // 2, one])) == 0
    assert count_differing_channels(np.dstack([np.zeros_like(one), np.zeros_like(one), one])) == 0
    assert count_differing_channels(one) == 0


@pytest.mark.parametrize("kind", ["lossy", "scaled"])
def test_a_mask_that_was_saved_with_loss_or_scaled_is_flat(kind):
    import cv2

    mask = np.zeros((128, 128), np.uint8)
    for row, column in ((30, 30), (80, 40), (60, 95)):
        cv2.circle(mask, (column, row), 14, 255, -1)
    if kind == "lossy":
        mask = cv2.imdecode(cv2.imencode(".jpg", mask, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)
    else:
        mask = cv2.resize(mask, (200, 200), interpolation=cv2.INTER_LINEAR)
    assert measure_image(mask, (0, 255)).is_flat


def test_the_ground_of_a_screenshot_is_drawn_and_that_of_a_photograph_is_not():
    rng = np.random.default_rng(0)
    photograph = np.clip(rng.normal(90, 1, (200, 200)), 0, 255).astype(np.uint8)
    photograph[50:60, 50:60] = 250
    screen = np.full((300, 400), 240, np.uint8)
    screen[40:240, 100:300], screen[10:30, 10:200] = photograph, 255
    share = measure_image(screen, (0, 255)).drawn_share
    assert share == pytest.approx((300 * 400 - 200 * 200 - 20 * 190) / (300 * 400), abs=0.06)
    assert measure_image(photograph, (0, 255)).drawn_share == 0
    clipped = np.where(rng.random((200, 200)) < 0.02, 200, 0).astype(np.uint8)
    assert measure_image(clipped, (0, 255)).drawn_share == 0
