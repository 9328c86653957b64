"""A study that leaves its start to the images gets encoder weights, the starter or random weights, and says which."""

import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.selection import select_objects, select_split
from cell_pipelines.imaging.reading import list_image_files, write_image
from cell_pipelines.models.ultralytics_home import WeightsError
from cell_pipelines.pipelines.segmentation.nodes import to_training
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.pipelines.segmentation.starting import choose_network
from cell_pipelines.workflows.planning.data_facts import gather_facts
from cell_pipelines.workflows.planning.recipe import plan_recipe
from cell_pipelines.workflows.starters import starters
from cell_pipelines.workflows.survey import survey

pytestmark = pytest.mark.skipif("nuclei" not in starters(), reason="the package has no starter")

ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
AUTO = SegmentationParameters(start_from="auto", epochs=3, batch=2)
WANTED = NetworkParameters(architecture="unet", encoder="resnet18", encoder_weights="/not/here.pt")
RANDOM = replace(WANTED, encoder_weights=None)


@pytest.fixture
def study(tmp_path):
    """Give a function that writes six fields of discs; `paint` changes the images."""

    def write(paint=lambda image: image):
        builder = AnnotationBuilder(["nucleus"])
        for number in range(6):
            image = np.full((64, 64), 20, np.uint8)
            row = builder.add_image(f"{number}.png", width=64, height=64, split=("train", "val", "test")[number % 3])
            for place in range(4):
                middle = np.array([16 + 32 * (place % 2), 16 + 32 * (place // 2)])
                ring = middle + 9 * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
                cv2.fillPoly(image, [ring.round().astype(np.int32)], 200)
                builder.add_polygon(row, "nucleus", [ring])
            write_image(paint(image), tmp_path / f"{number}.png")
        return builder.build(), list_image_files(tmp_path)

    return write


def test_a_study_that_leaves_nothing_open_is_not_changed_and_reads_no_image():
    shared = SegmentationParameters()
    chosen = choose_network(None, None, shared, WANTED)
    assert chosen.own is WANTED
    assert chosen.note == ""


@pytest.mark.parametrize("own", [WANTED, RANDOM])
def test_bright_round_nuclei_start_from_the_starter_with_its_settings_and_the_study_s_effort(study, own):
    annotations, images = study()
    chosen = choose_network(annotations, images, AUTO, own)
    training = to_training(AUTO, chosen.own, annotations)
    assert training.start_from.endswith("nuclei.pt")
    assert (training.network.encoder, training.encoder_weights) == ("tu-resnet18", None)
    assert (training.colour, training.cell_diameter_px, training.representation.name) == ("grey", 20, "distance")
    assert (training.epochs, training.batch) == (3, 2)
    assert "starts from the starter nuclei" in chosen.note
    assert ("'/not/here.pt' can't be had" in chosen.note) == (own is WANTED)


DARK, COLOURED = (lambda image: 255 - image), (lambda image: np.dstack([image, image, image // 2]))


@pytest.mark.parametrize(("paint", "reason"), [(DARK, "bright nuclei"), (COLOURED, "grey images")])
def test_other_images_never_start_from_the_starter(study, paint, reason):
    annotations, images = study(paint)
    chosen = choose_network(annotations, images, AUTO, RANDOM)
    assert to_training(AUTO, chosen.own, annotations).start_from is None
    assert chosen.note.startswith("The training starts from random weights.") and reason in chosen.note
    with pytest.raises(WeightsError, match=f"there is none.*did not help.*{reason}"):
        choose_network(annotations, images, AUTO, WANTED)


def test_another_architecture_does_not_become_the_starter(study):
    annotations, images = study()
    own = replace(RANDOM, architecture="unetplusplus")
    chosen = choose_network(annotations, images, AUTO, own)
    assert chosen.own.architecture == "unetplusplus"
    assert "a unet, not a unetpp" in chosen.note


def test_encoder_weights_that_can_be_had_are_taken(study, tmp_path):
    import torch

    from cell_pipelines.models.registry import create_network
    from cell_pipelines.models.spec import NetworkSpec

    weights = tmp_path / "encoder.pth"
    torch.save(create_network(NetworkSpec("unet", encoder="resnet18")).network.encoder.state_dict(), weights)
    own = replace(WANTED, encoder_weights=str(weights))
    chosen = choose_network(*study(), AUTO, own)
    assert chosen.own.merged(AUTO).start_from is None
    assert chosen.own.encoder_weights == str(weights)
    assert "which can be had" in chosen.note


def test_random_numbers_of_a_training_are_those_of_one_that_chooses_nothing(study, caplog):
    import torch

    caplog.set_level(logging.INFO)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    choose_network(*study(), AUTO, RANDOM)
    assert torch.equal(torch.get_rng_state(), before)


LEFT = dict.fromkeys(("colour", "normalisation", "cell_diameter_px", "batch"), "auto")
EVERYTHING = {**LEFT, "tiles": {"size": "auto", "per_epoch": "auto"}}


def test_what_a_study_leaves_to_its_images_is_decided_as_the_command_train_does(study):
    annotations, images = study()
    chosen = choose_network(annotations, images, SegmentationParameters(**EVERYTHING), RANDOM)
    training = to_training(SegmentationParameters(**EVERYTHING), chosen.own, annotations)
    recipe = plan_recipe(gather_facts(
        select_split(annotations, "train", "val"), survey(images), split_source="", annotation_format=("", ""),
        are_grey=True, brightness=1.0), {}, "")  # fmt: skip
    planned = {name: value for one in recipe for name, value in one.settings.items()}
    assert {one.what for one in chosen.recipe} == {one.what for one in recipe}
    assert planned["segmentation.tiles.size"] == training.tiles.size
    assert planned["segmentation.batch"] == training.batch
    assert (training.colour, training.normalisation) == ("grey", "percentile")


def test_what_a_study_or_a_network_says_wins_and_the_report_says_so(study):
    annotations, images = study()
    shared = SegmentationParameters(**{**EVERYTHING, "colour": "rgb", "tiles": {"size": 64, "per_epoch": "auto"}})
    chosen = choose_network(annotations, images, shared, replace(RANDOM, training={"batch": 3}))
    training = to_training(shared, chosen.own, annotations)
    assert (training.colour, training.tiles.size, training.batch) == ("rgb", 64, 3)
    why = {one.what: (one.value, one.why) for one in chosen.recipe}
    assert why["Channels"] == ("rgb", "The study says so; the images would give grey.")
    assert why["Tile"] == ("64", "The study says so; the images would give 128 px.")
    assert why["Batch"][0] == "3"
    assert "says so" not in why["Tiles per epoch"][1]


def test_the_start_s_own_settings_win_over_what_the_images_would_give(study):
    shared = SegmentationParameters(start_from="auto", **EVERYTHING)
    chosen = choose_network(*study(), shared, RANDOM)
    (size,) = (one for one in chosen.recipe if one.what == "Cell diameter")
    assert chosen.own.merged(shared).cell_diameter_px == 20
    assert size.why.startswith("The study, or what the training starts from, says so")


@pytest.mark.parametrize("kept", [(), ("nothing",)])
def test_images_without_a_cell_to_learn_leave_the_sentence_to_the_training(study, kept):
    annotations, images = study()
    none = select_objects(annotations, np.zeros(annotations.n_objects, bool)) if not kept else annotations
    shared = SegmentationParameters(**EVERYTHING, categories=kept or None)
    assert choose_network(none, images, shared, RANDOM).own.merged(shared).tiles.size == 128
