"""Choose where the training of a network that outlines cells starts: a trained model's weights, or random ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.plan import Decision, PlanError
from cell_pipelines.workflows.planning.starter_fit import Fitting, describe_unfit
from cell_pipelines.workflows.seen_images import describe_seen, seen_images, signatures_of
from cell_pipelines.workflows.starters import as_model_path, starters

#: What may be asked for besides a starter's name or a model file: the starter where it fits, or random weights.
AUTO, NONE = "auto", "none"
#: The starter that a training starts from where nothing else is asked for.
STARTER = "nuclei"
#: Learning rate of a training that starts from a trained model, a third of what a small network starts with: what it
#: knows is changed, not replaced (docs/starter.md).
FINE_TUNING_RATE = 0.001
_NAMES = {"unetplusplus": "unetpp", "stardist_unet": "stardist"}
_NORMALISATIONS = ("percentile", "full_range")


@dataclass(frozen=True)
class TrainedStart:
    """A trained model whose weights a training may start from.

    Attributes:
        name: A starter's name, or the model file, as ``segmentation.start_from`` takes it.
        record: What the model file says.
    """

    name: str
    record: Mapping[str, Any]

    @property
    def model(self) -> str:
        """Name of the model that has this network."""
        return model_name(str(self.record["network"]["architecture"]), self.record["representation"]["name"])

    @property
    def title(self) -> str:
        """Name on the pages."""
        return f"starter {self.name}" if self.name in starters() else Path(self.name).name


@dataclass(frozen=True)
class StartWish:
    """The start of a training, as it was asked for.

    Attributes:
        weights: Pretrained weights of the encoder or of a YOLO; None for none.
        named: `AUTO`, `NONE`, a starter's name or a model file.
        trained: The model that `named` stands for; None for `NONE`, and for `AUTO` where no starter is installed.
        seen: Sentence about test images that `trained` was trained on; empty where there is none.
    """

    weights: str | None = None
    named: str = AUTO
    trained: TrainedStart | None = None
    seen: str = ""

    @property
    def is_asked_for(self) -> bool:
        """Whether a starter or a model file is named."""
        return self.named not in (AUTO, NONE)

    def knowing(self, test: Mapping[str, ImageFile]) -> "StartWish":
        """Return the wish with the sentence about test images that the model was trained on."""
        if self.trained is None:
            return self
        seen = seen_images(self.trained.record, self.trained.title)
        signatures = signatures_of(test, list(test)) if seen else []
        return replace(self, seen=describe_seen(signatures, seen, "test"))


def model_name(architecture: str, representation: str) -> str:
    """Return the name of the model that has a network of this architecture and representation."""
    return "stardist" if representation == "star" else _NAMES.get(architecture, architecture)


def open_wish(named: str = AUTO, weights: str | None = None) -> StartWish:
    """Return what a training shall start from, with the record of the model that is named.

    Raises:
        PlanError: Both a model and weights are named, or the model can't be started from.
        ValueError: The file is no model file.
        FileNotFoundError: There is no such file.
    """
    if weights is not None:
        if named not in (AUTO, NONE):
            raise PlanError("`--start` and `--weights` both say what the training starts from; leave one of them out.")
        return StartWish(weights, NONE)
    if named == NONE or (named == AUTO and STARTER not in starters()):
        return StartWish(named=named)
    return StartWish(named=named, trained=_open(STARTER if named == AUTO else named))


def _open(named: str) -> TrainedStart:
    from cell_pipelines.models.model_file import model_family, read_record

    path = as_model_path(Path(named).expanduser())
    if model_family(path) != "segmentation":
        raise PlanError(f"{path}: `--start` takes a network that outlines cells; this is a detector, for `--weights`.")
    record = read_record(path)
    if "training" not in record:
        raise PlanError(f"{path}: does not say how it was trained, so nothing can be planned from it.")
    if record.get("resize") or record.get("normalisation") not in _NORMALISATIONS:
        raise PlanError(f"{path}: the size or the intensities that it takes images at are none that `train` plans.")
    return TrainedStart(path.stem if path == _starter(path.stem) else str(path.absolute()), record)


def _starter(name: str) -> Path | None:
    return as_model_path(name) if name in starters() else None


def choose_start(facts: Fitting, wanted: str | None, wish: StartWish) -> tuple[TrainedStart | None, str]:
    """Return the model that the training starts from, None for random weights, and the reason.

    Args:
        facts: Facts about the data.
        wanted: Name of the model that is asked for; None for any.
        wish: What shall be started from.

    Raises:
        PlanError: What was asked for does not fit the model or the annotations.
    """
    trained = wish.trained
    if wish.is_asked_for and trained is not None:
        _check(facts, wanted, trained)
        return (
            trained,
            f"Asked for by `--start`: its weights and settings are where the training starts. {wish.seen}".strip(),
        )
    if wish.named == NONE:
        return None, "Random weights, as asked for."
    if trained is None:
        return None, f"Random weights: the starter `{STARTER}` is not installed with this package."
    if unfit := describe_misfit(facts, wanted, trained):
        return None, f"Random weights: the starter `{STARTER}` is {unfit}."
    return trained, (
        "One class of roundish, bright cells in grey images is what the starter is for: its weights and settings are "
        f"where the training starts; `--from-scratch` leaves it out. {wish.seen}".strip()
    )


def _check(facts: Fitting, wanted: str | None, trained: TrainedStart) -> None:
    if wanted is not None and wanted != trained.model:
        raise PlanError(f"{trained.title} is a {trained.model}; leave `--model {wanted}` out, or `--start`.")
    if not facts.has_outlines:
        raise PlanError(f"{trained.title} learns from outlines, but not every annotated cell has one.")
    classes = trained.record["categories"]
    if len(facts.categories) != len(classes):
        raise PlanError(
            f"{trained.title} knows {len(classes)} classes, the annotations have {len(facts.categories)}: "
            f"{', '.join(facts.categories)}."
        )
    if trained.record.get("colour") == "channels" and facts.channels != (_channels(trained),):
        raise PlanError(f"{trained.title} takes images of {_channels(trained)} channels; these have {facts.channels}.")


def describe_misfit(facts: Fitting, wanted: str | None, trained: TrainedStart) -> str:
    """Return why a starter is not for these images, or not for the model that is wanted; empty if it is."""
    if wanted not in (None, trained.model):
        return f"a {trained.model}, not a {wanted}"
    return describe_unfit(facts, len(trained.record["categories"]))


def _channels(trained: TrainedStart) -> int:
    return int(trained.record["network"]["in_channels"])


def network_settings(trained: TrainedStart) -> dict[str, Any]:
    """Return the network of a start with its representation and scale, by dotted names."""
    network, chosen = trained.record["network"], trained.record["representation"]
    # Complete, since Kedro merges options into those of the base.
    complete: Any = create_representation(chosen["name"], **(chosen.get("options") or {}))
    own = {key: network[key] for key in ("architecture", "encoder", "options")}
    return {
        **{f"{trained.model}.{key}": value for key, value in {**own, "encoder_weights": None}.items()},
        **_chosen(trained, "representation", {**chosen, "options": asdict(complete)}),
        "segmentation.start_from": trained.name,
    }


def pixel_settings(trained: TrainedStart) -> dict[str, Any]:
    """Return channels, intensities and diameter of cells as a start takes them, by dotted names."""
    return {
        "segmentation.colour": str(trained.record.get("colour") or "rgb"),
        "segmentation.normalisation": str(trained.record["normalisation"]),
        "segmentation.cell_diameter_px": trained.record.get("cell_diameter_px"),
    }


def learning_settings(trained: TrainedStart) -> dict[str, Any]:
    """Return the loss of a start, a low learning rate and its own batch statistics, by dotted names.

    The statistics of few images are not those of the images to come (docs/app_corrections.md).
    """
    done, prefix = trained.record["training"], f"{trained.model}.training"
    own: dict[str, Any] = {
        f"{prefix}.learning_rate": FINE_TUNING_RATE,
        f"{prefix}.fine_tuning.frozen_statistics": True,
    }
    for key in ("loss", "weight_map"):
        own |= _chosen(trained, key, {"name": done[key], "options": done.get(f"{key}_options")})
    return own


def _chosen(trained: TrainedStart, key: str, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of one of a registry's entries, for this network alone."""
    prefix = f"{trained.model}.training.{key}"
    return {f"{prefix}.name": choice["name"], f"{prefix}.options": dict(choice.get("options") or {})}


def describe_trained_start(trained: TrainedStart, why: str, facts: DataFacts) -> Decision:
    """Return the start with the network's settings, all from the model's record."""
    numbers = f"median roundness {facts.roundness:.2f}, cells brighter with a probability of {facts.brightness:.2f}"
    return Decision("Start", trained.title, why, numbers, network_settings(trained))


def describe_trained_learning(trained: TrainedStart, settings: Mapping[str, Any]) -> Decision:
    """Return how is learnt: by the model's own loss, at a low rate.

    Args:
        trained: What the training starts from.
        settings: Optimiser, schedule and augmentation of every small training, by dotted names.
    """
    return Decision("Learning", "as the start was trained, at a low rate", f"Loss and weights of pixels are those of "
                    f"{trained.title}; a low learning rate changes what it knows instead of replacing it, and "
                    "its batch statistics stay, since those of few images are not those of others.",
                    f"learning rate {FINE_TUNING_RATE:g}", {**settings, **learning_settings(trained)})  # fmt: skip
