import pytest

from cell_pipelines.failures import MistakeError
from cell_pipelines.hooks import TrackingHooks


def test_annotations_that_another_run_has_exchanged_end_a_run_with_a_sentence():
    hooks = TrackingHooks()
    for fingerprint in ("a", "a"):
        hooks._check_same(fingerprint)
    with pytest.raises(MistakeError, match="the prepared annotations are others than when this run began"):
        hooks._check_same("b")


def test_names_of_parameters_are_left_to_the_place_where_all_of_a_node_are_known():
    assert TrackingHooks().sanitize_param_name("states.CD4+") == "states.CD4+"
