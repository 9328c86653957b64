"""The decoding of score maps is chosen by what it finds in whole images."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.analysis.evaluation.map_thresholds import count_at_thresholds, decide, threshold_grid
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings
from cell_pipelines.representations.base import Instances, Scores
from cell_pipelines.thresholds import Threshold

DEFAULT = Threshold(0.5, 6.0)


@dataclass
class Plain:
    """Connected components above the threshold: enough of a representation to choose for."""

    swept: list[int] = field(default_factory=list)

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        labels, count = ndimage.label(scores["probabilities"] >= decoding.score)
        areas = np.bincount(labels.ravel(), minlength=count + 1)
        kept = np.flatnonzero(areas[1:] >= decoding.min_area_px) + 1
        number = np.zeros(count + 1, dtype=np.int32)
        number[kept] = np.arange(1, len(kept) + 1)
        return Instances(number[labels], np.ones(len(kept), dtype=np.float32))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        self.swept.append(len(decodings))
        return (self.decode(scores, decoding) for decoding in decodings)


def image(*, noise: float = 0.35) -> tuple[dict[str, Any], np.ndarray]:
    """Two cells of 25 px with a core of 0.9, a rim of 0.6 and a single bright pixel beside them."""
    labels = np.zeros((20, 30), dtype=np.int32)
    labels[3:8, 3:8], labels[3:8, 12:17] = 1, 2
    scores = np.where(labels > 0, 0.6, noise).astype(np.float32)
    scores[4:7, 4:7] = scores[4:7, 13:16] = 0.9
    scores[15, 25] = 0.95
    return {"probabilities": scores}, labels


def choose(
    representation: Plain,
    images: Iterable[tuple[dict[str, Any], np.ndarray]],
    grid: list[Threshold],
    settings: ChoiceSettings,
    *,
    default: Threshold,
) -> tuple[Threshold, Any]:
    """Choose as the pipeline does: counts of every image first, the decision over their sum."""
    counts = [count_at_thresholds(representation, *one, grid, settings) for one in images]
    return decide(grid, sum(counts, np.zeros((len(grid), 5))), len(counts), settings, default=default)


@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid", "count_mae", "count_bias"])
def test_the_best_decoding_is_found(objective: Any) -> None:
    grid = threshold_grid(DEFAULT, n_thresholds=20, min_areas=(0.1, 1.0))
    settings = ChoiceSettings(objective, max_distance_px=2)
    chosen, table = choose(Plain(), [image(), image()], grid, settings, default=DEFAULT)
    assert chosen.min_area_px == 6
    if objective == "f1_iou":
        assert chosen.score == pytest.approx(0.475, abs=0.03), "at 0.6 cells lose their rims"
    assert 0.35 < chosen.score <= 0.9
    best = table[(table["threshold"] == chosen.score) & (table["min_area_px"] == 6)].iloc[0]
    assert best[["tp", "fp", "fn", "count_mae"]].tolist() == [4, 0, 0, 0]
    assert len(table) == len(grid)
    without_rims = table[(table["threshold"] == 0.825) & (table["min_area_px"] == 6)].iloc[0]
    assert without_rims["f1"] == (0 if objective == "f1_iou" else 1)


def test_one_sweep_an_image_serves_all_decodings() -> None:
    plain, grid = Plain(), threshold_grid(DEFAULT, n_thresholds=5)
    choose(plain, (image() for _ in range(3)), grid, ChoiceSettings(), default=DEFAULT)
    assert plain.swept == [len(grid)] * 3


def test_counts_of_images_add_up_in_any_order() -> None:
    grid, settings = threshold_grid(DEFAULT, n_thresholds=6), ChoiceSettings("f1_centroid", max_distance_px=2)
    images = [image(), image(noise=0.7)]
    chosen, table = choose(Plain(), images, grid, settings, default=DEFAULT)
    totals = sum(count_at_thresholds(Plain(), *one, grid, settings) for one in reversed(images))
    again, same = decide(grid, totals, 2, settings, default=DEFAULT)
    assert again == chosen
    assert same.equals(table)


def test_without_images_or_cells_the_default_is_kept() -> None:
    nothing = {"probabilities": np.zeros((8, 8), np.float32)}, np.zeros((8, 8), np.int32)
    grid = threshold_grid(DEFAULT, n_thresholds=3)
    for images in ([], [nothing]):
        chosen, table = choose(Plain(), images, grid, ChoiceSettings(), default=DEFAULT)
        assert chosen is DEFAULT
        assert len(table) == len(grid)


def test_a_grid_holds_the_default_and_every_combination_once() -> None:
    grid = threshold_grid(Threshold(0.55, 40.0, 8.0), n_thresholds=50, min_areas=(0.5, 1, 2), distances=(0.5, 1))
    assert len(grid) == len(set(grid)) == 50 * 3 * 2, "0.55 is one of the fifty"
    assert Threshold(0.55, 40.0, 8.0) in grid
    assert [d.score for d in grid] == sorted(d.score for d in grid)
    assert (min(d.score for d in grid), max(d.score for d in grid)) == (0.01, 0.99)
    assert len(threshold_grid(Threshold(), min_areas=(1, 2), distances=(0,))) == 51, "0 times anything is 0"
    with pytest.raises(ValueError, match="`n_thresholds` must be at least 1"):
        threshold_grid(DEFAULT, n_thresholds=0)
