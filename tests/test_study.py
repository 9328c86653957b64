"""Models of other tools as parts of a study: named by the same text as everywhere, and never trained."""

from pathlib import Path

import pandas as pd
import pytest

from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.pipeline_registry import register_pipelines
from cell_pipelines.pipelines.prediction.nodes import bring_in
from cell_pipelines.study import choose_cells, choose_models, chosen_models, foreign_members, known_models
from cell_pipelines.workflows.trained_model import TrainedModel

FOLDER = Path(__file__).parent / "models" / "foreign" / "stardist_keras"
NAME = f"stardist:{FOLDER}"


@pytest.fixture
def foreign():
    choose_models(["unet", NAME])
    yield "stardist_stardist_keras"
    choose_cells(None)
    choose_models(None)


@pytest.mark.parametrize("given", [["unet", NAME], f"unet+{NAME}"])
def test_another_tools_model_has_a_short_name_in_the_study(foreign, given):
    choose_models(given)
    assert chosen_models() == ("unet", foreign)
    assert foreign_members() == {foreign: NAME} and foreign in known_models()
    choose_cells([foreign])
    choose_models(["unet"])
    assert not foreign_members()


@pytest.mark.parametrize("given", [["stardist:/a/nuclei", "stardist:/b/nuclei"], ["unet", "other:/a"]])
def test_models_that_no_name_tells_apart_or_of_unknown_tools_are_refused(foreign, given):
    with pytest.raises(ValueError, match="other tools' of different names"):
        choose_models(given)
    assert chosen_models() == ("unet", foreign)


def test_it_is_brought_in_scored_tuned_evaluated_and_compared_but_not_trained(foreign):
    pipelines = register_pipelines()
    nodes = {node.name for node in pipelines["evaluation"].nodes}
    steps = ("bring_in", "score_labelled", "choose_thresholds", "evaluate")
    assert nodes >= {f"{foreign}.{step}" for step in steps} and "unet.bring_in" not in nodes
    assert f"train_{foreign}" not in pipelines
    every = pipelines["__default__"]
    assert f"{foreign}.train" not in {node.name for node in every.nodes}
    made = {name for node in every.nodes for name in node.outputs}
    missing = {name for node in every.nodes for name in node.inputs if name.startswith(f"{foreign}.")} - made
    assert missing <= {f"{foreign}.prediction_store"}


def test_its_cells_are_of_the_studys_class(monkeypatch, tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed, so StarDist's weights can't be read")
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path))
    content, history = bring_in(NAME)(AnnotationSet.empty(("nucleus",)))
    (tmp_path / "model.pt").write_bytes(content)
    assert TrainedModel.open(tmp_path / "model.pt").categories == ("nucleus",)
    assert isinstance(history, pd.DataFrame) and history.empty


def test_a_study_of_several_classes_can_not_take_it():
    with pytest.raises(MistakeError, match=r"one kind of cell, but this study has 2 classes \(live, dead\)"):
        bring_in(NAME)(AnnotationSet.empty(("live", "dead")))
