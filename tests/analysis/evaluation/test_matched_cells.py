"""Overlays and captions match cells as the tables do, by masks, boxes or centroids; ignored regions count nowhere."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cell_pipelines.analysis.evaluation.class_pair import without_ignored
from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.map_thresholds import count_at_thresholds
from cell_pipelines.analysis.evaluation.matched_cells import match_cells
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.thresholds import Threshold

COLUMNS = {"mask": "instance_{}_50", "box": "{}", "centroid": "centroid_{}"}


def scene(seed: int, kind: str) -> Any:
    """Cells of two classes, predictions near them and elsewhere, and a region of each class that is ignored."""
    rng = np.random.default_rng(seed)
    truth, found = AnnotationBuilder(("a", "b")), AnnotationBuilder(("a", "b"))
    for builder in (truth, found):
        builder.add_image("x.png", height=80, width=90, split="val")
    for column in range(0, 80, 20):
        for row in range(0, 80, 20):
            box = (column + 2, row + 2, column + 14, row + 14)
            category = "ab"[rng.integers(2)]
            if rng.random() < 0.3:
                add(truth, category, (column, row, column + 18, row + 18), kind, crowd=True)
            elif rng.random() < 0.8:
                add(truth, category, box, kind)
            if rng.random() < 0.7:
                shift = rng.integers(0, 6, 2)
                moved = (box[0] + shift[0], box[1] + shift[1], box[2] + shift[0], box[3] + shift[1])
                add(found, "ab"[rng.integers(2)], moved, kind, score=float(rng.uniform(0.5, 1)))
    return pair(truth.build(), found.build(), "val")


def add(builder: AnnotationBuilder, category: str, box: Any, kind: str, **more: Any) -> None:
    box = tuple(map(int, box))
    if kind == "box":
        builder.add_box(0, category, box, **more)
        return
    mask = np.zeros((80, 90), dtype=bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    builder.add_object(0, category, "mask", box, counts=mask_to_run_lengths(mask), **more)


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("by", ["mask", "box", "centroid"])
def test_captions_count_as_the_tables_do(kind: str, by: str) -> None:
    for seed in range(12):
        pairing = scene(seed, kind)
        settings = EvaluationSettings.for_pairing(pairing)
        (image,) = pairing.pairs()
        cells = match_cells(ImageEvaluation(image, settings), by)  # type: ignore[arg-type]
        assert cells.kind == (by if by in settings.kinds else "box")
        table = ImageEvaluation(image, settings).counts
        expected = tuple(int(table[COLUMNS[cells.kind].format(name)].sum()) for name in ("tp", "fp", "fn"))
        assert cells.counts == expected
        assert (len(cells.true_boxes), len(cells.boxes)) == (len(cells.matched), len(cells.correct))
        assert (cells.labels is None) == (kind == "box")


def test_points_have_a_visible_extent_and_are_matched_by_centroids() -> None:
    builder = AnnotationBuilder(("a",))
    builder.add_image("x.png", height=30, width=30, split="val")
    builder.add_object(0, "a", "point", (3.0, 3.0, 3.0, 3.0), score=0.9)
    (image,) = pair(builder.build(), builder.build(), "val").pairs()
    cells = match_cells(ImageEvaluation(image, EvaluationSettings(5.0, masks=False, boxes=False)), "mask")
    assert (cells.kind, cells.counts, cells.rule) == ("centroid", (1, 0, 0), "by centroids within 5 px")
    assert np.all(cells.boxes[:, 2:] > cells.boxes[:, :2])


@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid"])
def test_what_a_network_finds_in_an_ignored_region_is_no_false_positive(objective: str) -> None:
    scores = np.zeros((1, 40, 60), dtype=np.float32)
    scores[0, 5:15, 5:15] = scores[0, 20:30, 40:50] = scores[0, 20:30, 20:30] = 0.9
    truth, ignored = np.zeros((40, 60), np.int32), np.zeros((40, 60), dtype=bool)
    truth[5:15, 5:15], ignored[18:35, 35:55] = 1, True
    settings = ChoiceSettings(objective=objective, split="val", max_distance_px=5.0)  # type: ignore[arg-type]
    representation = create_representation("binary")
    args = representation, representation.reduce(scores), truth, [Threshold(0.5, 4.0, 4.0)], settings
    assert count_at_thresholds(*args)[0, :3].tolist() == [1, 2, 0]
    assert count_at_thresholds(*args, ignored=ignored)[0, :3].tolist() == [1, 1, 0]


def test_a_cell_on_a_true_one_is_kept_though_a_region_lies_there(build: Callable[..., Any]) -> None:
    labels, true, ignored = (np.zeros((20, 20), np.int32) for _ in range(3))
    labels[2:8, 2:8], labels[12:18, 12:18], true[2:9, 2:9], ignored[:] = 1, 2, 1, 1
    assert np.unique(without_ignored(labels, ignored > 0, true)).tolist() == [0, 1]
    assert without_ignored(labels, ignored < 0, true) is labels
