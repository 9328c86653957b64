from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.pipelines.segmentation.lengths import common_pixel_size, to_pixels
from cell_pipelines.pipelines.segmentation.nodes import to_training
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.training.segmentation.settings import Choice

SHARED = SegmentationParameters(
    epochs=7, weight_map=Choice(name="crowding", options={"sigma_px": 25}), tiles={"size": 128, "overlap": 16}
)


def own(**training):
    return NetworkParameters(architecture="unet", encoder="resnet18", training=training)


def test_a_network_takes_what_it_does_not_say_from_the_study():
    merged = own(tiles={"size": 256}).merged(SHARED)
    assert (merged.epochs, merged.tiles.size, merged.tiles.overlap) == (7, 256, 16)


def test_a_network_may_have_minutes_where_the_study_has_epochs():
    merged = own(minutes=12).merged(SHARED)
    assert (merged.minutes, merged.validation_share, SHARED.minutes) == (12, 0.1, None)
    training = to_training(SHARED, own(minutes=12, categories=["cell"]), annotations(0.5))
    assert training.minutes == 12
    assert "epochs" not in training.to_record()
    assert {"minutes", "validation_share"} & set(to_training(SHARED, own(), annotations(0.5)).to_record()) == set()


def test_another_entry_of_a_registry_brings_its_own_options():
    assert own(weight_map={"name": "none"}).merged(SHARED).weight_map == Choice(name="none")
    assert own(weight_map={"options": {"sigma_px": 9}}).merged(SHARED).weight_map.name == "crowding"


def test_a_misspelt_key_of_a_network_is_refused():
    with pytest.raises(ValidationError, match="epoch"):
        own(epoch=3).merged(SHARED)


def annotations(*sizes):
    builder = AnnotationBuilder(["cell"])
    for number, size in enumerate(sizes):
        pixel = {} if size is None else {"pixel_height_um": size, "pixel_width_um": size}
        builder.add_image(f"{number}.png", width=8, height=8, **pixel)
    return builder.build()


@pytest.mark.parametrize(("sizes", "common"), [((0.5, 0.5), 0.5), ((0.5, 0.25), None), ((0.5, None), None), ((), None)])
def test_images_have_a_pixel_size_in_common_or_none(sizes, common):
    assert common_pixel_size(annotations(*sizes)) == common


def test_lengths_in_micrometres_become_pixels():
    assert to_pixels({"sigma_um": 5.0, "w0": 10.0}, 0.5) == {"sigma_px": 10.0, "w0": 10.0}


def test_lengths_in_micrometres_need_a_pixel_size():
    with pytest.raises(ValueError, match="`sigma_um` is in micrometres"):
        to_pixels({"sigma_um": 5.0}, None)
    assert to_pixels({"w0": 10.0}, None) == {"w0": 10.0}


def test_the_defaults_of_the_library_are_those_of_the_base_configuration():
    text = (Path(__file__).parents[2] / "conf/base/parameters_segmentation.yml").read_text(encoding="utf-8")
    assert SegmentationParameters(**yaml.safe_load(text)["segmentation"]) == SegmentationParameters()


def test_a_setting_may_be_left_to_the_images_and_a_network_may_have_a_value_of_its_own():
    shared = SegmentationParameters(batch="auto", tiles={"size": "auto", "overlap": 4})
    assert (shared.planned, shared.tiles.overlap) == (("tiles.size", "batch"), 4)
    merged = own(batch=4, tiles={"per_epoch": "auto"}).merged(shared)
    assert (merged.planned, merged.batch) == (("tiles.size", "tiles.per_epoch"), 4)
    assert replace(shared, epochs=3).planned == shared.planned


def test_only_what_the_images_can_decide_may_be_left_to_them():
    with pytest.raises(ValidationError, match="epochs"):
        SegmentationParameters(epochs="auto")
    with pytest.raises(ValidationError, match="`planned` must be of .* got epochs"):
        SegmentationParameters(planned=("epochs",))


def test_settings_that_contradict_each_other_are_refused_as_a_study_writes_them():
    with pytest.raises(ValidationError, match=r"`overlap` must be smaller than `size` \(64\), got 64"):
        own(tiles={"size": 64, "overlap": 64}).merged(SHARED)
    with pytest.raises(ValidationError, match="`momentum` must be below 1"):
        own(momentum=1).merged(SHARED)


def test_what_is_handed_to_the_library_has_the_parameters_and_pixels_instead_of_micrometres():
    known = annotations(0.5)
    network = own(weight_map={"name": "border", "options": {"sigma_um": 5}}, categories=None, device="cpu")
    training = to_training(SHARED, network, known)
    assert training.weight_map == Choice("border", {"sigma_px": 10.0})
    assert (training.categories, training.epochs, training.tiles.size) == (("cell",), 7, 128)
    assert (training.network.encoder, training.start_from) == ("resnet18", None)
