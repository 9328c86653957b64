"""The threshold of a detector is found on its stored predictions, for any objective."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.object_thresholds import choose_ranked_thresholds, rankings
from cell_pipelines.analysis.evaluation.pairing import Pairing, pair
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings

Maker = Callable[..., Any]
CELLS = [(5 * i, 2, 5 * i + 4, 6) for i in range(10)]
TRUTH = {"a.png": [("cell", box, 1.0) for box in CELLS[:5]], "b.png": [("cell", box, 1.0) for box in CELLS[:2]]}
# Right ones above 0.6, wrong ones below 0.4.
FOUND = {
    "a.png": [*[("cell", box, 0.9 - 0.05 * i) for i, box in enumerate(CELLS[:5])], ("cell", (2, 30, 6, 34), 0.4)],
    "b.png": [("cell", CELLS[0], 0.8), ("cell", CELLS[1], 0.6), ("cell", (30, 30, 34, 34), 0.1)],
}


def choose(given: Pairing, settings: ChoiceSettings, **options: Any) -> tuple[dict[str, float], pd.DataFrame]:
    images = (job.run() for job in rankings(given, settings))
    return choose_ranked_thresholds(given.categories, images, settings, **options)


@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid", "count_mae", "count_bias"])
@pytest.mark.parametrize("kind", ["box", "mask"])
def test_the_cutoff_lies_between_the_wrong_and_the_right_ones(objective: Any, kind: str, pairing: Maker) -> None:
    given = pairing(TRUTH, FOUND, (kind, kind))
    chosen, table = choose(given, ChoiceSettings(objective, "argmax", max_distance_px=3), n_thresholds=81)
    assert chosen["cell"] == pytest.approx(0.5, abs=0.02)
    best = table[np.isclose(table["threshold"], chosen["cell"])].iloc[0]
    assert best[["tp", "fp", "fn", "f1", "count_mae", "count_bias"]].tolist() == [7, 0, 0, 1, 0, 0]
    assert list(table.columns[:4]) == ["category", "threshold", "min_area_px", "min_distance_px"]
    assert table.iloc[0][["tp", "fp"]].tolist() == [7, 2]


@pytest.mark.parametrize("kind", ["box", "mask"])
@pytest.mark.parametrize("objective", ["f1_iou", "f1_centroid"])
def test_every_row_is_what_counting_again_at_its_cutoff_gives(kind: str, objective: Any, pairing: Maker) -> None:
    rng = np.random.default_rng(3)
    corners = rng.integers(0, 24, (2, 12, 2))
    images = [[(x, y, x + 8, y + 8) for x, y in side.tolist()] for side in corners]
    truth = {"a.png": [("cell", box, 1.0) for box in images[0]]}
    found = {"a.png": [("cell", box, float(s)) for box, s in zip(images[1], rng.random(12), strict=True)]}
    given = pairing(truth, found, (kind, kind))
    settings = ChoiceSettings(objective, "argmax", iou=0.3, max_distance_px=6)
    _, table = choose(given, settings, n_thresholds=7)
    for row in table.iloc[1:-1].itertuples():
        kept = {"a.png": [cell for cell in found["a.png"] if cell[2] >= row.threshold]}
        _, again = choose(pairing(truth, kept, (kind, kind)), settings, n_thresholds=2)
        assert again.iloc[0][["tp", "fp", "fn"]].tolist() == [row.tp, row.fp, row.fn]


def test_classes_have_cutoffs_of_their_own_and_unseen_ones_the_default(pairing: Maker) -> None:
    categories = ("cell", "debris", "dust")
    found = {"a.png": [("cell", CELLS[0], 0.8), ("debris", CELLS[1], 0.3)], "b.png": []}
    truth = {"a.png": [("cell", CELLS[0], 1.0), ("debris", CELLS[1], 1.0)], "b.png": []}
    given = pairing(truth, found, ("box", "box"), categories)
    for objective in ("f1_iou", "count_mae"):
        chosen, table = choose(given, ChoiceSettings(objective, "argmax", max_distance_px=3), default=0.11)
        assert chosen == {"cell": pytest.approx(0.8), "debris": pytest.approx(0.3), "dust": 0.11}
        assert set(table["category"]) == {"cell", "debris"}


def test_the_knee_keeps_more_than_the_best(pairing: Maker) -> None:
    wrong = [("cell", (5 * i, 30, 5 * i + 4, 34), 0.05 + 0.01 * i) for i in range(9)]
    late = [("cell", (50, 20, 54, 24), 0.85)]
    found = {"a.png": [("cell", box, 0.95) for box in CELLS[:5]] + wrong + late, "b.png": []}
    given = pairing(TRUTH, found)
    cutoffs = {
        choice: choose(given, ChoiceSettings("f1_centroid", choice, max_distance_px=3))[0]["cell"]
        for choice in ("argmax", "knee")
    }
    assert 0.13 <= cutoffs["knee"] < 0.3 < 0.85 < cutoffs["argmax"]


def test_nothing_predicted_gives_the_default_and_an_empty_table(pairing: Maker) -> None:
    for truth in (TRUTH, {"a.png": []}):
        nothing = {name: [] for name in truth}
        chosen, table = choose(pairing(truth, nothing), ChoiceSettings(), default=0.25)
        assert chosen == {"cell": 0.25}
        assert table.empty
        assert "count_bias" in table


def test_images_of_the_test_split_are_refused(build: Maker) -> None:
    truth = build(TRUTH, "box", scores=False, split="test")
    with pytest.raises(ValueError, match="got images of test"):
        rankings(pair(truth, build(FOUND, "box"), "test"), ChoiceSettings())
