"""A trained YOLO as one file: Ultralytics' own checkpoint, which its `yolo` command loads, with our record in it.

What such a file says of itself is read without running anything of it. Its network is loaded only where the file holds
nothing but layers that Ultralytics and PyTorch bring, finds boxes or outlines, and takes colour images; any other file
only if it is trusted.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from cell_pipelines.models.checkpoint_file import to_plain
from cell_pipelines.models.ultralytics_home import open_restricted
from cell_pipelines.models.yolo_pickle import PickledFile, StandIn, count_values, read_pickled, without_stand_ins

RECORD_KEY = "cell_pipelines"
Task = Literal["detect", "segment"]

#: All that a file which opens without trust may name.
_KNOWN = re.compile(
    r"torch\.nn\.modules(\.\w+)?\.\w+|ultralytics\.nn\.modules\.(?!(block\.)?TorchVision$)(\w+\.)?\w+"
    r"|ultralytics\.nn\.tasks\.(Detection|Segmentation|YOLOv10Detection|RTDETRDetection)Model"
    r"|ultralytics(\.yolo)?\.utils\.IterableSimpleNamespace|ultralytics\.utils\.(loss|tal)\.\w+"
    r"|torch\._utils\._rebuild_\w+|torch\.\w+Storage|torch\.storage\.\w+Storage|torch\.(Size|device|dtype|b?float\d+|u?int\d+)"
    r"|collections\.OrderedDict|(builtins|__builtin__)\.(getattr|set)|pathlib(\._local)?\.(Posix|Windows)Path"
    r"|numpy\.dtype|numpy\._?core\.multiarray\.scalar|_codecs\.encode"
)
# What of it may be called while the file is opened: layers are only ever filled with their attributes.
_CALLED = re.compile(r"(?!torch\.nn\.|ultralytics\.(nn|utils\.(loss|tal))).*")
#: Last layer of RT-DETR, which finds boxes by a transformer.
TRANSFORMER_HEAD = "RTDETRDecoder"
_HEADS: dict[str, Task] = {
    "Detect": "detect", "v10Detect": "detect", TRANSFORMER_HEAD: "detect", "Segment": "segment", "Segment26": "segment",
}  # fmt: skip
_OTHER_TASKS = {
    "OBB": "oriented boxes (obb)", "OBB26": "oriented boxes (obb)", "Pose": "poses (pose)", "Pose26": "poses (pose)",
    "Classify": "a class for a whole image (classify)", "SemanticSegment": "a class for each pixel (semantic)",
    "Depth": "depth", "WorldDetect": "objects named by text",
    "YOLOEDetect": "objects named by text", "YOLOESegment": "objects named by text",
    "YOLOESegment26": "objects named by text",
}  # fmt: skip


def read_record(path: Path) -> dict[str, Any]:
    """Return what this project wrote into a checkpoint; empty for one from elsewhere.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return dict(without_stand_ins(_read(path).content.get(RECORD_KEY) or {}))


def read_training_arguments(path: Path) -> dict[str, Any]:
    """Return the settings that Ultralytics trained a checkpoint with, as it wrote them; empty where it wrote none.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return dict(without_stand_ins(_read(path).content.get("train_args") or {}))


def read_epoch(path: Path) -> int:
    """Return the last epoch that a training had finished when it wrote a checkpoint, counted from 0; -1 at its end.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return int(without_stand_ins(_read(path).content.get("epoch", -1)))


def read_categories(path: Path) -> tuple[str, ...]:
    """Return the class names of a checkpoint in the order of the network's outputs.

    Raises:
        ValueError: The file is no checkpoint, or names no classes.
    """
    names = _network(_read(path)).state.get("names")
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        return tuple(str(names[number]) for number in range(len(names)))
    if isinstance(names, list | tuple):
        return tuple(map(str, names))
    raise ValueError(f"{path}: expected a YOLO checkpoint with the names of its classes; there are none in it.")


