"""Every representation decodes the cells that it encodes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.representations.base import Representation
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.thresholds import Threshold

NAMES = sorted(REPRESENTATIONS)
MAPS = [name for name in NAMES if not create_representation(name).is_sparse]
Labels = NDArray[np.int32]


def discs(*circles: tuple[int, int, int], shape: tuple[int, int] = (61, 83)) -> Labels:
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(circles, start=1):
        labels[((rows - row) ** 2 + (columns - column) ** 2 <= radius**2) & (labels == 0)] = number
    return labels


def there_and_back(representation: Representation, labels: Labels, spacing: float = 6) -> Labels:
    scores = representation.reduce(representation.encode(labels))
    return representation.decode(scores, Threshold(0.5, 0, spacing)).labels


def overlaps(truth: Labels, found: Labels) -> list[float]:
    """Return for each true cell the IoU with the one that shares most with it."""
    best = []
    for number in np.unique(truth[truth > 0]):
        own = truth == number
        match = np.bincount(found[own]).argmax()
        other = (found == match) & (match > 0)
        best.append(float((own & other).sum() / (own | other).sum()))
    return best


SEPARATE = discs((12, 12, 8), (12, 40, 9), (40, 20, 10), (45, 60, 9))
TOUCHING = discs((20, 20, 9), (20, 39, 9), (45, 30, 8), (45, 47, 8))
AT_THE_BORDER = discs((0, 20, 9), (30, 0, 8), (60, 82, 12), (25, 45, 9))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [SEPARATE, TOUCHING, AT_THE_BORDER], ids=["separate", "touching", "border"])
def test_cells_come_back(name: str, labels: Labels) -> None:
    found = there_and_back(create_representation(name), labels)
    assert found.max() == labels.max()
    # A star sees the border as the end of its rays, and corners where there are none.
    least = 0.99 if name in MAPS else 0.7 if labels is AT_THE_BORDER else 0.85
    assert min(overlaps(labels, found)) >= least


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (1, 1), (33, 47)])
def test_an_image_without_cells_stays_so(name: str, shape: tuple[int, int]) -> None:
    representation = create_representation(name)
    target = representation.encode(np.zeros(shape, np.int32))
    assert target.shape == (len(representation.channels), *shape)
    if not all(shape):
        return
    found = representation.decode(representation.reduce(target), Threshold(0.5))
    assert found.labels.shape == shape
    assert not found.labels.any()
    assert found.scores.shape == (0,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(31, 47), (64, 33), (50, 50)])
def test_odd_sizes_and_large_numbers_do_not_matter(name: str, shape: tuple[int, int]) -> None:
    representation = create_representation(name)
    labels = discs((12, 12, 7), (20, 25, 4), shape=shape)
    large = np.where(labels == 2, 2**31 - 1, labels * 1000).astype(np.int32)
    assert np.array_equal(representation.encode(large), representation.encode(labels))
    assert there_and_back(representation, labels).shape == shape


@pytest.mark.parametrize("name", NAMES)
def test_there_is_one_activation_and_target_a_channel(name: str) -> None:
    representation = create_representation(name)
    target = representation.encode(SEPARATE)
    assert len(representation.channels) == len(representation.activations) == len(target)
    assert target.dtype == np.float32
    assert np.isfinite(target).all()
    assert hash(representation) == hash(create_representation(name))


@pytest.mark.parametrize("name", NAMES)
def test_scores_and_arguments_survive(name: str) -> None:
    representation = create_representation(name)
    labels = TOUCHING.copy()
    target = representation.encode(labels)
    before = target.copy()
    scores = representation.reduce(target)
    stored = {key: np.array(value) for key, value in scores.items()}
    found = representation.decode(scores, Threshold(0.5, 0, 6))
    assert np.array_equal(labels, TOUCHING)
    assert np.array_equal(target, before)
    assert all(np.array_equal(scores[key], stored[key]) for key in stored)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    joined = representation.join([scores], labels.shape)
    assert np.array_equal(representation.decode(joined, Threshold(0.5, 0, 6)).labels, found.labels)


@pytest.mark.parametrize("name", MAPS)
def test_outputs_that_are_no_numbers_are_refused(name: str) -> None:
    representation = create_representation(name)
    outputs = representation.encode(SEPARATE)
    outputs[0, 3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN|finite|number"):
        representation.reduce(outputs)


@pytest.mark.parametrize("name", NAMES)
def test_small_cells_are_dropped_and_the_default_keeps_average_ones(name: str) -> None:
    representation = create_representation(name)
    labels = discs((15, 15, 10), (40, 60, 2))
    scores = representation.reduce(representation.encode(labels))
    assert len(representation.decode(scores, Threshold(0.5, 40, 6)).scores) == 1
    decoding = representation.default_threshold(np.pi * 100)
    assert 0 < decoding.min_area_px < 100
    assert len(representation.decode(scores, decoding).scores) == 1
    with pytest.raises(ValueError, match="mean_area_px"):
        representation.default_threshold(0)


@pytest.mark.parametrize("name", NAMES)
def test_two_touching_average_cells_are_two_by_default(name: str) -> None:
    representation = create_representation(name)
    decoding = representation.default_threshold(float((TOUCHING > 0).sum() / 4))
    scores = representation.reduce(representation.encode(TOUCHING))
    assert len(representation.decode(scores, decoding).scores) == 4


@pytest.mark.parametrize("name", MAPS)
def test_ninety_thousand_cells_in_one_image_are_kept_apart(name: str) -> None:
    labels = np.zeros((600, 900), np.int32)
    labels[::2, ::3] = np.arange(1, 90_001).reshape(300, 300)
    labels[::2, 1::3] = labels[::2, ::3]
    found = there_and_back(create_representation(name), labels, spacing=2)
    assert np.array_equal(found, labels)


def test_unknown_names_and_options_are_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"`representation` must be one of binary, .*, got 'squares'"):
        create_representation("squares")
    with pytest.raises(ValueError, match=r"`width` is no option of three_class, which has outline_px"):
        create_representation("three_class", width=3)
    with pytest.raises(ValueError, match=r"`width` is no option of distance, which has most_pass"):
        create_representation("distance", width=3)
    assert create_representation("binary", shrink_px=1).encode(TOUCHING).sum() < (TOUCHING > 0).sum()
