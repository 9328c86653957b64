"""Pairs of images that share descriptors, found without comparing each image with each other one."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.keypoints import Keypoints

# Locality-sensitive hashing by signs of random projections (Charikar 2002, doi:10.1145/509907.509965): descriptors at
# an angle of 0.1, as a copy's are, share a key of 56 signs in one of 12 tables with probability 0.88, others that are
# merely alike (0.3) with 0.04.
_BITS = 48
_TABLES = 12
# A descriptor that stands in more places than this is a common shape, such as a round cell, and says nothing.
_COMMON = 40
_SHARED = 3
# So many partners of an image are looked at; of more copies than that, some are found by way of others.
_PARTNERS = 16


def find_candidates(keypoints: Sequence[Keypoints], *, seed: int = 0) -> list[tuple[int, int, bool]]:
    """Return pairs of images that share at least three descriptors.

    Args:
        keypoints: Of N images. Cost grows with the number of descriptors, not with that of pairs.
        seed: Of the random projections.

    Returns:
        First image, second image (of a higher number), and whether it is the second's mirror image that is alike;
        those that share most come first.
    """
    described = [*(k.descriptors for k in keypoints), *(k.mirrored().descriptors for k in keypoints)]
    owner = np.repeat(np.arange(len(described)), [len(d) for d in described])
    if not len(owner):
        return []
    vectors = np.sqrt(np.concatenate(described).astype(np.float32))  # Hellinger's distance suits histograms better
    vectors -= vectors.mean(axis=0)
    rng = np.random.default_rng(seed)
    matches = [_same_key(_keys(vectors, rng), owner, len(keypoints)) for _ in range(_TABLES)]
    one, other = (owner[descriptor] for descriptor in np.divmod(np.unique(np.concatenate(matches)), len(owner)))
    count = len(keypoints)
    first, second = np.minimum(one, other), np.maximum(one, other)
    is_mirrored = second >= count
    low, high = np.minimum(first, second % count), np.maximum(first, second % count)
    code, shared = np.unique((low * count + high) * 2 + is_mirrored, return_counts=True)
    order = np.argsort(-shared, kind="stable")
    kept = code[order][shared[order] >= _SHARED]
    return _nearest([(int(c // 2 // count), int(c // 2 % count), bool(c % 2)) for c in kept])


def _nearest(pairs: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """Return the pairs that are among the first of either image, so that their number grows with that of images."""
    taken: Counter[int] = Counter()
    kept = []
    for first, second, mirrored in pairs:
        if min(taken[first], taken[second]) < _PARTNERS:
            taken.update((first, second))
            kept.append((first, second, mirrored))
    return kept


def _keys(vectors: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.uint64]:
    directions = rng.normal(size=(vectors.shape[1], _BITS)).astype(np.float32)
    keys = np.zeros((len(vectors), 8), dtype=np.uint8)
    for start in range(0, len(vectors), 1 << 16):  # so that memory does not grow with the projections
        signs = vectors[start : start + (1 << 16)] @ directions > 0
        keys[start : start + (1 << 16), : _BITS // 8] = np.packbits(signs, axis=1)
    return keys.view(np.uint64)[:, 0]


def _same_key(keys: npt.NDArray[np.uint64], owner: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Return (M,) pairs of descriptors of different images with equal keys, as lower number times N plus the other."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    order = order[np.repeat(lengths <= _COMMON, lengths)]
    ordered = keys[order]
    found = [np.empty(0, dtype=np.int64)]
    for step in range(1, _COMMON):
        same = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(same):
            break
        one, other = order[same], order[same + step]
        images = owner[one] % count != owner[other] % count
        is_new = (owner[one] < count) | (owner[other] < count)  # two mirror images are the two images once more
        found.append((np.minimum(one, other) * len(keys) + np.maximum(one, other))[images & is_new])
    return np.concatenate(found)
