"""Weight how often each tile is shown in an epoch: rare, crowded and badly learnt ones more often."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.training.segmentation.samples import Sample
from cell_pipelines.training.segmentation.tile_dataset import Draw, Tile
from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class OversamplingRule:
    """Tiles that are shown more often; those that fit all that is given.

    Attributes:
        factor: How many times as often; below 1 less often.
        image: Regular expression found in the image's name.
        category: A class of which the tile shows a cell.
        attribute: A key of an object's attributes, or ``key=value``; the tile shows such an object.
    """

    factor: float
    image: str | None = None
    category: str | None = None
    attribute: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.factor < float("inf"):
            raise ValueError(f"`factor` must be 0 or more, got {self.factor}.")
        if self.image is None and self.category is None and self.attribute is None:
            raise ValueError("a rule of oversampling must name an `image`, a `category` or an `attribute`; got none.")
        try:
            re.compile(self.image or "")
        except re.error as error:
            raise ValueError(f"`image` must be a regular expression, got {self.image!r}: {error}.") from error


@dataclass(frozen=True)
class Oversampling:
    """Weights of tiles in the sampling.

    Attributes:
        rules: Factors of the rules that a tile fits are multiplied.
        density: 0 leaves it aside; with 1 a tile with as many cells as the average tile is shown twice as often as
            one without.
        error: The same for the error that the network made on the tile when it saw it last.
    """

    rules: tuple[OversamplingRule, ...] = ()
    density: float = 0.0
    error: float = 0.0

    def __post_init__(self) -> None:
        if min(self.density, self.error) < 0:
            raise ValueError(f"`density` and `error` must be 0 or more, got {self.density} and {self.error}.")


def rules_without_effect(
    oversampling: Oversampling, names: Sequence[str], categories: Iterable[str], attributes: Iterable[str | None]
) -> list[str]:
    """Return a sentence for each rule that fits none of the training images.

    Args:
        oversampling: The rules.
        names: Of the training images.
        categories: Class of each of their objects.
        attributes: Attributes of each of their objects, as JSON.
    """
    known, texts = set(categories), [json.loads(text) for text in set(attributes) if text]
    sentences = []
    for rule in oversampling.rules:
        missing = (
            (
                rule.image is not None and not any(re.search(rule.image, name) for name in names),
                f"image {rule.image!r}",
            ),
            (rule.category is not None and rule.category not in known, f"category {rule.category!r}"),
            (
                rule.attribute is not None and not any(_has(found, rule.attribute) for found in texts),
                f"attribute {rule.attribute!r}",
            ),
        )
        sentences += [
            f"The oversampling rule with the {what} fits none of {len(names)} training images and has no effect."
            for lacks, what in missing
            if lacks
        ]
    return sentences


def tile_shares(
    samples: Sequence[Sample], tiles: Sequence[Tile], size: int, oversampling: Oversampling, categories: Sequence[str]
) -> FloatArray:
    """Return how often each tile is shown beside the others, errors left aside, shape (tiles,).

    Raises:
        ValueError: A rule names an unknown category, or no tile is left.
    """
    for rule in oversampling.rules:
        if rule.category is not None and rule.category not in categories:
            raise ValueError(f"`category` of a rule must be one of {', '.join(categories)}, got {rule.category!r}.")
    shares = np.ones(len(tiles))
    cells = np.zeros(len(tiles))
    attributes = [_attributes(sample) if oversampling.rules else [] for sample in samples]
    for place, tile in enumerate(tiles):
        sample = samples[tile.sample]
        shown = _shown(sample, tile, size)
        cells[place] = np.count_nonzero(shown & (sample.object_categories >= 0))
        for rule in oversampling.rules:
            if _fits(rule, sample, shown, attributes[tile.sample], categories):
                shares[place] *= rule.factor
    if cells.any():
        shares *= 1 + oversampling.density * cells / cells.mean()
    if not shares.any():
        raise ValueError("`oversampling` leaves no tile to be shown; at least one rule's factor must be above 0.")
    return shares


def _shown(sample: Sample, tile: Tile, size: int) -> npt.NDArray[np.bool_]:
    """Say which objects have the centre of their box in the tile, shape (N,)."""
    low, high = (
        np.array([sample.objects[f"{axis}_{end}"].to_numpy() for axis in ("y", "x")]) for end in ("min", "max")
    )
    centre = (low + high) / 2 - np.array([[tile.row], [tile.column]])
    inside: npt.NDArray[np.bool_] = ((centre >= 0) & (centre < size)).all(axis=0)
    return inside


def _attributes(sample: Sample) -> list[dict[str, Any]]:
    return [json.loads(text) if text else {} for text in sample.objects["attributes"].to_pylist()]


def _fits(
    rule: OversamplingRule, sample: Sample, shown: npt.NDArray[np.bool_], attributes: list[Any], names: Sequence[str]
) -> bool:
    if rule.image is not None and not re.search(rule.image, sample.name):
        return False
    if rule.category is None and rule.attribute is None:
        return True
    wanted = shown.copy()
    if rule.category is not None:
        wanted &= sample.object_categories == list(names).index(rule.category)
    if rule.attribute is not None:
        wanted &= np.array([_has(found, rule.attribute) for found in attributes], dtype=bool)
    return bool(wanted.any())


def _has(attributes: Any, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return isinstance(attributes, dict) and key in attributes and (not equals or str(attributes[key]) == value)


def draw_tiles(shares: FloatArray, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw `count` tiles in random order, each as often as its share says, rounded up or down at random.

    With equal shares and as many draws as tiles, each comes exactly once. This is systematic sampling
    (Madow & Madow 1944), which draws a rare tile far more evenly than independent draws.
    """
    order = generator.permutation(len(shares))
    ends = np.cumsum(shares[order]) / shares.sum() * count
    ends[-1] = count
    drawn = order[np.searchsorted(ends, np.arange(count) + generator.random(), side="right").clip(max=len(shares) - 1)]
    return generator.permutation(drawn)


class TileSampler:
    """The draws of an epoch, the same for a seed and an epoch whatever was drawn before.

    Attributes:
        epoch: Which epoch is drawn next.
        errors: What the network did wrong on each tile when it saw it last, shape (tiles,); nan if it never did.
    """

    def __init__(
        self, shares: FloatArray, count: int, seed: int, *, error: float = 0.0, rank: int = 0, devices: int = 1
    ) -> None:
        if count % devices:
            raise ValueError(f"`count` must be a multiple of `devices` ({devices}), got {count}.")
        self._shares, self._count, self._seed, self._error = shares, count, seed, error
        self._rank, self._devices = rank, devices
        self.epoch = 0
        self.errors = np.full(len(shares), np.nan)

    def __len__(self) -> int:
        return self._count // self._devices

    def __iter__(self) -> Iterator[Draw]:
        generator = np.random.default_rng((self._seed, self.epoch))
        tiles = draw_tiles(self._shares_with_errors(), self._count, generator)
        for number in range(self._rank, self._count, self._devices):
            yield Draw(int(tiles[number]), self.epoch, number)

    def _shares_with_errors(self) -> FloatArray:
        known = np.isfinite(self.errors)
        if self._error == 0 or not known.any() or self.errors[known].mean() == 0:
            return self._shares
        average = self.errors[known].mean()
        errors: FloatArray = np.where(known, self.errors, average)
        return np.asarray(self._shares * (1 + self._error * errors / average))
