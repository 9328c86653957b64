import logging
from functools import partial

import numpy as np
import pytest

from cell_pipelines.training.segmentation.samples import (
    LabelledImage,
    Preparation,
    SampleError,
    check_study,
    mean_area_px,
    mean_areas_px,
    prepare_sample,
    prepare_samples,
)

CELLS = Preparation(("cell",), "grey")


def give(array):
    return array


def labelled(pixels, annotation, name="a.png"):
    return LabelledImage(name, partial(give, pixels), annotation)


def test_every_category_has_labels_of_its_own(make_cells, make_annotation):
    whole, broken = make_cells(0), make_cells(1)
    annotation = make_annotation("a.png", {"whole": whole, "broken": broken})
    sample = prepare_sample(
        labelled(np.zeros((64, 64), np.uint8), annotation), Preparation(("broken", "whole"), "grey")
    )
    np.testing.assert_array_equal(sample.labels[0] > 0, broken > 0)
    np.testing.assert_array_equal(sample.labels[1] > 0, whole > 0)
    assert sample.weights.all()
    assert sorted(set(sample.object_categories.tolist())) == [0, 1]


def test_an_image_without_cells_is_background(make_annotation):
    annotation = make_annotation("a.png", {"cell": np.zeros((5, 7), np.int32)})
    sample = prepare_sample(labelled(np.ones((5, 7), np.uint8), annotation), CELLS)
    assert sample.labels.shape == (1, 5, 7)
    assert not sample.labels.any()
    assert sample.image.dtype == np.uint8


def test_sizes_that_differ_are_told(make_cells, make_annotation):
    annotation = make_annotation("a.png", {"cell": make_cells(0)})
    with pytest.raises(SampleError, match=r"a\.png: the annotation is for 64x64 .* 50x40"):
        prepare_sample(labelled(np.zeros((40, 50), np.uint8), annotation), CELLS)


@pytest.mark.parametrize("geometry", ["box", "point"])
def test_cells_without_an_outline_are_refused(geometry, make_cells, make_annotation):
    annotation = make_annotation("a.png", {"cell": make_cells(0)}, geometry=geometry)
    with pytest.raises(SampleError, match=r"a\.png: segmentation needs masks or polygons, got 5 cells"):
        prepare_sample(labelled(np.zeros((64, 64), np.uint8), annotation), CELLS)


def test_other_channels_than_before_are_refused_naming_both(make_image):
    with pytest.raises(SampleError, match=r"image_1.*2 channels as image_0\.png.*got 4"):
        list(
            prepare_samples([make_image(0, channels=2), make_image(1, channels=4)], Preparation(("cell",), "channels"))
        )


def test_pixels_of_a_crowd_don_t_count(make_cells, make_annotation):
    labels = make_cells(0)
    annotation = make_annotation("a.png", {"cell": labels}, crowd=("cell",))
    sample = prepare_sample(labelled(np.zeros((64, 64), np.uint8), annotation), CELLS)
    assert not sample.labels.any()
    np.testing.assert_array_equal(sample.weights[0], labels == 0)


def test_missing_values_become_0_and_are_counted(make_cells, make_annotation, caplog):
    pixels = np.full((64, 64), 0.5, np.float32)
    pixels[:2, :3] = np.nan
    with caplog.at_level(logging.WARNING):
        sample = prepare_sample(labelled(pixels, make_annotation("a.png", {"cell": make_cells(0)})), CELLS)
    assert "a.png: 6 values are not finite" in caplog.text
    assert sample.image[0, 0, 0] == 0
    assert sample.image[5, 5, 0] == 0.5


def test_intensities_that_would_be_cut_are_counted(make_cells, make_annotation, caplog):
    with caplog.at_level(logging.WARNING):
        prepare_sample(labelled(np.full((64, 64), 7.0), make_annotation("a.png", {"cell": make_cells(0)})), CELLS)
    assert "4096 values lie outside [0, 1]" in caplog.text


def test_weights_come_from_the_whole_image_in_half_the_memory(make_cells, make_annotation):
    def far_too_large(labels):
        return np.where(labels > 0, np.float32(1e9), np.float32(1e-30))

    annotation = make_annotation("a.png", {"cell": make_cells(0)})
    preparation = Preparation(("cell",), "grey", weight_map=far_too_large)
    sample = prepare_sample(labelled(np.zeros((64, 64), np.uint8), annotation), preparation)
    assert sample.weights.dtype == np.float16
    assert np.isfinite(sample.weights).all()
    assert (sample.weights > 0).all()


def test_everything_is_brought_to_one_size(make_cells, make_annotation):
    labels = make_cells(0, (60, 80))
    pixels = np.where(labels > 0, 255, 0).astype(np.uint8)
    image = labelled(pixels, make_annotation("a.png", {"cell": labels}))
    sample = prepare_sample(image, Preparation(("cell",), "grey", resize=(30, 40)))
    assert sample.image.shape == (30, 40, 1)
    assert np.mean((sample.image[..., 0] > 127) != (sample.labels[0] > 0)) < 0.05
    boxes = np.array(sample.objects["x_max"].to_pylist())
    np.testing.assert_allclose(boxes * 2, image.annotations.boxes[:, 2])


def test_a_study_without_any_cell_is_refused(make_annotation):
    empty = labelled(np.zeros((9, 9), np.uint8), make_annotation("a.png", {"cell": np.zeros((9, 9), np.int32)}))
    with pytest.raises(SampleError, match="show no cell"):
        check_study([prepare_sample(empty, CELLS)], ["cell"])
    with pytest.raises(SampleError, match="at least one image"):
        check_study([], ["cell"])


def test_a_category_without_cells_is_told(make_image, caplog):
    sample = prepare_sample(make_image(0), Preparation(("cell", "debris"), "grey"))
    with caplog.at_level(logging.WARNING):
        check_study([sample], ["cell", "debris"])
    assert "shows debris" in caplog.text


def test_areas_are_those_of_the_cells(make_image):
    samples = [prepare_sample(make_image(seed), Preparation(("cell", "debris"), "grey")) for seed in range(3)]
    sizes = np.concatenate([np.bincount(sample.labels[0].ravel())[1:] for sample in samples])
    assert mean_area_px(samples) == pytest.approx(sizes[sizes > 0].mean())
    areas = mean_areas_px(samples)
    assert areas[0] == mean_area_px(samples)
    assert np.isnan(areas[1])
