import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.failures import MistakeError
from cell_pipelines.inference.predictor import predictor_options
from cell_pipelines.inference.stored import write_arrays
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.checkpoint_file import save_content
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.representations.cellpose import CellposeFlows
from cell_pipelines.representations.registry import REPRESENTATIONS, create_representation
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows.reading import read_scores
from cell_pipelines.workflows.trained_model import TrainedModel

CATEGORIES = ("living", "dead")


@pytest.fixture
def network(tmp_path):
    def write(name="binary", **facts):
        channels = len(create_representation(name).channels)
        spec = NetworkSpec("resunet", in_channels=1, out_channels=2 * channels, options={"width": 2})
        description = {
            "representation": {"name": name, "options": {}}, "categories": list(CATEGORIES), "mean_area_px": 50.0,
            "run_id": "r1", **facts,
        }  # fmt: skip
        path = tmp_path / f"{name}.pt"
        path.write_bytes(write_checkpoint(create_network(spec), description))
        return path

    return write


@pytest.fixture
def detector(tmp_path):
    prepare_ultralytics()
    from ultralytics import YOLO

    path = tmp_path / "n.pt"
    YOLO("yolov8n.yaml").save(path)
    return path


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_a_network_has_the_thresholds_of_its_file_and_else_those_of_its_representation(network, name):
    stored = {"dead": {"cutoff": 0.25, "min_area_px": 7.0, "spacing_px": 0.0}}  # as earlier versions wrote them
    model = TrainedModel.open(network(name, decoding=stored))
    assert model.thresholds.classes["dead"] == Threshold(0.25, 7.0)
    assert model.thresholds.classes["living"] == create_representation(name).default_threshold(50.0)
    assert (model.categories, model.run_id, model.has_own_thresholds) == (CATEGORIES, "r1", True)
    assert model.has_maps != create_representation(name).is_sparse


def test_a_model_of_cellpose_from_before_flows_were_trained_here_is_decoded_as_it_was(tmp_path):
    record = {
        "categories": ["cell"], "representation": {"name": "flows", "options": {}}, "foreign": {"tool": "cellpose"},
        "decoding": {"cell": {"score": 0.5, "min_area_px": 15.0}},
    }  # fmt: skip
    path = tmp_path / "old.pt"
    path.write_bytes(save_content(record, {}))
    assert TrainedModel.open(path).representation == CellposeFlows()


def test_what_is_stored_is_there_when_the_file_is_opened_again(network, detector, tmp_path):
    for path, thresholds in (
        (network(), Thresholds({name: Threshold(0.3, 5.0) for name in CATEGORIES}, decoded=True)),
        (detector, Thresholds({TrainedModel.open(detector).categories[0]: Threshold(0.8)})),
    ):
        tuned = tmp_path / f"tuned_{path.name}"
        tuned.write_bytes(TrainedModel.open(path).store(thresholds, validation={"f1": 0.5}))
        model = TrainedModel.open(tuned)
        assert thresholds.classes.items() <= model.thresholds.classes.items()
        assert model.record["validation"] == {"f1": 0.5} and model.is_tuned and model.has_own_thresholds


def test_a_detector_accepts_objects_by_their_scores_and_says_where_its_thresholds_are_defaults(detector, caplog):
    model = TrainedModel.open(detector)
    builder = AnnotationBuilder(model.categories)
    row = builder.add_image("a.png", width=9, height=9)
    for score in (0.2, 0.25, 0.9):
        builder.add_box(row, model.categories[0], (1, 1, 3, 3), score=score)
    cells = builder.build()
    assert model.accept(cells).n_objects == 2 and "no stored thresholds; 0.25 is used" in caplog.text
    caplog.clear()
    assert model.with_score(0.5).accept(cells).n_objects == 1 and not caplog.text
    assert model.representation is None and not model.has_maps


def test_thresholds_of_other_classes_are_refused(network):
    with pytest.raises(ValueError, match="`thresholds` must be for living, dead; got dad"):
        TrainedModel.open(network()).with_thresholds(Thresholds({"dad": Threshold()}))


def test_stored_scores_of_another_model_are_refused(network, tmp_path):
    write_arrays({"boxes": AnnotationBuilder(("a",)).build().boxes}, (4, 4), tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz: expected stored scores of 2 categories"):
        read_scores(TrainedModel.open(network()), tmp_path / "a.npz")


def test_another_tools_model_takes_the_one_class_of_the_annotations_and_keeps_it(network, tmp_path):
    path = network(
        source={"tool": "stardist"}, categories=["cell"], decoding={"cell": {"score": 0.3}},
    )  # fmt: skip
    named = TrainedModel.open(path).named_as(("nucleus",))
    assert named.categories == ("nucleus",) and named.thresholds.classes == {"nucleus": Threshold(0.3)}
    (tmp_path / "tuned.pt").write_bytes(named.store(named.thresholds.with_score(0.6)))
    tuned = TrainedModel.open(tmp_path / "tuned.pt")
    assert tuned.categories == ("nucleus",) and tuned.thresholds.classes["nucleus"].score == 0.6


def test_classes_stay_where_the_annotations_have_several_or_the_model_learned_its_own(network):
    foreign = TrainedModel.open(network(source={"tool": "stardist"}, categories=["cell"]))
    assert foreign.named_as(CATEGORIES).categories == ("cell",)
    own = TrainedModel.open(network(categories=["living"]))
    assert own.named_as(("dead",)).categories == ("living",)


@pytest.mark.parametrize("tool", ["cellpose", "bioimageio", "instanseg"])
def test_a_model_that_runs_by_another_tools_code_is_given_only_the_options_that_it_takes(tmp_path, tool):
    description = {
        "categories": ["cell"], "representation": {"name": "labels", "options": {}},
        "decoding": {"cell": {"score": 0.0}}, "foreign": {"tool": tool, "weights": "x", "sha256": ""},
    }  # fmt: skip
    (tmp_path / "model.pt").write_bytes(save_content(description, {}))
    model = TrainedModel.open(tmp_path / "model.pt")
    assert model.kind == tool
    assert {"device"} <= set(predictor_options(model.kind)) <= {"device", "diameter_px", "trust"}


def test_a_threshold_of_a_model_without_scores_is_refused(tmp_path):
    description = {"categories": ["cell"], "representation": {"name": "labels"}, "foreign": {"tool": "instanseg"}}
    (tmp_path / "model.pt").write_bytes(save_content(description, {}))
    model = TrainedModel.open(tmp_path / "model.pt")
    assert model.with_score(None) is model and not model.has_maps
    with pytest.raises(MistakeError, match=r"model\.pt: this model gives cells without scores"):
        model.with_score(0.5)
