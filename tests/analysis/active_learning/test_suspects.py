import numpy as np
import pandas as pd
import pytest
from simulated.annotation_errors import ERROR_KINDS, inject_label_errors
from simulated.detections import DetectorSkill, simulate_detections

from cell_pipelines.analysis.active_learning.combining import KINDS
from cell_pipelines.analysis.active_learning.evidence import describe_labels, gather_evidence
from cell_pipelines.analysis.active_learning.suspects import COLUMNS, Asked, find_suspects
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.metrics.matching import box_iou

CATEGORIES = ("live", "dead")
#: Many right cells, from which the models' trust is learned.
RIGHT = {f"right {i}": [("live", (4, 4, 16, 16), 0.9), ("dead", (30, 20, 44, 34), 0.9)] for i in range(20)}


def ask(build, labels, found, kind="box", models=2):
    """Return the suspects in one image, asked of models that are right in all others."""
    truth = build({**RIGHT, "image": labels}, kind, categories=CATEGORIES, scores=False)
    seen = list(iterate_images(build({**RIGHT, "image": found}, "box", categories=CATEGORIES)))
    limits = dict.fromkeys(CATEGORIES, 0.5)
    asked = [
        Asked(describe_labels(one), {f"m{n}": gather_evidence(one, seen[row], limits) for n in range(models)})
        for row, one in enumerate(iterate_images(truth))
    ]
    suspects, images = find_suspects(asked, CATEGORIES, least=0.2)
    assert set(suspects["image"]) <= {"image"}
    return suspects, images


@pytest.mark.parametrize(
    ("labels", "found", "kind"),
    [
        ([], [("live", (4, 4, 16, 16), 0.9)], "missing_label"),
        ([("live", (4, 4, 16, 16), 0)], [], "spurious_label"),
        ([("live", (9, 9, 21, 21), 0)], [("live", (4, 4, 16, 16), 0.9)], "bad_outline"),
        ([("dead", (4, 4, 16, 16), 0)], [("live", (4, 4, 16, 16), 0.9)], "wrong_class"),
    ],
)
def test_each_kind_of_error_is_found_and_nothing_else(build, labels, found, kind):
    suspects, images = ask(build, labels, found)
    assert suspects["kind"].tolist() == [kind]
    row = suspects.iloc[0]
    assert (row["models"], row["models_agreeing"], row["models_asked"]) == ("m0, m1", 2, 2)
    assert row["suspicion"] > 0.5
    assert images.iloc[0]["image"] == "image"
    assert images.iloc[0][kind] == 1
    assert images["suspicion_sum"].iloc[0] == pytest.approx(row["suspicion"])


def test_the_worse_of_two_labels_on_one_cell_is_suspected(build):
    labels = [("live", (4, 4, 16, 16), 0), ("live", (5, 5, 17, 16), 0)]
    suspects, _ = ask(build, labels, [("live", (4, 4, 16, 16), 0.9)])
    assert suspects["kind"].tolist() == ["duplicate_label"]
    assert (suspects["label"].iloc[0], suspects["other_label"].iloc[0]) == (1, 0)


def test_two_overlapping_cells_that_a_model_sees_too_are_no_duplicates(build):
    cells = [("live", (4, 4, 16, 16), 0.9), ("live", (4, 8, 16, 20), 0.9)]
    assert ask(build, cells, cells)[0].empty


def test_a_missing_label_has_the_class_and_the_box_of_the_cell(build):
    row = ask(build, [], [("dead", (4, 4, 16, 16), 0.9)])[0].iloc[0]
    assert row["suggested"] == "dead"
    assert row[["x_min", "y_min", "x_max", "y_max"]].tolist() == [4, 4, 16, 16]
    assert row["label"] is pd.NA
    assert row["prediction"] == 0


def test_a_prediction_below_the_threshold_supports_a_label_and_is_no_missing_one(build):
    cell = (4, 4, 16, 16)
    unsupported = ask(build, [("live", cell, 0)], [])[0]["suspicion"].iloc[0]
    supported = ask(build, [("live", cell, 0)], [("live", cell, 0.4)])[0]
    assert supported.empty or supported["suspicion"].iloc[0] < unsupported
    assert ask(build, [], [("live", cell, 0.4)])[0].empty


