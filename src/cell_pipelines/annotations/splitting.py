"""Train, validation and test images with no group on two sides, and the check that proves it."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.class_columns import class_columns
from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images


class LeakError(ValueError):
    """A group of images that belong together, or equal images, stand on two sides of a split."""


def assign_groups(annotations: AnnotationSet, pattern: str | None) -> AnnotationSet:
    """Return the set with each image's group.

    Args:
        annotations: Images to group; a group the source gave is kept.
        pattern: Regular expression searched in the image's name; the named group ``group``, or else the whole
            match, names the group. None makes each image its own.

    Raises:
        ValueError: `pattern` is no regular expression, or finds nothing in some image's name.
    """
    try:
        search = re.compile(pattern) if pattern else None
    except re.error as error:
        raise ValueError(f"`group_pattern` {pattern!r} must be a regular expression: {error}.") from error
    given = annotations.images["group"].to_pylist()
    names = annotations.names
    found = [own or (_match(search, name) if search else name) for own, name in zip(given, names, strict=True)]
    missing = [name for name, group in zip(names, found, strict=True) if group is None]
    if missing:
        raise ValueError(
            f"`group_pattern` {pattern!r} must match every image name; it does not match {missing[0]!r}. It says which "
            "images stay on one side of the split: set `data_preparation.split.group_pattern` for these names, or to "
            "`auto`, or to null where every image is independent."
        )
    return annotations.with_image_column("group", found)


def _match(pattern: re.Pattern[str], name: str) -> str | None:
    match = pattern.search(name)
    if match is None:
        return None
    # An empty match would put unlike images together.
    return (match.group("group") if "group" in match.groupdict() else match.group()) or None


def split_images(
    annotations: AnnotationSet, fractions: Mapping[str, float], *, seed: int, keep_source: bool = True
) -> AnnotationSet:
    """Return the set with each image in train, val or test.

    Whole groups are dealt out, roughly the largest first, each to the split that most lacks images and objects of the
    group's classes, so that every split gets its share of each class as well as the groups allow. Images with
    equal pixels count as one group.

    Args:
        annotations: Images with groups from `assign_groups`.
        fractions: Share of each split; they add up to 1.
        seed: Tells the split apart from others as good.
        keep_source: Honour the split that the source gives; only images without one are dealt out.

    Raises:
        ValueError: The fractions don't add up to 1, are negative, or name another split.
        LeakError: The source's own split tears a group apart.
    """
    wrong = set(fractions) - set(SPLITS) or any(share < 0 for share in fractions.values())
    if wrong or not abs(sum(fractions.values()) - 1) <= 1e-6:
        raise ValueError(
            f"`fractions` of {', '.join(SPLITS)} must be 0 or more and add up to 1, got {dict(fractions)}."
        )
    group = join_equal_images(annotations)
    given = annotations.images["split"].to_pylist() if keep_source else [None] * annotations.n_images
    split = np.array([s or "" for s in given], dtype=object)
    for number in np.unique(group[split != ""]):
        members = group == number
        sides = sorted(set(split[members]) - {""})
        if len(sides) == 1:
            split[members] = sides[0]
    shares = {name: fractions.get(name, 0) for name in SPLITS}
    _deal(_weights(annotations), group, split, shares, np.random.default_rng(seed))
    result = annotations.with_image_column("split", split.tolist())
    check_split(result)
    return result


def join_equal_images(annotations: AnnotationSet) -> npt.NDArray[np.int64]:
    """Number the groups (I,), joining those that share an image of equal pixels."""
    names = annotations.images["group"].to_pylist()
    hashes = annotations.images["sha256"].to_pylist()
    keys = [g if g is not None else f"image:{n}" for g, n in zip(names, annotations.names, strict=True)]
    parent = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first: dict[str, str] = {}
    for key, sha256 in zip(keys, hashes, strict=True):
        if sha256 is not None:
            parent[root(key)] = root(first.setdefault(sha256, key))
    return np.unique([root(key) for key in keys], return_inverse=True)[1]


def _weights(annotations: AnnotationSet) -> npt.NDArray[np.float64]:
    """Return each image's share of all images and of all objects of each class, shape (I, 1 + classes)."""
    columns = np.concatenate([np.ones((annotations.n_images, 1)), annotations.counts()], axis=1)
    shares: npt.NDArray[np.float64] = columns / np.maximum(columns.sum(axis=0), 1)
    return shares


