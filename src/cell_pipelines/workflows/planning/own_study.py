"""Put the decisions about a study together, and the settings that a small training from scratch needs besides."""

from collections.abc import Callable, Mapping
from typing import Any

from cell_pipelines.training.speed import StepTimes
from cell_pipelines.workflows.planning import effort, pixels
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.model_choice import choose_model
from cell_pipelines.workflows.planning.plan import Decision, Plan
from cell_pipelines.workflows.planning.recipe import GROUP, plan_recipe
from cell_pipelines.workflows.planning.sides import describe_split
from cell_pipelines.workflows.planning.start import (
    StartWish,
    TrainedStart,
    choose_start,
    describe_trained_learning,
    describe_trained_start,
    pixel_settings,
)

#: Measures the network of a model with these settings on batches of this shape.
Measure = Callable[[str, Mapping[str, Any], tuple[int, int, int, int]], StepTimes]

DETECTORS = ("yolo", "yolo_seg", "rtdetr")
# How many times longer than the network's own work an epoch takes: loss, optimiser and preparing of images.
_NETWORKS = {"yolo": "yolov8n.pt", "yolo_seg": "yolov8n-seg.pt", "rtdetr": "rtdetr-l.pt"}
_OVERHEAD = {"yolo": 1.4, "yolo_seg": 1.8, "rtdetr": 1.4}
_NETWORK_OVERHEAD = 1.25
#: Networks small enough to train within minutes on two cores, by the settings of the study dsb2018.
SMALL_NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "resunet": {"options.width": 16},
    "unetpp": {"encoder": "resnet18", "options.encoder_depth": 3, "options.decoder_channels": [64, 32, 16]},
    "unet": {"encoder": "resnet18", "options.encoder_depth": 4, "options.decoder_channels": [128, 64, 32, 16]},
    "stardist": {"encoder": "resnet18", "options.encoder_depth": 4, "options.decoder_channels": [128, 64, 32, 32],
                 "training.learning_rate": 0.002},
}  # fmt: skip
#: Augmentation of a small training (docs/train.md).
AUGMENTATION = {
    "rotation_degrees": 180, "rotation_probability": 0.5, "horizontal_flip": 0.5, "vertical_flip": 0.5,
    "zoom_from": 0.8, "zoom_to": 1.25, "zoom_probability": 0.5, "brightness": 0.3, "noise": 0.03,
    "noise_probability": 0.5, "elastic_px": 3.0, "elastic_wavelength_px": 40.0, "elastic_probability": 0.3,
}  # fmt: skip
_SHARED_LEARNING = {
    "segmentation.tiles.overlap": 0, "segmentation.optimizer": "adamw", "segmentation.weight_decay": 0.01,
    "segmentation.schedule.name": "one_cycle", "segmentation.monitor": "val_loss",
    **{f"segmentation.augmentation.{key}": value for key, value in AUGMENTATION.items()},
}  # fmt: skip
_LEARNING = {
    "representation.name": "binary", "representation.options.shrink_px": 1,
    "representation.options.most_pass": 0.9, "loss.name": "combo",
    "learning_rate": 0.003,
}  # fmt: skip
# Minimum areas and distances, as multiples of the average cell's, that are tried at the chosen threshold.
_TRIED = {"threshold_optimisation.min_areas": [0.1, 0.5, 1.0],
          "threshold_optimisation.min_distances": [0.75, 1.25]}  # fmt: skip


def plan_study(
    facts: DataFacts, fractions: dict[str, float], measure: Measure, *,
    wish: StartWish, wanted: str | None = None, time: effort.Time = effort.USUAL_TIME,
) -> Plan:  # fmt: skip
    """Return the plan of a training.

    Args:
        facts: Facts about the data, its split included.
        fractions: Shares of the split.
        measure: Measures the network on this machine.
        wish: What the training shall start from.
        wanted: Name of the model that is asked for; None for what fits the annotations.
        time: Time that there is.

    Raises:
        PlanError: Nothing can be trained on this.
    """
    trained, why = choose_start(facts, wanted, wish)
    model = choose_model(facts, wanted, None if trained is None else trained.model)
    common = [_describe_data(facts), model, describe_split(facts, fractions)]
    if model.value in DETECTORS:
        own = _plan_detector(facts, model.value, measure, time, wish.weights)
    else:
        start = _describe_network(model.value, wish.weights, why) if trained is None else describe_trained_start(
            trained, why, facts)  # fmt: skip
        own = _plan_network(facts, measure, time, start, trained)
    return Plan(model.value, (*common, *own))


def _describe_data(facts: DataFacts) -> Decision:
    name, evidence = facts.annotation_format
    value = f"{facts.images} annotated images, {facts.cells} cells"
    why = f"Annotations are read as {name}: {evidence}."
    numbers = f"classes: {', '.join(facts.categories)}"
    if facts.not_annotated:
        why += f" {facts.not_annotated} more images have no annotations and are left out."
    return Decision("Data", value, why, numbers)


