"""A sweep gives what decoding one by one gives, and both what a plain loop over the whole image gives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from cell_pipelines.representations.base import Instances, Scores
from cell_pipelines.representations.packing import pack
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.thresholds import Threshold

MAPS = ["binary", "three_class", "distance"]


def cloudy_scores(name: str, seed: int, shape: tuple[int, int], smooth: float = 3.0, sharp: float = 4.0) -> Scores:
    """Return what an uncertain network might put out: smooth clouds that merge at low thresholds."""
    representation = create_representation(name)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(representation.channels), *shape))
    clouds = np.stack([ndimage.gaussian_filter(plane, smooth) for plane in noise])
    logits = np.clip(sharp * clouds / max(clouds.std(), 1e-9) - 1, -20, 20)
    outputs = np.exp(logits) / np.exp(logits).sum(axis=0) if name == "three_class" else 1 / (1 + np.exp(-logits))
    return representation.reduce(outputs.astype(np.float32))


def assert_equal(first: Instances, second: Instances) -> None:
    assert np.array_equal(first.labels, second.labels)
    assert first.labels.dtype == second.labels.dtype == np.int32
    assert np.array_equal(first.scores, second.scores)


@pytest.mark.parametrize("name", [*MAPS, "flows"])
@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.sampled_from([0.0, 1.5, 4.0]),
    st.lists(
        st.builds(Threshold, st.sampled_from([0, 0.01, 0.3, 0.5, 0.9, 1]), st.sampled_from([0, 9]), st.floats(0, 9)),
        max_size=6,
    ),
)
def test_a_sweep_gives_what_decode_gives_whatever_the_order(
    name: str, seed: int, shape: tuple[int, int], smooth: float, decodings: list[Threshold]
) -> None:
    representation, scores = create_representation(name), cloudy_scores(name, seed, shape, smooth)
    swept = list(representation.sweep(scores, decodings))
    assert len(swept) == len(decodings)
    for found, decoding in zip(swept, decodings, strict=True):
        assert_equal(found, representation.decode(scores, decoding))
        numbers, first = np.unique(found.labels[found.labels > 0], return_index=True)
        assert numbers.tolist() == list(range(1, len(found.scores) + 1))
        assert (np.diff(first) > 0).all()
        assert np.bincount(found.labels.ravel())[1:].min(initial=99) >= decoding.min_area_px


def plain(stored: NDArray[np.uint16], decoding: Threshold) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the cells, and where it is open which of two floods that start at one height comes first."""
    mask = ndimage.binary_fill_holes(stored >= round(decoding.score * 65535))
    components = ndimage.label(mask)[0]
    distance = ndimage.distance_transform_edt(mask)
    spacing = int(decoding.min_distance_px)
    peaks = tuple(peak_local_max(distance, min_distance=spacing, labels=components, exclude_border=False).T)
    centres = np.zeros(mask.shape, np.int32)
    centres[peaks] = np.arange(1, len(peaks[0]) + 1)
    labels = watershed(-distance, centres, mask=mask)
    kept = np.bincount(labels.ravel()) >= decoding.min_area_px
    kept[0] = False
    starts, counts = np.unique(np.stack([components[peaks], distance[peaks]]), axis=1, return_counts=True)
    is_open = np.isin(components, starts[0, counts > 1])
    return np.where(kept[labels], labels, 0).astype(np.int32), is_open


@pytest.mark.parametrize(("seed", "shape"), [(0, (150, 211)), (1, (90, 301)), (2, (203, 120))])
def test_cells_of_the_foreground_are_those_of_a_plain_loop_over_the_whole_image(
    seed: int, shape: tuple[int, int]
) -> None:
    binary, scores = create_representation("binary"), cloudy_scores("binary", seed, shape, 6)
    decodings = [Threshold(float(c), 30, 8) for c in np.linspace(0.1, 0.98, 20)]
    compared = 0
    for decoding, found in zip(decodings, binary.sweep(scores, decodings), strict=True):
        expected, is_open = plain(scores["cell"], decoding)
        ours, theirs = found.labels[~is_open], expected[~is_open]
        assert np.array_equal(ours > 0, theirs > 0)
        pairs = np.unique(np.stack([ours, theirs]), axis=1)
        assert pairs.shape[1] == np.unique(ours).size == np.unique(theirs).size
        compared += pairs.shape[1] - 1
        means = ndimage.mean(scores["cell"] / 65535, found.labels, np.arange(1, found.labels.max() + 1))
        assert np.allclose(found.scores, means, atol=1e-6)
    assert compared > 100


@pytest.mark.parametrize("seed", range(4))
def test_packing_moves_every_pixel_of_the_support_once(seed: int) -> None:
    stored = cloudy_scores("binary", seed, (120, 133), 1.5, 3)["cell"]
    support = stored >= 60_000
    windows = pack({"cell": stored}, support)
    assert len(windows) > 1
    source_indices = np.concatenate([w.source_index[w.maps["cell"] >= 60_000] for w in windows])
    assert np.array_equal(np.sort(source_indices), np.flatnonzero(support))
    for window in windows:
        inside = window.maps["cell"] > 0
        assert np.array_equal(window.maps["cell"][inside], stored.ravel()[window.source_index[inside]])


def test_decodings_of_one_cutoff_may_differ_in_sizes() -> None:
    binary, scores = create_representation("binary"), cloudy_scores("binary", 5, (80, 90))
    decodings = [Threshold(*sizes) for sizes in product((0.4, 0.6), (0, 40), (0, 5, 9))]
    counts = [len(found.scores) for found in binary.sweep(scores, decodings)]
    assert counts == [len(binary.decode(scores, decoding).scores) for decoding in decodings]
    assert len(set(counts)) > 4
