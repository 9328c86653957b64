"""The table of shared pixels equals a plain count, whatever the ids, the types and the shapes are."""

import numpy as np
import pytest
from skimage.metrics import contingency_table

from cell_pipelines.metrics.label_overlap import overlap_table

DTYPES = [np.uint8, np.uint16, np.int32, np.int64, np.uint32]


def dense(table) -> np.ndarray:
    """Give the shared pixels as a table of all ids against all ids."""
    shape = [int(ids.max(initial=0)) + 1 for ids in (table.true_ids, table.predicted_ids)]
    full = np.zeros(shape, dtype=np.int64)
    full[table.true_ids[table.true_index], table.predicted_ids[table.predicted_index]] = table.shared
    return full


@pytest.mark.parametrize("seed", range(4))
def test_shared_pixels_and_areas_equal_those_of_scikit_image(seed: int, make_labels) -> None:
    true, predicted = make_labels(seed)
    table = overlap_table(true, predicted)
    expected = contingency_table(true, predicted).toarray().astype(np.int64)
    np.testing.assert_array_equal(dense(table)[1:, 1:], expected[1:, 1:])
    assert table.true_areas.tolist() == [np.count_nonzero(true == label) for label in table.true_ids]
    assert table.predicted_areas.tolist() == [np.count_nonzero(predicted == label) for label in table.predicted_ids]
    assert table.true_ids.tolist() == np.unique(true[true > 0]).tolist()


@pytest.mark.parametrize("true_dtype", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_two_integer_types_may_meet_and_none_is_changed(true_dtype, dtype, make_labels) -> None:
    true, predicted = (labels % 250 for labels in make_labels(1))
    before = true.copy(), predicted.copy()
    table = overlap_table(true.astype(true_dtype), predicted.astype(dtype))
    np.testing.assert_array_equal(dense(table), dense(overlap_table(true, predicted)))
    np.testing.assert_array_equal(true, before[0])
    np.testing.assert_array_equal(predicted, before[1])


@pytest.mark.parametrize("background", [True, False])
def test_ids_near_the_end_of_their_type_need_no_table_of_that_length(background: bool, make_labels) -> None:
    true, predicted = make_labels(2)
    true = true.astype(np.int64) if background else np.maximum(true, 1).astype(np.int64)
    table, near = overlap_table(true * 10**15, predicted), overlap_table(true, predicted)
    assert table.true_ids.tolist() == (near.true_ids * 10**15).tolist()
    for column in ("shared", "true_areas", "true_index", "predicted_index"):
        np.testing.assert_array_equal(getattr(table, column), getattr(near, column))


def test_seventy_thousand_cells_need_no_square_table() -> None:
    labels = np.arange(1, 70_001, dtype=np.int32).reshape(250, 280)
    table = overlap_table(labels, labels[:, ::-1])
    assert table.shared.size == 70_000 and (table.iou == 1).all()


def test_images_larger_than_one_piece_and_views_are_counted_whole(monkeypatch, make_labels) -> None:
    true, predicted = (labels.T[::-1] for labels in make_labels(3))
    whole = overlap_table(true, predicted)
    monkeypatch.setattr("cell_pipelines.metrics.label_overlap._PIXELS_AT_ONCE", 7)
    np.testing.assert_array_equal(dense(overlap_table(true, predicted)), dense(whole))
    np.testing.assert_array_equal(dense(whole), dense(overlap_table(true.copy(), predicted.copy())))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (4, 6)])
def test_images_without_cells_have_an_empty_table(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, dtype=np.int32)
    table = overlap_table(nothing, nothing)
    assert (table.true_ids.size, table.predicted_ids.size, table.shared.size, table.iou.size) == (0, 0, 0, 0)


def test_wrong_arguments_are_refused_in_a_sentence() -> None:
    labels = np.ones((3, 4), dtype=np.int32)
    with pytest.raises(ValueError, match=r"`predicted_labels` must have shape \(3, 4\), got \(4, 3\)"):
        overlap_table(labels, labels.T)
    with pytest.raises(ValueError, match="`true_labels` must not be negative, got -1"):
        overlap_table(-labels, labels)
    with pytest.raises(TypeError, match="`predicted_labels` must have an integer dtype, got float64"):
        overlap_table(labels, labels * 1.0)
    with pytest.raises(TypeError, match="`true_labels` must have an integer dtype, got bool"):
        overlap_table(labels > 0, labels)
    with pytest.raises(ValueError, match=r"`true_labels` must have shape \(H, W\), got \(2, 3, 4\)"):
        overlap_table(np.stack([labels, labels]), labels)
