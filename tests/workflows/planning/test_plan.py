"""Plans are pure: the same facts give the same settings, each with its reason."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.study import MODELS, SEGMENTERS
from cell_pipelines.training.speed import StepTimes
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters
from cell_pipelines.workflows.planning import effort, own_study, pixels
from cell_pipelines.workflows.planning.data_facts import (
    DataFacts,
    Diameters,
    Side,
    measure_diameters,
    measure_image_diameters,
    measure_sources,
)
from cell_pipelines.workflows.planning.model_choice import choose_model
from cell_pipelines.workflows.planning.own_study import DETECTORS, plan_study
from cell_pipelines.workflows.planning.plan import Decision, PlanError
from cell_pipelines.workflows.planning.recipe import PLANNED, plan_recipe
from cell_pipelines.workflows.planning.sides import choose_fractions, describe_split
from cell_pipelines.workflows.planning.start import NONE, StartWish
from cell_pipelines.workflows.planning.study_files import settings_lines, write_study

FACTS = DataFacts(
    images=30,
    not_annotated=0,
    geometries={"mask": 900},
    categories=("cell",),
    sides={"train": Side(19, 600), "val": Side(5, 150), "test": Side(6, 150)},
    split_source="whole groups dealt out at random",
    sizes=((256, 256), (520, 696)),
    dtypes=("uint8",),
    channels=(1,),
    are_grey=True,
    diameters=Diameters(7, 16, 49),
    roundness=0.9,
    brightness=0.98,
    annotation_format=("label_image", "labels"),
)
ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
BOXES = replace(FACTS, geometries={"box": 900})
NO_STARTER = StartWish()


def measure(model, settings, shape):
    return StepTimes(0.5, 0.1, "the processor")


def plan(facts=FACTS, *, wish=NO_STARTER, **options):
    return plan_study(facts, choose_fractions(30), measure, wish=wish, **options)


def test_outlines_give_a_network_that_outlines_and_boxes_one_that_finds_boxes():
    assert plan().model == "unetpp"
    assert plan(BOXES).model == "yolo"
    assert plan(replace(FACTS, geometries={"mask": 9, "polygon": 3})).model == "unetpp"
    assert plan(replace(FACTS, geometries={"mask": 9, "box": 1})).model == "yolo"


@pytest.mark.parametrize("model", [name for name in MODELS if name not in ("yolo", "rtdetr")])
def test_a_network_that_learns_outlines_is_refused_for_boxes(model):
    with pytest.raises(PlanError, match=rf"{model} learns from outlines .* the annotations are 900 boxes"):
        plan(BOXES, wanted=model)


def test_boxes_of_outlines_may_be_learnt_where_that_is_asked_for():
    assert "the outlines themselves are not used" in choose_model(FACTS, "yolo").why


def test_points_and_no_cells_at_all_are_refused_in_a_sentence():
    with pytest.raises(PlanError, match="the annotations are 3 boxes and 2 points: no model here learns from points"):
        plan(replace(FACTS, geometries={"box": 3, "point": 2}))
    with pytest.raises(PlanError, match="no cell at all"):
        plan(replace(FACTS, geometries={}))


@pytest.mark.parametrize("images", [0, 1, 2])
def test_fewer_than_three_images_are_refused(images):
    with pytest.raises(PlanError, match="at least 3 annotated images"):
        choose_fractions(images)


@pytest.mark.parametrize("images", [3, 4, 9, 10, 30, 99, 100, 10_000])
def test_fractions_add_up_and_leave_most_to_learn_from(images):
    shares = choose_fractions(images)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["train"] > 0.5


def test_a_side_without_cells_is_refused():
    empty = replace(FACTS, sides={**FACTS.sides, "val": Side(5, 0)})
    with pytest.raises(PlanError, match="the 5 validation images hold no annotated cell"):
        describe_split(empty, choose_fractions(30))


def test_few_test_images_are_told_of():
    many = replace(FACTS, sides={**FACTS.sides, "test": Side(20, 500)})
    assert "Fewer than 10 test images" in describe_split(FACTS, choose_fractions(30)).why
    assert "Fewer" not in describe_split(many, choose_fractions(30)).why


@pytest.mark.parametrize("median", [3, 16, 30, 64, 200, 2000])
@pytest.mark.parametrize("side", [40, 256, 520, 4000])
def test_a_tile_is_a_multiple_of_32_within_bounds_and_hardly_larger_than_the_images(median, side):
    facts = replace(FACTS, sizes=((side, side),), diameters=Diameters(median / 2, median, median * 2))
    tile = pixels.choose_tile(facts).settings["segmentation.tiles.size"]
    assert tile % 32 == 0
    assert 128 <= tile <= 512
    assert tile < max(side + 32, 129)


def test_channels_are_what_all_images_have():
    assert pixels.choose_colour(FACTS).value == "grey"
    coloured = replace(FACTS, are_grey=False)
    assert pixels.choose_colour(replace(coloured, channels=(3, 1))).value == "rgb"
    assert pixels.choose_colour(replace(coloured, channels=(4,))).value == "channels"
    with pytest.raises(PlanError, match="they have 2, 3"):
        pixels.choose_colour(replace(coloured, channels=(3, 2)))


@pytest.mark.parametrize("channels", [(3,), (3, 1), (2,)])
def test_grey_images_stored_with_equal_channels_are_planned_as_grey(channels):
    made = pixels.choose_colour(replace(FACTS, channels=channels))
    assert made.settings == {"segmentation.colour": "grey"}
    assert "equal" in made.why


def test_large_images_with_small_cells_are_tiled_for_a_detector_and_others_are_not():
    small_cells = replace(BOXES, sizes=((3000, 4000),), diameters=Diameters(20, 25, 30))
    large_cells = replace(small_cells, diameters=Diameters(200, 250, 300))
    assert pixels.choose_input(small_cells, "yolo")[-1].settings["data_preparation.tiling.size"] == 640
    assert len(pixels.choose_input(large_cells, "yolo")) == 1
    assert len(pixels.choose_input(BOXES, "yolo")) == 1


@pytest.mark.parametrize("minutes", [0.5, 12, 60, 6000])
@pytest.mark.parametrize("step", [0.001, 0.5, 1000.0])
def test_epochs_fit_into_the_minutes_or_the_reason_says_otherwise(minutes, step):
    times, time = StepTimes(step, step / 5, "the processor"), effort.Time(minutes)
    budget = effort.network_budget(FACTS, 160, 72, 8)
    left = time.for_training(FACTS, budget, times)
    epochs, expected = effort.choose_epochs(budget, times, left, 1.25)
    planned, said = effort.plan_epochs(FACTS, budget, times, time, 1.25)
    assert planned == epochs
    assert minutes / 3 <= left < minutes
    assert 3 <= epochs <= 400
    if expected > left * 1.05:
        assert epochs == 3
        assert "Fewer than 3 epochs teach nothing" in said
    elif epochs == 400:
        assert "More than 400 epochs are not planned" in said
    else:
        assert expected > left - 1.25 * (budget.steps * step + budget.forwards * step / 5) / 60
        assert f"of the {minutes:g} minutes" in said


def test_what_else_takes_long_leaves_less_time_for_training():
    times, budget = StepTimes(0.2, 0.05, "the processor"), effort.network_budget(FACTS, 160, 72, 8)

    def left(facts=FACTS, times=times, **options):
        return effort.Time(12, **options).for_training(facts, budget, times)

    assert left(reading_seconds=60) == pytest.approx(left() - 2)
    assert left(start_seconds=20) == pytest.approx(left(start_seconds=5) - 1.5)
    many = replace(FACTS, sides={**FACTS.sides, "test": Side(600, 150)})
    assert left(many) < left()
    assert left(times=StepTimes(0.2, 0.5, "the processor")) < left()
    slow = plan(time=effort.Time(12, reading_seconds=100)).settings()["segmentation.minutes"]
    assert slow < plan().settings()["segmentation.minutes"]
    assert plan(time=effort.Time(6)).settings()["segmentation.minutes"] < plan().settings()["segmentation.minutes"]


@pytest.mark.parametrize("minutes", [0.5, 12, 60, 6000])
@pytest.mark.parametrize("step", [0.001, 0.5, 1000.0])
def test_a_network_is_planned_by_minutes_unless_they_are_for_too_few_or_too_many_epochs(minutes, step):
    times, time = StepTimes(step, step / 5, "the processor"), effort.Time(minutes)
    budget = effort.network_budget(FACTS, 160, 72, 8)
    left = time.for_training(FACTS, budget, times)
    made = effort.plan_minutes(FACTS, budget, times, time, 1.25)
    # The work of an epoch's steps; validation takes a tenth of all at most.
    epoch = 1.25 * budget.steps * step / 60
    if made.what == "Epochs":
        assert made.settings == {"segmentation.epochs": int(made.value)}
        assert made.value == "3" if 3 * epoch > left else made.value == "400"
        return
    assert made.settings == {"segmentation.minutes": pytest.approx(left, abs=0.005)}
    epochs = int(made.value.split()[-2])
    assert 3 <= epochs < 400
    assert epochs * epoch <= left * 1.05 < (epochs + 1) * epoch / 0.9 * 1.05
    assert f"of the {minutes:g} minutes" in made.why and "10 % of it at most" in made.why


def test_a_detector_is_planned_by_minutes_too():
    settings = plan(BOXES).settings()
    assert 4 <= settings["yolo.minutes"] < 12 and "yolo.epochs" not in settings and settings["yolo.patience"] == 0
    short = plan(BOXES, time=effort.Time(0.01)).settings()
    assert (short["yolo.epochs"], short["yolo.augmentation.close_mosaic"]) == (3, 1)


@pytest.mark.parametrize("minutes", [0.01, 0.5, 1, 2, 4, 12, 600])
def test_an_epoch_has_fewer_tiles_where_the_minutes_would_not_suffice_and_never_fewer_than_64(minutes):
    facts = replace(FACTS, sides={**FACTS.sides, "train": Side(60, 2000)})
    times, time = StepTimes(0.5, 0.1, "the processor"), effort.Time(minutes)
    tiles = effort.fit_tiles(facts, 128, 8, times, time, 1.25)
    assert tiles % 8 == 0
    assert 64 <= tiles <= effort.choose_tiles(facts, 128) == 256
    budget = effort.network_budget(facts, 128, tiles, 8)
    _, expected = effort.choose_epochs(budget, times, left := time.for_training(facts, budget, times), 1.25)
    assert expected <= left or tiles == 64
    assert (tiles == 256) == (minutes >= 2)


def test_every_decision_has_a_reason():
    for facts in (FACTS, BOXES):
        assert all(d.what and d.value and d.why.endswith(".") for d in plan(facts).decisions)


def test_nothing_is_downloaded_unless_weights_are_named():
    assert plan().settings()["unetpp.encoder_weights"] is None
    assert plan(BOXES).settings()["yolo.from_scratch"] is True
    assert plan(wish=StartWish("imagenet", NONE)).settings()["unetpp.encoder_weights"] == "imagenet"
    named = plan(BOXES, wish=StartWish("yolo11n.pt", NONE)).settings()
    assert (named["yolo.weights"], named["yolo.from_scratch"]) == ("yolo11n.pt", False)


def read_study(folder):
    parameters = {}
    for path in sorted(folder.glob("parameters_*.yml")):
        parameters |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return parameters


@pytest.mark.parametrize("model", MODELS)
def test_the_study_that_is_written_holds_the_plan_and_is_accepted_by_the_pipelines(tmp_path, model):
    made = plan(wanted=model)
    write_study(made, {"study": "mine", "raw_images": "/a, b/ü {x}: 'c'"}, tmp_path)
    assert yaml.safe_load((tmp_path / "globals.yml").read_text(encoding="utf-8"))["raw_images"] == "/a, b/ü {x}: 'c'"
    parameters = read_study(tmp_path)
    for name, value in made.settings().items():
        found = parameters
        for word in name.split("."):
            found = found[word]
        assert found == value
    PreparationParameters.model_validate(parameters["data_preparation"])
    if model in DETECTORS:
        YoloParameters(**parameters[model])
    else:
        shared = SegmentationParameters(**parameters["segmentation"])
        NetworkParameters(**{"architecture": "unet", "encoder": "resnet18", **parameters.get(model, {})}).merged(shared)
        ThresholdParameters.model_validate(parameters["threshold_optimisation"])


def test_settings_of_one_group_stand_together_whatever_their_order():
    settings = {"a.b.c": 1, "d": None, "a.e": [1, 2], "a.b.f": "true"}
    lines = settings_lines([Decision("What", "x", "Why.", "numbers", settings)])
    assert yaml.safe_load("\n".join(lines)) == {"a": {"b": {"c": 1, "f": "true"}, "e": [1, 2]}, "d": None}
    assert "    # What: Why. (numbers)" in lines


def test_two_decisions_about_one_setting_are_a_fault():
    with pytest.raises(ValueError, match="two set the same"):
        settings_lines([Decision("a", "1", "A.", "", {"x": 1}), Decision("b", "2", "B.", "", {"x": 2})])


def test_small_networks_are_those_of_models_that_can_be_trained():
    assert set(own_study.SMALL_NETWORKS) <= set(SEGMENTERS)


def test_the_table_has_one_row_per_decision():
    table = plan().table()
    assert list(table.columns) == ["what", "value", "why", "numbers", "parameter"]
    assert len(table) == len(plan().decisions)


def fields_of_discs(folders, diameters):
    builder = AnnotationBuilder(["cell"])
    for number, (folder, own) in enumerate(zip(folders, diameters, strict=True)):
        row = builder.add_image(f"{folder}{number}.png", width=400, height=400, split="train" if own else "val")
        for diameter in own:
            ring = diameter / 2 * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]) + 200
            builder.add_polygon(row, "cell", [ring])
    return builder.build()


def test_sizes_of_cells_are_those_of_all_cells_of_single_images_and_of_sources():
    annotations = fields_of_discs(["a/", "a/", "b/", "b/x/"], [[10, 10, 30], [20], [40, 40], []])
    assert measure_diameters(annotations).median == pytest.approx(25, rel=0.01)
    between = measure_image_diameters(annotations)
    assert (between.small, between.median, between.large) == pytest.approx((11, 20, 38), rel=0.01)
    sources = measure_sources(annotations)
    assert {name: round(sizes.median) for name, sizes in sources.items()} == {"a": 15, "b": 40}
    assert measure_sources(fields_of_discs(["", ""], [[10], [20]])) == {}
    assert np.isnan(measure_image_diameters(fields_of_discs([""], [[]])).median)


def test_the_plan_tells_the_sizes_of_cells_and_of_each_source():
    facts = replace(FACTS, image_diameters=Diameters(8, 15, 49), sources={"a": Diameters(7, 9, 12)})
    (size,) = (one for one in plan(facts).decisions if one.what == "Cell diameter")
    assert "cell diameters 7 to 49 px, median 16 px; median cells of single images 8 to 49 px" in size.numbers
    assert "a 7 to 12 px, median 9 px" in size.numbers


def test_what_follows_from_a_value_that_is_given_follows_from_that():
    large = replace(FACTS, sizes=((400, 400),), diameters=Diameters(10, 20, 40))
    given = {"segmentation.tiles.size": 320}
    usual, changed = ({one.what: one for one in plan_recipe(large, values, "The study")} for values in ({}, given))
    assert changed["Tile"].value == "320" and "the images would give 160 px" in changed["Tile"].why
    assert int(changed["Tiles per epoch"].value) < int(usual["Tiles per epoch"].value)
    rescaled = {one.what: one for one in plan_recipe(large, {"segmentation.cell_diameter_px": 40}, "The study")}
    assert rescaled["Tile"].settings["segmentation.tiles.size"] == 2 * usual["Tile"].settings["segmentation.tiles.size"]


def test_a_network_from_random_weights_takes_small_steps_and_one_that_starts_from_a_model_those_that_were_measured():
    for is_started, batch in ((False, 4), (True, 8)):
        (found,) = (one for one in plan_recipe(FACTS, {}, "", is_started=is_started) if one.what == "Batch")
        assert found.settings == {"segmentation.batch": batch}


def test_every_setting_that_may_be_left_to_the_images_is_one_that_the_recipe_decides():
    decided = {name for one in plan_recipe(FACTS, {}, "") for name in one.settings}
    assert {f"segmentation.{name}" for name in PLANNED} == decided
