"""Every family of models is evaluated in the same columns, and the counts are those of a person who looks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation import image_evaluation
from cell_pipelines.analysis.evaluation.class_pair import has_boxes, has_masks, mean_diameter_px
from cell_pipelines.analysis.evaluation.image_evaluation import CELL_COLUMNS, EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.matched_cells import match_cells
from cell_pipelines.analysis.evaluation.pairing import Pairing, pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.metrics.count_columns import BOX_COUNTS, INSTANCE_COUNTS
from cell_pipelines.metrics.evaluated import COUNTS
from cell_pipelines.metrics.matching import match_boxes
from cell_pipelines.thresholds import Thresholds

Maker = Callable[..., Any]
LEFT, RIGHT, FAR = (2, 2, 12, 12), (12, 2, 22, 12), (40, 20, 50, 30)
SHIFTED = (4, 2, 14, 12)  # IoU with LEFT: 80 / 120
BOTH = (2, 2, 22, 12)
TRUTH = {"a.png": [("cell", LEFT, 1.0), ("cell", RIGHT, 1.0), ("cell", FAR, 1.0)]}


def evaluate(given: Pairing, **options: float) -> tuple[pd.Series, pd.DataFrame]:
    (own,) = given.pairs()
    evaluated = ImageEvaluation(own, EvaluationSettings.for_pairing(given, **options))
    return evaluated.counts.iloc[0], evaluated.cells


def test_masks_are_counted_as_a_person_counts_them(pairing: Maker) -> None:
    found = {"a.png": [("cell", SHIFTED, 0.9), ("cell", (30, 2, 36, 8), 0.8)]}
    row, _ = evaluate(pairing(TRUTH, found), max_distance_px=5)
    assert row[["true", "predicted", "tp", "fp", "fn"]].tolist() == [3, 2, 1, 1, 2]
    assert row[["centroid_tp", "centroid_fp", "centroid_fn"]].tolist() == [1, 1, 2]
    assert row[["pixel_tp", "pixel_fp", "pixel_fn"]].tolist() == [100, 36, 200], "20 pixels lie in the right cell"
    assert row[["instance_tp_50", "instance_fp_50", "instance_fn_50"]].tolist() == [1, 1, 2]
    assert row[["instance_tp_65", "instance_tp_70"]].tolist() == [1, 0]
    assert row["instance_iou_50"] == pytest.approx(80 / 120)
    assert row[["split", "merged", "missed", "spurious"]].tolist() == [0, 0, 2, 1]
    assert row[["jaccard_intersection", "jaccard_union"]].tolist()[0] >= 80


def test_a_merge_and_a_split_are_told(pairing: Maker) -> None:
    merged, _ = evaluate(pairing(TRUTH, {"a.png": [("cell", BOTH, 0.9), ("cell", FAR, 0.8)]}))
    assert merged[["merged", "split", "missed"]].tolist() == [1, 0, 0]
    split, _ = evaluate(
        pairing({"a.png": [("cell", BOTH, 1.0)]}, {"a.png": [("cell", LEFT, 0.9), ("cell", RIGHT, 0.8)]})
    )
    assert split[["merged", "split", "spurious"]].tolist() == [0, 1, 0]


@pytest.mark.parametrize("kinds", [("box", "box"), ("mask", "box"), ("box", "mask"), ("polygon", "box")])
def test_boxes_and_masks_of_the_same_cells_have_the_same_box_columns(kinds: tuple[str, str], pairing: Maker) -> None:
    found = {"a.png": [("cell", SHIFTED, 0.9), ("cell", FAR, 0.4), ("cell", BOTH, 0.3)]}
    masks, _ = evaluate(pairing(TRUTH, found))
    other, cells = evaluate(pairing(TRUTH, found, kinds))
    shared = ["true", "predicted", *BOX_COUNTS, "centroid_tp", "centroid_fp", "centroid_fn"]
    assert other[shared].tolist() == masks[shared].tolist()
    assert other.drop(["image", "category", *shared]).isna().all(), "boxes have no pixels"
    assert cells["mask_matched"].isna().all()
    assert masks[list(COUNTS)].notna().all()


def test_polygons_are_masks_and_points_have_centroids_only(pairing: Maker) -> None:
    found = {"a.png": [("cell", SHIFTED, 0.9)]}
    as_polygons, _ = evaluate(pairing(TRUTH, found, ("polygon", "mask")))
    as_masks, _ = evaluate(pairing(TRUTH, found))
    pd.testing.assert_series_equal(as_polygons, as_masks)
    points, _ = evaluate(pairing(TRUTH, found, ("point", "mask")), max_distance_px=4)
    assert points[["centroid_tp", "centroid_fp", "centroid_fn"]].tolist() == [1, 0, 2]
    assert points[[*BOX_COUNTS, *INSTANCE_COUNTS]].isna().all()


def test_of_overlapping_predictions_the_surest_keeps_the_pixel(pairing: Maker) -> None:
    found = {"a.png": [("cell", BOTH, 0.3), ("cell", LEFT, 0.9)]}
    row, _ = evaluate(pairing(TRUTH, found))
    assert row["instance_tp_95"] == 2, "the left cell, and what is left of the other"
    assert row["pixel_tp"] == 200
    (own,) = pairing(TRUTH, found).pairs()
    matches = match_cells(ImageEvaluation(own, EvaluationSettings(max_distance_px=5)))
    assert (matches.matched.tolist(), matches.correct.tolist()) == ([True, True, False], [True, True])
    assert np.unique(matches.labels).tolist() == [0, 1, 2]


def test_classes_are_evaluated_apart_and_drawn_together(pairing: Maker) -> None:
    categories = ("cell", "debris")
    truth = {"a.png": [("cell", LEFT, 1.0), ("debris", FAR, 1.0)]}
    found = {"a.png": [("debris", LEFT, 0.9), ("debris", FAR, 0.8)]}
    (own,) = pairing(truth, found, categories=categories).pairs()
    evaluated = ImageEvaluation(own, EvaluationSettings(max_distance_px=5))
    assert evaluated.counts[["category", "tp", "fp", "fn"]].to_numpy().tolist() == [
        ["cell", 0, 0, 1],
        ["debris", 1, 1, 0],
    ]
    matches = match_cells(ImageEvaluation(own, EvaluationSettings(max_distance_px=5)))
    assert matches.matched.tolist() == [False, True]
    assert matches.correct.tolist() == [False, True]
    assert (matches.true_labels.max(), matches.labels.max()) == (2, 2)


def test_what_became_of_each_cell_is_told_with_its_area(pairing: Maker) -> None:
    _, cells = evaluate(pairing(TRUTH, {"a.png": [("cell", (40, 20, 50, 28), 0.7)]}))
    assert list(cells) == list(CELL_COLUMNS)
    assert cells["side"].tolist() == ["true"] * 3 + ["predicted"]
    assert cells["area_px"].tolist() == [100, 100, 100, 80]
    for kind in ("box", "centroid", "mask"):
        assert cells[f"{kind}_matched"].tolist() == [0, 0, 1, 1]


def test_regions_of_ignored_regions_count_neither_as_cells_nor_their_predictions_as_false(build: Maker) -> None:
    truth = build({"a.png": [("cell", LEFT, 1.0), ("cell", (30, 10, 58, 38), 1.0)]}, "mask", scores=False)
    flags = truth.objects.set_column(truth.objects.schema.get_field_index("crowd"), "crowd", [[False, True]])
    crowded = AnnotationSet(truth.images, flags, truth.categories)
    found = build({"a.png": [("cell", LEFT, 0.9), ("cell", FAR, 0.8), ("cell", (24, 2, 28, 6), 0.7)]}, "mask")
    row, _ = evaluate(pair(crowded, found, "val"))
    assert row[["true", "predicted", "tp", "fp", "fn"]].tolist() == [1, 2, 1, 1, 0]


def test_nothing_true_and_nothing_found_is_all_zeros(pairing: Maker) -> None:
    row, cells = evaluate(pairing({"a.png": []}, {"a.png": []}))
    assert (row[list(COUNTS)].astype(float) == 0).all()
    assert cells.empty
    assert list(cells) == list(CELL_COLUMNS)


@pytest.mark.parametrize(("truth", "found"), [({"a.png": []}, TRUTH), (TRUTH, {"a.png": []})])
def test_one_empty_side_is_all_false_or_all_missed(truth: dict, found: dict, pairing: Maker) -> None:
    row, _ = evaluate(pairing(truth, found))
    wrong, right = ("fp", "fn") if found is TRUTH else ("fn", "fp")
    for prefix in ("", "centroid_"):
        assert row[[f"{prefix}tp", f"{prefix}{wrong}", f"{prefix}{right}"]].tolist() == [0, 3, 0]
    assert row[f"pixel_{wrong}"] == 300


def test_settings_follow_what_both_sides_are_made_of(pairing: Maker) -> None:
    given = pairing(TRUTH, {"a.png": []}, ("mask", "box"))
    assert has_masks(given), "a side without an object does not speak against masks"
    assert not has_masks(pairing(TRUTH, TRUTH, ("mask", "box")))
    assert not has_boxes(pairing(TRUTH, TRUTH, ("point", "box")))
    assert EvaluationSettings.for_pairing(given).max_distance_px == pytest.approx(2 * np.sqrt(100 / np.pi))
    assert EvaluationSettings.for_pairing(pairing({"a.png": []}, {"a.png": []})).max_distance_px == 50
    assert np.isnan(mean_diameter_px(select_objects(given.truth, np.zeros(3, dtype=bool))))
    with pytest.raises(ValueError, match="`iou` must lie in"):
        EvaluationSettings(5.0, iou=0)


def test_thresholds_are_by_class(pairing: Maker) -> None:
    given = pairing(TRUTH, {"a.png": [("cell", LEFT, 0.9), ("cell", FAR, 0.25)]})
    (own,) = given.pairs()
    assert own.name == "a.png"
    assert own.filter_by_score(Thresholds.from_plain({"cell": 0.5})).predictions.n_objects == 1
    assert own.filter_by_score(Thresholds.from_plain({"cell": 0.25})).predictions.n_objects == 2


def test_an_image_is_matched_once_however_often_its_tables_are_read(pairing: Pairing, monkeypatch) -> None:
    (own,) = pairing(TRUTH, {"a.png": [("cell", LEFT, 0.9), ("cell", FAR, 0.25)]}).pairs()
    calls = []
    monkeypatch.setattr(image_evaluation, "match_boxes", lambda *a, **k: calls.append(1) or match_boxes(*a, **k))
    evaluation = ImageEvaluation(own, EvaluationSettings(max_distance_px=5))
    for _ in range(2):
        assert evaluation.counts["tp"].sum() == evaluation.cells["box_matched"].sum() / 2
        match_cells(evaluation, "box")
    assert calls == [1]
