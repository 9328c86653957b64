"""Counts of models stand in one order, and models that saw different images are refused."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.summaries import summarise
from cell_pipelines.analysis.model_comparison import align_counts
from cell_pipelines.analysis.model_comparison.aligned_counts import measure
from cell_pipelines.metrics.evaluated import COMPARED

Make = Callable[..., pd.DataFrame]
Draw = Callable[..., dict[str, pd.DataFrame]]


def test_every_metric_is_that_of_the_evaluation(drawn: Draw) -> None:
    tables = drawn(12)
    for name in ("instance_tp_50", "instance_fp_50", "instance_fn_50", "instance_iou_50", "jaccard_intersection"):
        for place, one in enumerate(tables.values()):
            one[name] = one["tp"] * (0.5 + 0.1 * place)
    for one in tables.values():
        one["jaccard_union"] = 3 * one["jaccard_intersection"] + 1
        one[["centroid_tp", "centroid_fp", "centroid_fn"]] = one[["tp", "fp", "fn"]].to_numpy()
    aligned = align_counts(tables)
    for place, one in enumerate(tables.values()):
        expected = summarise(one, n_resamples=10).iloc[-1]
        for name, metric in COMPARED.items():
            assert measure(aligned, metric).estimates[place] == pytest.approx(expected[name]), name


def test_the_order_of_a_table_does_not_matter(boxes: Make) -> None:
    first, second = boxes([3, 2, 1], [4, 4, 4]), boxes([1, 2, 3], [4, 4, 4])
    turned = second.iloc[::-1]
    straight, other = (align_counts({"a": first, "b": one}) for one in (second, turned))
    assert straight.images == other.images == ("a0", "a1", "a2")
    np.testing.assert_array_equal(straight.counts["tp"], other.counts["tp"])


def test_classes_are_summed_or_taken_one_by_one(boxes: Make) -> None:
    red = boxes([3, 2], [4, 4])
    both = pd.concat([red, boxes([1, 1], [1, 1]).assign(category="blue")])
    assert align_counts({"a": both}).counts["tp"][:, 0].tolist() == [4, 3]
    assert align_counts({"a": both}, category="blue").counts["tp"][:, 0].tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"`category` must be among cell, all classes for 'a', got 'green'"):
        align_counts({"a": red}, category="green")


def test_groups_are_units_and_an_image_without_one_is_its_own(boxes: Make) -> None:
    one = boxes([1, 1, 1, 1], [2, 2, 2, 2])
    aligned = align_counts({"a": one}, groups={"a0": "x", "a2": "x", "a3": "a1"})
    assert aligned.units.tolist() == [0, 1, 0, 2], "a group called like an image is not that image"
    assert aligned.grouped
    assert aligned.n_units == 3
    assert not align_counts({"a": one}, groups={"a0": "x"}).grouped


def test_different_images_and_different_cells_are_refused(boxes: Make) -> None:
    first = boxes([1, 1], [2, 2])
    longer = boxes([1, 1, 1], [2, 2, 2])
    with pytest.raises(ValueError, match=r"'a' and 'b' must be evaluated on the same images, got 0 .* 1 .*'a2'"):
        align_counts({"a": first, "b": longer})
    with pytest.raises(ValueError, match=r"same cells, got different numbers of them in 1 images, such as 'a1'"):
        align_counts({"a": first, "b": boxes([1, 1], [2, 3])})
    with pytest.raises(ValueError, match="'a0' twice"):
        align_counts({"a": pd.concat([first, first.iloc[:1]])}, category="cell")
    with pytest.raises(ValueError, match=r"table of 'a' must have the counts of evaluated images; .*fn"):
        align_counts({"a": first.drop(columns="fn")})


def test_without_models_or_images_there_is_nothing(boxes: Make) -> None:
    assert align_counts({}).models == ()
    empty = align_counts({"a": boxes([], []), "b": boxes([], [])})
    assert empty.n_units == 0
    assert np.isnan(measure(empty, COMPARED["f1"]).estimates).all()


def test_a_model_without_a_count_has_no_metric_and_the_others_do(boxes: Make, drawn: Draw) -> None:
    tables = drawn(4, models=1)
    true = tables["m0"]["true"]
    aligned = align_counts({**tables, "boxes": boxes(true - 1, true)})
    estimates = measure(aligned, COMPARED["pixel_iou"]).estimates
    assert np.isfinite(estimates[0])
    assert np.isnan(estimates[1])
