"""A training starts from the starter where it is for such images, or from what is named; the reason is always said."""

from dataclasses import asdict, replace

import pytest
import yaml

from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.workflows import starters
from cell_pipelines.workflows.planning.plan import PlanError
from cell_pipelines.workflows.planning.start import AUTO, NONE, StartWish, TrainedStart, open_wish
from cell_pipelines.workflows.planning.study_files import write_study

from .test_plan import BOXES, FACTS, plan, read_study

RECORD = {
    "network": {"architecture": "unet", "encoder": "tu-resnet18", "in_channels": 1, "out_channels": 2,
                "options": {"encoder_depth": 3, "decoder_channels": [64, 32, 16]}},
    "representation": {"name": "distance", "options": {}}, "categories": ["nucleus"], "colour": "grey",
    "normalisation": "percentile", "cell_diameter_px": 20.0, "resize": None,
    "training": {"loss": "weighted_bce", "loss_options": {}, "weight_map": "none", "weight_map_options": {}},
}  # fmt: skip


def wish(named=AUTO, **changes):
    return StartWish(named=named, trained=TrainedStart("nuclei" if named == AUTO else named, {**RECORD, **changes}))


def start_of(made):
    return next(decision for decision in made.decisions if decision.what == "Start")


@pytest.mark.parametrize("wanted", [None, "unet"])
def test_roundish_cells_of_one_class_in_grey_images_start_from_the_starter(wanted):
    made = plan(wish=wish(), wanted=wanted)
    settings = made.settings()
    assert made.model == "unet"
    assert settings["segmentation.start_from"] == "nuclei"
    assert settings["segmentation.cell_diameter_px"] == 20
    assert settings["segmentation.colour"] == "grey"
    assert settings["unet.encoder"] == "tu-resnet18"
    assert settings["unet.options"] == RECORD["network"]["options"]
    assert "what the starter is for" in start_of(made).why


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"categories": ("a", "b")}, "for one class of cells; there are 2"),
        ({"are_grey": False, "channels": (3,)}, "for grey images; these have colours"),
        ({"roundness": 0.4}, "for roundish cells; these have a median roundness of 0.40"),
        ({"roundness": float("nan")}, "for roundish cells"),
        ({"brightness": 0.65}, "for bright nuclei on a dark background"),
        ({"brightness": 0.2}, "for bright nuclei on a dark background"),
        ({"brightness": float("nan")}, "for bright nuclei on a dark background"),
    ],
)
def test_other_images_start_from_random_weights_and_the_plan_says_why(changes, reason):
    made = plan(replace(FACTS, **changes), wish=wish())
    assert made.model == "unetpp"
    assert start_of(made).value == "from scratch"
    assert reason in start_of(made).why
    assert "segmentation.start_from" not in made.settings()


def test_another_model_that_is_asked_for_and_boxes_do_not_start_from_the_starter():
    assert "a unet, not a stardist" in start_of(plan(wish=wish(), wanted="stardist")).why
    assert plan(BOXES, wish=wish()).model == "yolo"
    assert plan(replace(FACTS, geometries={"mask": 9, "box": 1}), wish=wish()).model == "yolo"


def test_without_a_starter_or_with_none_asked_for_the_plan_says_so():
    assert "is not installed" in start_of(plan(wish=StartWish())).why
    assert "as asked for" in start_of(plan(wish=StartWish(named=NONE))).why


def test_a_named_start_is_taken_where_the_choice_would_be_another_and_refused_where_it_cannot_be():
    elongated = replace(FACTS, roundness=0.3)
    assert plan(elongated, wish=wish("/a/b.pt")).settings()["segmentation.start_from"] == "/a/b.pt"
    with pytest.raises(PlanError, match=r"b.pt is a unet; leave `--model unetpp` out"):
        plan(wish=wish("/a/b.pt"), wanted="unetpp")
    with pytest.raises(PlanError, match="learns from outlines"):
        plan(BOXES, wish=wish("/a/b.pt"))
    with pytest.raises(PlanError, match="knows 1 classes, the annotations have 2"):
        plan(replace(FACTS, categories=("a", "b")), wish=wish("/a/b.pt"))


def test_tiles_are_sized_by_cells_as_the_network_sees_them():
    facts = replace(FACTS, diameters=replace(FACTS.diameters, median=80))
    assert plan(facts, wish=wish(cell_diameter_px=None)).settings()["segmentation.tiles.size"] == 256
    assert plan(facts, wish=wish()).settings()["segmentation.tiles.size"] == 128
    assert plan(FACTS, wish=wish()).settings()["segmentation.tiles.size"] == 160


@pytest.mark.parametrize(
    ("changes", "model"),
    [({}, "unet"), ({"representation": {"name": "star", "options": {"n_rays": 16}}}, "stardist"),
     ({"network": {**RECORD["network"], "architecture": "unetplusplus"}}, "unetpp")],
)  # fmt: skip
def test_the_study_that_is_written_trains_the_network_of_the_start(tmp_path, changes, model):
    record = {**RECORD, **changes}
    made = plan(wish=wish("/a/b.pt", **changes))
    assert made.model == model
    write_study(made, {"study": "mine"}, tmp_path)
    parameters = read_study(tmp_path)
    own = NetworkParameters(**parameters[model])
    merged = own.merged(SegmentationParameters(**parameters["segmentation"]))
    assert (own.architecture, own.encoder) == (record["network"]["architecture"], record["network"]["encoder"])
    # Kedro merges these options into those of the base, of which none may be left.
    base = {"stride": 2} if model == "stardist" else {}
    chosen, expected = asdict(merged.representation), record["representation"]
    learnt = create_representation(chosen["name"], **{**base, **chosen["options"]})
    assert learnt == create_representation(expected["name"], **expected["options"])
    assert merged.loss.name == "weighted_bce"
    assert (merged.start_from, merged.cell_diameter_px) == ("/a/b.pt", 20)
    assert yaml.safe_load((tmp_path / "parameters_segmentation.yml").read_text())["segmentation"]["colour"] == "grey"


@pytest.fixture
def no_starters(tmp_path, monkeypatch):
    monkeypatch.setattr(starters, "_FOLDER", tmp_path)
    return tmp_path


def test_the_starter_is_looked_for_where_the_package_keeps_it(no_starters, squares_model):
    assert open_wish().trained is None
    (no_starters / "nuclei.pt").write_bytes(squares_model.read_bytes())
    with pytest.raises(PlanError, match="does not say how it was trained"):
        open_wish()
    assert open_wish(NONE).trained is None
    assert open_wish(weights="imagenet").trained is None


def test_a_start_that_is_no_file_and_one_beside_weights_are_refused(no_starters):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        open_wish("nuclie.pt")
    with pytest.raises(PlanError, match="leave one of them out"):
        open_wish("nuclei", "imagenet")
