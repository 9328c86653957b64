import pytest

from cell_pipelines.invalid_parameters import describe_invalid_parameters
from cell_pipelines.pipelines import annotation_conversion, pre_annotation, tracking

PIPELINES = {
    "annotation_conversion": annotation_conversion.create_pipeline(),
    "pre_annotation": pre_annotation.create_pipeline(),
    "tracking": tracking.create_pipeline("truth", "raw@images"),
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"annotation_conversion": {"quality": {"min_aera": 3}}},
            "there is no parameter `annotation_conversion.quality.min_aera`; did you mean `min_area`?",
        ),
        (
            {"annotation_conversion": {"quality": {"class_ratio": 2}}},
            "parameter `annotation_conversion.quality`: `class_ratio` must be at most 1, got 2.0",
        ),
        (
            {"annotation_conversion": {"quality": {"min_area": "large"}}},
            "parameter `annotation_conversion.quality.min_area`: input should be a valid number, unable to parse "
            "string as a number, got 'large'",
        ),
        (
            {"pre_annotation": {"proposals": {"split_px": 0}}},
            "parameter `pre_annotation.proposals`: `split_px` must be finite and above 0, got 0.0",
        ),
        (
            {"pre_annotation": {"corrections": {"same_uoi": 1}}},
            "there is no parameter `pre_annotation.corrections.same_uoi`; did you mean `same_iou`",
        ),
        (
            {"tracking": {"linking": {"max_distance": 3}}},
            "there is no parameter `tracking.linking.max_distance`; did you mean `max_distance_px`",
        ),
    ],
)
def test_a_setting_of_the_library_that_does_not_fit_is_one_sentence(given, said):
    assert describe_invalid_parameters(given, PIPELINES).startswith(said)


def test_settings_of_the_library_are_read_as_a_study_writes_them():
    given = {"pre_annotation": {"proposals": {"min_area_px": 20, "threshold": "local"}}, "annotation_conversion": {}}
    assert describe_invalid_parameters(given, PIPELINES) == ""
