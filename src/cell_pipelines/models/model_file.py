"""A model file of any family: what it says of itself, told by its content and never by its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from cell_pipelines.models import checkpoint, checkpoint_file, yolo_checkpoint
from cell_pipelines.models.tensor_file import load_tensors
from cell_pipelines.models.yolo_pickle import read_pickled

Family = Literal["yolo", "segmentation", "cellpose", "bioimageio", "instanseg"]
# Entries of Cellpose's weights that are measured or set.
_NOT_TRAINED = ("running_mean", "running_var", "num_batches_tracked", "diam_mean", "diam_labels")
# What Ultralytics calls settings of a training, and what they are called here.
_ULTRALYTICS_NAMES = {
    "optimizer": "optimizer", "lr0": "learning_rate", "weight_decay": "weight_decay", "batch": "batch",
    "epochs": "epochs", "seed": "seed",
}  # fmt: skip


def model_family(path: Path) -> Family:
    """Return which family of networks a model file holds, without running anything that is in it.

    Raises:
        ValueError: It is neither of this project nor of Ultralytics, or it is damaged.
        FileNotFoundError: There is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a model file; there is no such file.")
    try:
        names = read_pickled(path).names
    except ValueError as error:
        known = "expected a model of cell_pipelines or Ultralytics"
        raise ValueError(str(error).replace("expected a model file of PyTorch", known)) from error
    if any(name.partition(".")[0] == "ultralytics" for name in names):
        return "yolo"
    foreign = checkpoint_file.read_description(path).get("foreign")
    if not foreign:
        return "segmentation"
    for known_family in get_args(Family):
        if known_family == foreign.get("tool"):
            return cast(Family, known_family)
    raise ValueError(f"{path}: of the tool {foreign.get('tool')!r}, which this version doesn't know; update it.")


def read_record(path: Path) -> dict[str, Any]:
    """Return what this project wrote into a model file: for segmentation the description, for YOLO its record.

    Raises:
        ValueError: It is no model file.
    """
    return yolo_checkpoint.read_record(path) if model_family(path) == "yolo" else checkpoint_file.read_description(path)


def with_record(path: Path, record: Mapping[str, Any]) -> bytes:
    """Return the bytes of the model file at `path` with `record` added to what stands there.

    Raises:
        ValueError: It is no model file, or is damaged.
    """
    if model_family(path) == "yolo":
        return yolo_checkpoint.with_record(path, record)
    return checkpoint_file.with_description(path, record)


def count_parameters(path: Path) -> float:
    """Return how many numbers training sets in the network of a model file; nan where another tool doesn't say.

    Raises:
        ValueError: It is no model file, or is damaged.
    """
    if model_family(path) == "yolo":
        return yolo_checkpoint.count_parameters(path)
    if model_family(path) == "cellpose":
        weights = load_tensors(Path(read_record(path)["foreign"]["weights"]), "weights of a Cellpose model", mmap=True)
        return sum(int(value.numel()) for name, value in weights.items() if not name.endswith(_NOT_TRAINED))
    if model_family(path) != "segmentation":
        return float("nan")
    network, _ = checkpoint.read_checkpoint(path)
    return sum(parameter.numel() for parameter in network.parameters())


def read_training_record(path: Path) -> dict[str, Any]:
    """Return `read_record` with the settings of the training under ``training``, those of Ultralytics by our names.

    Raises:
        ValueError: It is no model file.
    """
    record = read_record(path)
    if model_family(path) != "yolo":
        return record
    given = yolo_checkpoint.read_training_arguments(path)
    settings = {name: given[key] for key, name in _ULTRALYTICS_NAMES.items() if given.get(key) is not None}
    return {**record, "training": settings}