def _deal(
    weights: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    split: npt.NDArray[np.object_],
    fractions: Mapping[str, float],
    rng: np.random.Generator,
) -> None:
    """Fill the empty places of `split`, which is this module's own array."""
    names = [name for name, share in fractions.items() if share > 0]
    target = np.array([fractions[s] for s in names])[:, None]
    have = np.stack([weights[split == s].sum(axis=0) for s in names])
    open_groups = rng.permutation(np.unique(group[split == ""]))
    total = np.stack([weights[group == g].sum(axis=0) for g in open_groups]) if len(open_groups) else np.empty((0, 1))
    # Large groups first, for the small ones even out the rest; the jitter makes each seed another split.
    for i in np.argsort(-total.sum(axis=1) * rng.uniform(0.9, 1.1, len(total)), kind="stable"):
        lack = ((target - have) / target * total[i]).sum(axis=1)
        side = int(np.argmax(lack))
        have[side] += total[i]
        split[group == open_groups[i]] = names[side]


def check_split(annotations: AnnotationSet) -> None:
    """Prove that no group, and no image of equal pixels, is on two sides.

    Raises:
        LeakError: Lists the groups that are.
    """
    group = join_equal_images(annotations)
    sides: dict[int, dict[str, str]] = {}
    for number, split, name in zip(group, annotations.images["split"].to_pylist(), annotations.names, strict=True):
        sides.setdefault(int(number), {}).setdefault(split, name)
    torn = [side for side in sides.values() if len(side) > 1]
    if torn:
        shown = "; ".join(" and ".join(f"{name} ({split})" for split, name in side.items()) for side in torn[:5])
        raise LeakError(
            f"images that belong together, or are equal, are on two sides of the split, in {len(torn)} groups: {shown}."
        )


def split_counts(annotations: AnnotationSet) -> list[dict[str, int | str]]:
    """Count images and objects of each class in each split, one row per split; for columns see `class_columns`."""
    split = np.array(annotations.images["split"].to_pylist(), dtype=object)
    group = np.array(annotations.images["group"].to_pylist(), dtype=object)
    counts = annotations.counts()
    columns = class_columns(
        annotations.categories, ("split", "images", "groups", "decided_by", "pairs_alike", "pairs_apart")
    )
    rows: list[dict[str, int | str]] = []
    for name in [s for s in SPLITS if (split == s).any()]:
        inside: Sequence[bool] = split == name
        numbers = dict(zip(annotations.categories, map(int, counts[inside].sum(axis=0)), strict=True))
        named = {columns[category]: number for category, number in numbers.items()}
        rows.append({"split": name, "images": int(np.sum(inside)), "groups": len(set(group[inside])), **named})
    return rows


def training_folds(annotations: AnnotationSet, folds: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each image, (I,) in 1 … `folds`; 0 for images of validation and test, which are in none.

    Whole groups are dealt out as `split_images` deals them, so that every fold gets its share of images and of each
    class as well as the groups allow.

    Args:
        annotations: Images with splits and groups from `split_images`.
        folds: How many, 2 or more.
        seed: Tells the division apart from others as good.

    Raises:
        ValueError: The training images have fewer groups than `folds`.
    """
    training = np.array(annotations.images["split"].to_pylist(), dtype=object) == "train"
    group = join_equal_images(annotations)
    number = len(np.unique(group[training]))
    if number < folds:
        raise ValueError(
            f"`folds` must be at most the number of groups of training images that belong together, {number}; "
            f"got {folds}."
        )
    names = [str(fold + 1) for fold in range(folds)]
    dealt = np.where(training, "", "0").astype(object)
    weights = _weights(annotations) * training[:, None]
    _deal(weights / np.maximum(weights.sum(axis=0), 1e-12), group, dealt, dict.fromkeys(names, 1 / folds),
          np.random.default_rng(seed))  # fmt: skip
    return dealt.astype(np.int64)


def training_subset(annotations: AnnotationSet, share: float, *, seed: int) -> AnnotationSet:
    """Return the set with only a share of its training images; validation and test images stay.

    Subsets of one seed are nested: a larger share holds the images of every smaller one, so that what is seen is the
    effect of more images and not of others. Of n training images floor(share * n) are kept, but at least one.

    Args:
        annotations: Images with splits from `split_images`.
        share: Of the training images, in (0, 1].
        seed: Orders the images.

    Raises:
        ValueError: `share` is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` of the training images must be above 0 and at most 1, got {share}.")
    splits = np.array(annotations.images["split"].to_pylist(), dtype=object)
    training = np.flatnonzero(splits == "train")
    order = np.random.default_rng(seed).permutation(training)
    # Rounding errors must not lose an image: 0.1 * 30 is a little more or less than 3.
    kept = order[: max(1, int(np.floor(share * len(training) + 1e-9)))]
    left_out = np.setdiff1d(training, kept)
    return select_images(annotations, np.setdiff1d(np.arange(annotations.n_images), left_out))