def test_right_labels_are_not_suspected(build):
    suspects, images = ask(build, RIGHT["right 0"], RIGHT["right 0"])
    assert suspects.empty
    assert list(suspects.columns) == list(COLUMNS)
    assert images["suspects"].sum() == 0


def test_a_cell_labelled_in_pieces_is_not_missing(build):
    pieces = [("live", (4, 4, 10, 10), 0), ("live", (10, 4, 16, 10), 0), ("live", (4, 10, 10, 16), 0)]
    kinds = ask(build, [*pieces, ("live", (10, 10, 16, 16), 0)], [("live", (4, 4, 16, 16), 0.9)])[0]["kind"]
    assert "missing_label" not in set(kinds)


def test_points_are_evaluated_by_place_but_not_by_outline(build):
    assert ask(build, [("live", (4, 4, 16, 16), 0)], [("live", (4, 4, 16, 16), 0.9)], kind="point")[0].empty
    assert ask(build, [("live", (4, 4, 16, 16), 0)], [], kind="point")[0]["kind"].tolist() == ["spurious_label"]


def test_a_map_supports_a_label_that_no_prediction_overlaps(build):
    truth = build({"image": [("live", (4, 4, 16, 16), 0)]}, "mask", categories=CATEGORIES, scores=False)
    nothing = build({"image": []}, "mask", categories=CATEGORIES)
    limits, maps = dict.fromkeys(CATEGORIES, 0.5), {"live": np.full((40, 60), 0.7, np.float32)}
    assert gather_evidence(truth, nothing, limits).support.tolist() == [0]
    assert gather_evidence(truth, nothing, limits, maps).support == pytest.approx([0.7])


def test_images_without_labels_models_or_anything_give_empty_tables(build):
    empty = describe_labels(build({"image": []}, "box", categories=CATEGORIES))
    suspects, images = find_suspects([Asked(empty, {})], CATEGORIES)
    assert suspects.empty
    assert images["labels"].tolist() == [0]
    suspects, images = find_suspects([], CATEGORIES)
    assert (len(suspects), len(images)) == (0, 0)
    assert set(KINDS) <= set(images.columns)


def test_planted_errors_stand_first(build):
    images = {f"{i}": grid(i) for i in range(25)}
    truth = build(images, "box", categories=CATEGORIES, scores=False)
    labels, injected = inject_label_errors(truth, dict.fromkeys(ERROR_KINDS, 0.03), seed=1)
    found = [list(iterate_images(simulate_detections(truth, DetectorSkill(seed=s)))) for s in (1, 2, 3)]
    limits = dict.fromkeys(CATEGORIES, 0.5)
    asked = [
        Asked(describe_labels(one), {f"{m}": gather_evidence(one, own[row], limits) for m, own in enumerate(found)})
        for row, one in enumerate(iterate_images(labels))
    ]
    first = find_suspects(asked, CATEGORIES, least=0.0)[0].head(len(injected))
    edges = ["x_min", "y_min", "x_max", "y_max"]
    real = [
        bool(own.size) and bool((box_iou(row[edges].to_numpy(dtype=float)[None], own) >= 0.5).any())
        for _, row in first.iterrows()
        for own in [injected.loc[injected["image"] == row["image"], edges].to_numpy(dtype=float).reshape(-1, 4)]
    ]
    assert len(injected) >= 15
    assert np.mean(real) > 0.6
    assert np.mean(real) > 4 * len(injected) / labels.n_objects


def grid(seed):
    """Return six cells that do not overlap."""
    rng = np.random.default_rng(seed)
    corners = [(x + rng.integers(0, 5), y + rng.integers(0, 5)) for x in (1, 21, 41) for y in (1, 21)]
    return [(CATEGORIES[int(rng.uniform() < 0.4)], (x, y, x + 13, y + 12), 0.9) for x, y in corners]
