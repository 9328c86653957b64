"""The evaluation of a cross-validation is that of all its images, each by the thresholds of the model without it."""

import pandas as pd
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.workflows.evaluation import evaluate, evaluate_folds
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

PARAMETERS = EvaluationParameters(resamples=100)
BOXES = [(2, 2, 12, 12), (20, 4, 30, 14), (6, 20, 16, 30)]
FOLDS = ([0, 3, 4], [1, 2], [5])


def _annotations(split, *, scores=None):
    builder = AnnotationBuilder(("cell",))
    for number in range(6):
        row = builder.add_image(f"{number}.png", height=40, width=40, split=split, group=f"well {number // 2}")
        for place, box in enumerate(BOXES):
            builder.add_box(row, "cell", box, score=None if scores is None else scores[(number + place) % 3])
    return builder.build()


def test_folds_with_the_same_thresholds_are_evaluated_as_one_set_of_images():
    cells = _annotations("train", scores=[0.2, 0.6, 0.9])
    folds = [(select_images(cells, fold), {"cell": 0.5}) for fold in FOLDS]
    found = evaluate_folds(_annotations("train"), folds, PARAMETERS)
    expected = evaluate(_annotations("test"), _annotations("test", scores=[0.2, 0.6, 0.9]), {"cell": 0.5}, PARAMETERS)
    pd.testing.assert_frame_equal(found[0].drop(columns="confidence"), expected[0].drop(columns="confidence"))
    assert found[0]["confidence"].isna().all() and found[0]["units"].tolist() == [3, 3]
    by_image = [table.sort_values(["image", "category"]).reset_index(drop=True) for table in (found[1], expected[1])]
    pd.testing.assert_frame_equal(*by_image)


def test_each_fold_has_the_threshold_of_its_own_model():
    cells = _annotations("train", scores=[0.2, 0.6, 0.9])
    thresholds = [{"cell": 0.1}, {"cell": 0.7}, {"cell": 0.95}]
    folds = [(select_images(cells, fold), own) for fold, own in zip(FOLDS, thresholds, strict=True)]
    table, images, *_ = evaluate_folds(_annotations("train"), folds, PARAMETERS)
    assert images.set_index("image")["predicted"].to_dict() == {
        "0.png": 3, "3.png": 3, "4.png": 3, "1.png": 1, "2.png": 1, "5.png": 0,
    }  # fmt: skip
    assert table.iloc[-1]["recall"] == pytest.approx(11 / 18)


def test_every_image_must_be_in_a_fold():
    cells = select_images(_annotations("train", scores=[0.2, 0.6, 0.9]), [0, 1])
    with pytest.raises(ValueError, match="every image of train must be predicted; 4 are not"):
        evaluate_folds(_annotations("train"), [(cells, {"cell": 0.5})], PARAMETERS)
