"""A table of ratios follows from summed counts, and ratios that are tied to each other stay so."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.strata_tables import tabulate_density, tabulate_size
from cell_pipelines.analysis.evaluation.summaries import ALL, instance_curve, summarise
from cell_pipelines.metrics.evaluated import COUNTS

Maker = Callable[..., Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]


def scene(seed: int, *, images: int = 8, categories: tuple[str, ...] = ("cell", "debris")) -> tuple[dict, dict]:
    """Cells on a lattice; some are found, moved a little, some are not, and some are false positives."""
    rng = np.random.default_rng(seed)
    truth, found = {}, {}
    for i in range(images):
        places = rng.permutation(24)[: rng.integers(1, 12)]
        boxes = [(10 * (p % 6), 10 * (p // 6), 10 * (p % 6) + 7, 10 * (p // 6) + 7) for p in places.tolist()]
        names = rng.choice(categories, len(boxes))
        truth[f"{i}.png"] = [(str(n), box, 1.0) for n, box in zip(names, boxes, strict=True)]
        shifts = rng.integers(0, 4, len(boxes)).tolist()
        moved = [(x + d, y, min(x + 7 + d, 60), y + 7) for (x, y, _, _), d in zip(boxes, shifts, strict=True)]
        kept = [cell for cell in zip(names, moved, rng.random(len(boxes)), strict=True) if cell[2] > 0.2]
        found[f"{i}.png"] = [(str(n), box, float(score)) for n, box, score in kept]
    return truth, found


def evaluated(given: Any) -> Tables:
    settings = EvaluationSettings.for_pairing(given)
    parts = [ImageEvaluation(pair, settings) for pair in given.pairs()]
    return pd.concat([p.counts for p in parts], ignore_index=True), pd.concat([p.cells for p in parts])


@pytest.fixture
def tables(pairing: Maker) -> Tables:
    return evaluated(pairing(*scene(0), categories=("cell", "debris")))


def test_there_is_a_row_a_class_and_one_for_all(tables: Tables) -> None:
    table = summarise(tables[0], n_resamples=200)
    assert table["category"].tolist() == ["cell", "debris", ALL]
    for column in ("objects", "predicted", "tp", "fp", "fn", "missed"):
        assert table[column].iloc[:2].sum() == table[column].iloc[2]
    assert table["images"].tolist() == [8, 8, 8]
    total = table.iloc[2]
    assert total["f1"] == pytest.approx(2 * total["tp"] / (2 * total["tp"] + total["fp"] + total["fn"]))
    assert total["precision"] == pytest.approx(total["tp"] / (total["tp"] + total["fp"]))
    assert total["count_bias"] == pytest.approx((total["predicted"] - total["objects"]) / 8)


def test_intervals_draw_whole_groups_where_they_are_named(tables: Tables) -> None:
    counts = tables[0]
    groups = {name: f"well {i // 2}" for i, name in enumerate(sorted(counts["image"].unique())) if i < 6}
    alone, grouped = (summarise(counts, groups=known, n_resamples=300) for known in (None, groups))
    assert alone["units"].tolist() == [8, 8, 8] and grouped["units"].tolist() == [5, 5, 5]
    ends = [f"{name}_{end}" for name in ("f1", "count_mae", "image_iou_mean") for end in ("low", "high")]
    assert (alone[ends].iloc[-1] != grouped[ends].iloc[-1]).all()
    pd.testing.assert_frame_equal(
        *(t[[c for c in t if not c.endswith(("_low", "_high")) and c != "units"]] for t in (alone, grouped))
    )


def test_dice_and_iou_of_the_data_set_are_tied(tables: Tables) -> None:
    table = summarise(tables[0], n_resamples=200)
    assert np.allclose(table["dice"], 2 * table["pixel_iou"] / (1 + table["pixel_iou"]))
    assert np.allclose(table["panoptic_quality"], table["instance_f1"] * table["mean_matched_iou"])
    assert np.allclose(table["instance_f1"], 2 * table["instance_accuracy"] / (1 + table["instance_accuracy"]))
    assert (table["instance_f1_mean"] <= table["instance_f1"]).all()
    assert ((table["dice_low"] <= table["dice"]) & (table["dice"] <= table["dice_high"])).all()


def test_intervals_are_seeded(tables: Tables) -> None:
    first, again, other = (summarise(tables[0], n_resamples=200, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    pd.testing.assert_series_equal(first["f1"], other["f1"])


def test_the_curve_falls_and_begins_at_the_summary(tables: Tables) -> None:
    curve, table = instance_curve(tables[0]), summarise(tables[0], n_resamples=200)
    assert len(curve) == 3 * 10
    for name, rows in curve.groupby("category"):
        assert rows["iou"].tolist() == [p / 100 for p in range(50, 100, 5)]
        assert (np.diff(rows["tp"]) <= 0).all()
        own = table[table["category"] == name].iloc[0]
        assert rows.iloc[0][["f1", "accuracy", "panoptic_quality"]].tolist() == pytest.approx(
            own[["instance_f1", "instance_accuracy", "panoptic_quality"]].tolist()
        )
        assert rows["f1"].mean() == pytest.approx(own["instance_f1_mean"])


def test_a_detector_and_a_network_share_all_but_the_columns_of_masks(pairing: Maker) -> None:
    truth, found = scene(1)
    names = ("cell", "debris")
    masks = summarise(evaluated(pairing(truth, found, categories=names))[0], n_resamples=200)
    boxes = summarise(evaluated(pairing(truth, found, ("mask", "box"), names))[0], n_resamples=200)
    assert list(boxes) == list(masks)
    missing = boxes.columns[boxes.isna().all()]
    assert {"dice", "pixel_iou", "instance_f1", "panoptic_quality", "split", "dice_low"} <= set(missing)
    pd.testing.assert_frame_equal(boxes.drop(columns=missing), masks.drop(columns=missing))
    assert instance_curve(evaluated(pairing(truth, found, ("box", "box"), names))[0]).empty


@pytest.mark.parametrize("images", [{}, {"a.png": []}])
def test_empty_images_are_summarised_too(images: dict, pairing: Maker) -> None:
    counts = pd.DataFrame(columns=["image", "category", *COUNTS])
    if images:
        counts, _ = evaluated(pairing(images, images))
    table = summarise(counts, n_resamples=200)
    total = table.iloc[-1]
    assert total["category"] == ALL
    assert total["images"] == len(images)
    assert np.isnan(total[["f1", "dice", "precision", "instance_f1"]].astype(float)).all()
    assert total["count_mae"] == 0 if images else np.isnan(total["count_mae"])
    assert len(tabulate_density(counts)) == len(images)


def test_groups_by_density_and_size_add_up(tables: Tables) -> None:
    counts, cells = tables
    density, total = tabulate_density(counts, edges=[4, 8]), summarise(counts, n_resamples=200).iloc[-1]
    assert density["images"].sum() == total["images"]
    assert density["objects"].sum() == total["objects"]
    assert set(density["cells"]) <= {"below 4", "4 to below 8", "8 and more"}
    size = tabulate_size(cells, edges=[45])
    assert size["objects"].tolist() == [0, total["objects"]] or len(size) == 1
    whole = tabulate_size(cells, n_strata=1).iloc[0]
    assert whole[["recall", "precision"]].tolist() == pytest.approx([total["recall"], total["precision"]])
    assert whole["instance_recall"] == pytest.approx(total["instance_recall"])


def test_sizes_of_nothing_and_of_boxes(pairing: Maker) -> None:
    _, none = evaluated(pairing({"a.png": []}, {"a.png": []}))
    assert tabulate_size(none).empty
    _, boxes = evaluated(pairing(*scene(3), ("mask", "box"), ("cell", "debris")))
    assert tabulate_size(boxes)["instance_recall"].isna().all()
    assert tabulate_size(boxes)["recall"].notna().all()
