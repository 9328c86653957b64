import pytest
from pydantic import ValidationError

from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters


def test_the_images_of_the_test_can_not_be_chosen_on():
    with pytest.raises(ValidationError, match="'val' or 'train'"):
        ThresholdParameters(split="test")


def test_a_fixed_choice_names_its_cutoff_and_no_other_does():
    assert ThresholdParameters(choice="fixed", cutoff=0.5).cutoff == 0.5
    for wrong in ({"choice": "fixed"}, {"cutoff": 0.5}):
        with pytest.raises(ValidationError, match="`cutoff` goes with"):
            ThresholdParameters(**wrong)
