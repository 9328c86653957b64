import pytest
from pydantic import ValidationError

from cell_pipelines import old_names
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters


def test_the_images_of_the_test_can_not_be_chosen_on():
    with pytest.raises(ValidationError, match="'val' or 'train'"):
        ThresholdParameters(split="test")


def test_a_fixed_choice_names_its_threshold_and_no_other_does():
    assert ThresholdParameters(choice="fixed", threshold=0.5).threshold == 0.5
    for wrong in ({"choice": "fixed"}, {"threshold": 0.5}):
        with pytest.raises(ValidationError, match="`threshold` goes with"):
            ThresholdParameters(**wrong)


def test_a_study_that_writes_the_old_names_on_top_of_the_base_is_read_as_it_means(caplog):
    base = {"n_thresholds": 50, "min_areas": [1.0], "min_distances": [1.0]}
    given = {**base, "cutoffs": 20, "spacings": [0.5, 1.0], "choice": "fixed", "cutoff": 0.4}
    old_names._warn.cache_clear()
    for _ in range(2):
        read = ThresholdParameters.model_validate(given)
    assert (read.n_thresholds, read.min_distances, read.threshold) == (20, (0.5, 1.0), 0.4)
    told = [record.getMessage() for record in caplog.records]
    assert (
        len(told) == 3 and "`threshold_optimisation.spacings` is now `threshold_optimisation.min_distances`" in told[2]
    )


def test_a_study_that_writes_both_names_is_refused():
    with pytest.raises(ValidationError, match="spacings"):
        ThresholdParameters.model_validate({"min_distances": [2.0], "spacings": [0.5]})