def count_parameters(path: Path) -> int:
    """Return how many numbers training sets in the network of a checkpoint.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return count_values(_network(_read(path)).parameter_shapes())


def read_task(path: Path) -> Task:
    """Return whether the network of a checkpoint frames cells (``detect``) or outlines them (``segment``).

    Raises:
        ValueError: The file is no checkpoint, or is for something else.
    """
    file = _read(path)
    if not _head(file):
        _check_code(path, file)
    _check_task(path, file)
    return _HEADS[_head(file)]


def is_transformer_file(path: Path) -> bool:
    """Return whether the network of a checkpoint is an RT-DETR.

    Raises:
        ValueError: The file is no checkpoint.
    """
    return _head(_read(path)) == TRANSFORMER_HEAD


def load_network(
    path: Path, *, device: Any = "cpu", fuse: bool = False, trust: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Return the network of a checkpoint in float32, ready to predict, and all that the file holds.

    Args:
        path: A YOLO checkpoint that finds boxes or outlines in colour images.
        device: Where the network goes, as PyTorch names it.
        fuse: Fold normalisation into convolutions, for prediction.
        trust: Open a file that names other code than known layers, which then runs.

    Raises:
        ValueError: The file is no such checkpoint, or holds code and isn't trusted.
    """
    check_file(path, trust=trust)
    with open_restricted(trust=trust), _plain_errors(path):
        from ultralytics.nn.tasks import load_checkpoint

        network, content = load_checkpoint(str(path), device=device, fuse=fuse)
    return network, content


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn whatever Ultralytics raises in a block into a sentence with the file's name."""
    try:
        yield
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise ValueError(f"{path}: expected a YOLO checkpoint that Ultralytics loads, got: {reason}") from error


def check_file(path: Path, *, trust: bool = False) -> None:
    """Refuse a file that would run code when it is opened, or whose network is not for cells in colour images.

    Raises:
        ValueError: A sentence that says which.
    """
    file = _read(path)
    if not trust and _head(file) not in _OTHER_TASKS:
        _check_code(path, file)
    _check_task(path, file)
    _check_channels(path, file)


def with_record(path: Path, record: Mapping[str, Any]) -> bytes:
    """Return the bytes of the checkpoint at `path` with `record` added to what stands there.

    Raises:
        TypeError: A value is not plain.
        ValueError: The file is no checkpoint, or holds code.
    """
    import torch

    check_file(path)
    with open_restricted(), _plain_errors(path):
        from ultralytics.nn.tasks import torch_safe_load

        content, _ = torch_safe_load(str(path))
    content[RECORD_KEY] = {**content.get(RECORD_KEY, {}), **to_plain(record, "record")}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _read(path: Path) -> PickledFile:
    try:
        file = read_pickled(path)
    except ValueError as error:
        raise ValueError(
            str(error).replace("expected a model file of PyTorch", "expected a YOLO checkpoint")
        ) from error
    content = file.content
    if not isinstance(content, dict) or not isinstance(content.get("ema") or content.get("model"), StandIn):
        raise ValueError(f"{path}: expected a YOLO checkpoint; it holds no network.")
    return file


def _network(file: PickledFile) -> StandIn:
    network: StandIn = file.content.get("ema") or file.content["model"]
    return network


def _head(file: PickledFile) -> str:
    """Return the class of the network's last layer; empty where there is none."""
    sequence = _network(file).children()
    layers = sequence[0].children() if sequence else []
    return layers[-1].source.rpartition(".")[2] if layers else ""


def _check_code(path: Path, file: PickledFile) -> None:
    unknown = {name for name in file.names if not _KNOWN.fullmatch(name)}
    called = {name for name in file.calls if not _CALLED.fullmatch(name)}
    if unknown or called:
        raise ValueError(
            f"{path}: expected a checkpoint of network layers and plain values, got one that would run "
            f"{', '.join(sorted(unknown | called)[:5])} when it is opened, so it is not. Only if you know who made "
            "it, and need it, predict with `inference.trust=true` or train from it with `yolo.trust=true`; its code "
            "then runs with all that you may do."
        )


def _check_task(path: Path, file: PickledFile) -> None:
    head = _head(file)
    if head not in _HEADS:
        given = _OTHER_TASKS.get(head, f"something else ({head or 'no layers'})")
        raise ValueError(
            f"{path}: expected a YOLO that finds boxes (detect) or outlines (segment), got one for {given}."
        )


def _check_channels(path: Path, file: PickledFile) -> None:
    first = next((shape for shape in _network(file).parameter_shapes() if len(shape) == 4), None)
    if first is not None and first[1] != 3:
        raise ValueError(
            f"{path}: expected a YOLO for images of 3 channels, got one for {first[1]}; images are given to a YOLO in "
            "three colours, and a single channel as grey."
        )
