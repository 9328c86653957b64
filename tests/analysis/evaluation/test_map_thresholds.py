"""The decoding of score maps is chosen by what it finds in whole images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cell_pipelines.analysis.evaluation.map_thresholds import Candidates, Count, count_at_thresholds, search
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


SIZES = {"min_areas": (0.1, 1.0)}


def counter(representation: Plain, images: Sequence[Any], settings: ChoiceSettings) -> Count:
    """Count as the pipeline does, image by image."""

    def count(grids: Mapping[str, Sequence[Threshold]]) -> dict[str, np.ndarray]:
        return {
            name: np.array([count_at_thresholds(representation, *one, grid, settings) for one in images]).reshape(
                len(images), len(grid), 5
            )
            for name, grid in grids.items()
        }

    return count


def choose(images: Sequence[Any], settings: ChoiceSettings, **options: Any) -> tuple[Threshold, Any]:
    candidates = Candidates(DEFAULT, **{"n_thresholds": 20, **options})
    return search({"cell": candidates}, counter(Plain(), images, settings), settings)["cell"]


@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid", "count_mae", "count_bias"])
def test_the_best_decoding_is_found(objective: Any) -> None:
    settings = ChoiceSettings(objective, "argmax", max_distance_px=2)
    chosen, table = choose([image(), image()], settings, **SIZES)
    assert chosen.min_area_px == 6
    if objective == "f1_iou":
        assert chosen.score == pytest.approx(0.475, abs=0.03), "at 0.6 cells lose their rims"
    assert 0.35 < chosen.score <= 0.9
    best = table[(table["threshold"] == chosen.score) & (table["min_area_px"] == 6)].iloc[0]
    assert best[["tp", "fp", "fn", "count_mae"]].tolist() == [4, 0, 0, 0]
    assert len(table) == 21 + 1, "all thresholds at the default sizes, and the other size at the best threshold"
    without_rims = table[(table["threshold"] == 0.825) & (table["min_area_px"] == 6)].iloc[0]
    assert without_rims["f1"] == (0 if objective == "f1_iou" else 1)


def small_cells() -> tuple[dict[str, Any], np.ndarray]:
    """Four cells of 4 px, fewer than the default's least area, and a large one; noise of 0.55 around all."""
    labels = np.zeros((20, 30), dtype=np.int32)
    for number, column in enumerate((2, 8, 14, 20), start=1):
        labels[3:5, column : column + 2] = number
    labels[10:16, 5:15] = 5
    return {"probabilities": np.where(labels > 0, 0.8, 0.55).astype(np.float32)}, labels


def test_thresholds_are_tried_again_where_other_sizes_are_chosen() -> None:
    chosen, table = choose([small_cells()] * 3, ChoiceSettings(), **SIZES)
    assert chosen == Threshold(0.575, 0.1 * DEFAULT.min_area_px), "the nearest to 0.5 that leaves the noise out"
    assert len(table[table["min_area_px"] == chosen.min_area_px]) == 21
    assert table[table["threshold"] == chosen.score]["f1"].max() == 1


def test_few_images_do_not_lead_away_from_the_default() -> None:
    one, three = choose([small_cells()], ChoiceSettings(), **SIZES), choose([small_cells()] * 3, ChoiceSettings())
    assert one[0] == DEFAULT, "one image decides nothing"
    assert three[0] == Threshold(0.575, DEFAULT.min_area_px)


def test_one_sweep_an_image_serves_all_thresholds_and_one_all_sizes() -> None:
    plain, settings = Plain(), ChoiceSettings()
    candidates = {"cell": Candidates(DEFAULT, 5, min_areas=(0.5,), min_distances=(0.5, 2.0))}
    search(candidates, counter(plain, [image()] * 3, settings), settings)
    assert plain.swept == [5] * 3 + [2] * 3, "a default distance of 0 has no multiples"
    plain.swept.clear()
    search({"cell": Candidates(DEFAULT, 5)}, counter(plain, [image()], settings), settings)
    assert plain.swept == [5]


def test_counts_of_images_add_up_in_any_order() -> None:
    settings = ChoiceSettings("f1_centroid", max_distance_px=2)
    images = [image(), image(noise=0.7)]
    chosen, table = choose(images, settings, n_thresholds=6)
    again, same = choose(images[::-1], settings, n_thresholds=6)
    assert again == chosen
    assert same.equals(table)


def test_without_images_or_cells_the_default_is_kept() -> None:
    nothing = {"probabilities": np.zeros((8, 8), np.float32)}, np.zeros((8, 8), np.int32)
    for images in ([], [nothing]):
        chosen, table = choose(images, ChoiceSettings(), n_thresholds=3, **SIZES)
        assert chosen == DEFAULT
        assert len(table) == 3 + 1


def test_candidates_hold_the_default_and_every_pair_once() -> None:
    default = Threshold(0.55, 40.0, 8.0)
    candidates = Candidates(default, 50, min_areas=(0.5, 1, 2), min_distances=(0.5, 1))
    thresholds = [one.score for one in candidates.thresholds_at(default)]
    assert len(thresholds) == len(set(thresholds)) == 50, "0.55 is one of the fifty"
    assert thresholds == sorted(thresholds)
    assert (thresholds[0], thresholds[-1]) == (0.01, 0.99)
    sizes = candidates.sizes_at(0.3)
    assert len(sizes) == len(set(sizes)) == 6
    assert replace(default, score=0.3) in sizes
    assert len(Candidates(Threshold(), min_areas=(1, 2), min_distances=(0,)).sizes_at(0.5)) == 1, (
        "0 times anything is 0"
    )
    assert Candidates(default, 0).thresholds_at(default) == [default]
    with pytest.raises(ValueError, match="`n_thresholds` must be 0 or more"):
        Candidates(default, -1)
