"""A chosen part of a pipeline that is not there is named."""

import pytest
from kedro.pipeline import node, pipeline

from cell_pipelines.chosen_nodes import describe_selection

PIPELINES = {"all": pipeline([node(len, "raw", "unet.length", name="train", tags="training", namespace="unet")])}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"node_names": ["unet.trian"]}, "the pipeline has no node `unet.trian`; did you mean `unet.train`?"),
        ({"from_nodes": ["unet.trian"]}, "the pipeline has no node `unet.trian`; did you mean `unet.train`?"),
        ({"from_nodes": ["train"]}, "the pipeline has no node `train`; did you mean `unet.train`?"),
        ({"to_nodes": ["y"]}, "the pipeline has no node `y`."),
        ({"from_inputs": ["rwa"]}, "the pipeline has no data set `rwa`"),
        ({"to_outputs": ["unet.lenght"]}, "the pipeline has no data set `unet.lenght`; did you mean `unet.length`?"),
        ({"node_namespaces": ["unett"]}, "the pipeline has no namespace `unett`; did you mean `unet`?"),
        ({"tags": ["trainng"]}, "the tags that there are: training."),
    ],
)
def test_what_is_not_there_is_named_with_what_is_like_it(chosen, said):
    with pytest.raises(ValueError, match="Pipeline") as refused:
        PIPELINES["all"].filter(**chosen)
    assert said in str(describe_selection(refused.value, PIPELINES))


def test_other_errors_are_left_alone():
    assert describe_selection(ValueError("a number is missing"), PIPELINES) is None