def _plan_network(
    facts: DataFacts, measure: Measure, time: effort.Time, network: Decision, trained: TrainedStart | None
) -> list[Decision]:
    given = {} if trained is None else pixel_settings(trained)
    who = "" if trained is None else f"The start ({trained.title})"
    recipe = plan_recipe(facts, given, who, is_started=trained is not None)
    chosen = {name.removeprefix(GROUP): value for one in recipe for name, value in one.settings.items()}
    facts = pixels.rescale_facts(facts, chosen["cell_diameter_px"])
    side, batch = chosen["tiles.size"], chosen["batch"]
    model = next(iter(network.settings)).partition(".")[0]
    settings = {
        key.removeprefix(f"{model}."): value for key, value in network.settings.items() if key.startswith(f"{model}.")
    }
    channels = {"grey": 1, "rgb": 3, "channels": facts.channels[0]}[chosen["colour"]]
    times = measure(model, settings, (batch, channels, side, side))
    tiles = effort.fit_tiles(facts, side, batch, times, time, _NETWORK_OVERHEAD)
    budget = effort.network_budget(facts, side, tiles, batch)
    return [
        network,
        *(one for one in recipe if one.what != "Tiles per epoch"),
        effort.describe_tiles(tiles),
        effort.plan_minutes(facts, budget, times, time, _NETWORK_OVERHEAD),
        _describe_learning(facts) if trained is None else describe_trained_learning(trained, _SHARED_LEARNING),
        Decision("Thresholds", "on validation images", "Threshold, then minimum area and minimum distance of cells are "
                 "chosen by F1 at IoU 0.5: of those within one standard error of the best the nearest to the defaults. "
                 "Test images are never looked at.", "", _TRIED),
    ]  # fmt: skip


def _describe_network(model: str, weights: str | None, why: str) -> Decision:
    small = SMALL_NETWORKS.get(model, {})
    own = {} if model == "resunet" else {"encoder_weights": weights}
    settings = {f"{model}.{key}": value for key, value in {**small, **own}.items()}
    if weights is not None:
        return Decision("Start", f"encoder weights {weights}", "Asked for by `--weights`.", "", settings)
    return Decision("Start", "from scratch", f"{why} Nothing is downloaded unless `--weights` names it.",
                    "a small network" if small else "the network of conf/base", settings)  # fmt: skip


def _describe_learning(facts: DataFacts) -> Decision:
    """Return how is learnt, which is not found in the data but for the width of the border weights."""
    sigma = max(2.0, round(facts.diameters.median / 5, 1))
    border = {"name": "border", "options.w0": 5.0, "options.sigma_px": sigma}
    settings = {
        **{f"segmentation.{key}": value for key, value in _LEARNING.items()},
        **{f"segmentation.weight_map.{key}": value for key, value in border.items()},
        **_SHARED_LEARNING,
    }
    return Decision("Learning", "as in the study dsb2018", "Loss, optimiser and augmentation are those of that study, "
                    "and tiles are bent; pixels between cells count more, within a fifth of a diameter.",
                    f"median diameter {facts.diameters.median:.0f} px", settings)  # fmt: skip


def _plan_detector(
    facts: DataFacts, model: str, measure: Measure, time: effort.Time, weights: str | None
) -> list[Decision]:
    inputs = pixels.choose_input(facts, model)
    side, tile = int(inputs[0].settings[f"{model}.image_size"]), inputs[-1].settings.get("data_preparation.tiling.size")
    batch = effort.choose_batch(side)
    name = weights or _NETWORKS[model]
    times = measure(model, {"weights": name}, (batch, 3, side, side))
    budget = effort.detector_budget(facts, batch, tile)
    duration = effort.plan_minutes(facts, budget, times, time, _OVERHEAD[model], model)
    start = {f"{model}.weights": name, f"{model}.from_scratch": weights is None}
    closing = min(10, max(1, int(duration.settings.get(f"{model}.epochs", 40)) // 4))
    ending = {f"{model}.augmentation.close_mosaic": closing, f"{model}.patience": 0}
    learning = {"batch": batch, "nominal_batch": batch, "cosine_schedule": True,
                "learning_rate": 0.0001 if model == "rtdetr" else 0.001,
                "warmup_epochs": 3.0, "cache": True, "augmentation.flipud": 0.5}  # fmt: skip
    asked = "Asked for by `--weights`."
    return [
        Decision("Start", f"weights {weights}", asked, "", start) if weights else Decision(
            "Start", "from scratch", "Random weights: nothing is downloaded unless `--weights` names it.",
            f"the network of {name}, the smallest of its kind", start),
        *inputs,
        pixels.choose_normalisation(facts, is_detector=True),
        duration,
        Decision("Learning", "as in the study bccd", "Batch, learning rate and augmentation are those of that study; "
                 "the last ten epochs, a quarter of them at most, are without mosaics.", f"batch {batch}",
                 {**{f"{model}.{key}": value for key, value in learning.items()}, **ending}),
    ]  # fmt: skip
