"""Simulate the boxes of imperfect detectors: they miss, invent and confuse cells, and several err together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class DetectorSkill:
    """Skill of a detector.

    Attributes:
        recall: Share of cells with a score above 0.5.
        false_positives: Boxes above 0.5 without a cell, as a share of the cells.
        jitter: Standard deviation of each edge, as a share of the cell's size.
        confusion: Share of cells that are given another class.
        shared: How much of what is hard for one detector is hard for all, in [0, 1].
        seed: Of this detector's own errors.
    """

    recall: float = 0.9
    false_positives: float = 0.1
    jitter: float = 0.06
    confusion: float = 0.05
    shared: float = 0.5
    seed: int = 0


def simulate_detections(truth: AnnotationSet, skill: DetectorSkill, *, scene_seed: int = 0) -> AnnotationSet:
    """Return boxes with scores as a detector of this skill finds them.

    Every cell has a hardness that all detectors of a `scene_seed` share, and one of this detector alone. The score
    falls with their sum, so missed cells still leave boxes of low score. So it is with places that look like a cell.

    Args:
        truth: The cells; those that are wrong in the labels must be right here.
        skill: Of the detector.
        scene_seed: The same for detectors that look at the same images.

    Returns:
        The images of `truth` with boxes, scores from 0.02 on.
    """
    builder = AnnotationBuilder(truth.categories)
    for number, one in enumerate(iterate_images(truth)):
        image = builder.add_image(**one.images.to_pylist()[0])
        common = np.random.default_rng([scene_seed, number])
        own = np.random.default_rng([skill.seed, number, 1])
        boxes, categories, ease = _candidates(one, skill, common, own)
        scores = expit(3 * ease)
        for box, category, score in zip(boxes, categories, scores, strict=True):
            if score >= 0.02:
                builder.add_box(image, truth.categories[category], box, score=float(score))
    return builder.build()


def _candidates(
    one: AnnotationSet, skill: DetectorSkill, common: np.random.Generator, own: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """Return boxes, classes and how easily each is taken for a cell: above 0 it is."""
    cells, size = one.boxes, (int(one.images["width"][0].as_py()), int(one.images["height"][0].as_py()))
    count = len(cells)
    places = common.uniform(0, 1, (count, 2)) * size
    sizes = common.permutation(cells[:, 2:] - cells[:, :2])
    decoys = np.concatenate([places, places + sizes], axis=1)
    boxes = np.concatenate([cells, decoys])
    hardness = np.sqrt(skill.shared) * common.normal(size=2 * count)
    hardness += np.sqrt(1 - skill.shared) * own.normal(size=2 * count)
    base = np.repeat(ndtri([skill.recall, skill.false_positives]), count)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    seen = boxes + own.normal(size=boxes.shape) * skill.jitter * sides
    seen = np.clip(np.sort(seen.reshape(-1, 2, 2), axis=1).reshape(-1, 4), 0, np.tile(size, 2))
    categories = np.concatenate([one.category, common.permutation(one.category)])
    if len(one.categories) > 1:
        confused = own.uniform(size=len(categories)) < skill.confusion
        categories = np.where(confused, (categories + 1) % len(one.categories), categories)
    wide = (seen[:, 2:] - seen[:, :2] >= 1).all(axis=1)
    return seen[wide], categories[wide].astype(np.int64), (base + hardness)[wide]
