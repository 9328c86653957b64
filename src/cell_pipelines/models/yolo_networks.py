"""Recognise by its file or name whether a YOLO network gives boxes alone or outlines as well."""

from pathlib import Path

from cell_pipelines.models.ultralytics_home import WeightsError, home, prepare_ultralytics
from cell_pipelines.models.yolo_checkpoint import TRANSFORMER_HEAD, Task, is_transformer_file, read_task

_MARKS = {"-seg": "segment", "-cls": "classify", "-pose": "pose", "-obb": "obb", "-sem": "semantic", "-depth": "depth"}


def network_task(name: str) -> Task:
    """Return whether the network that `name` stands for frames cells or outlines them, without any download.

    Args:
        name: As in `resolve_weights`: a file of weights or of a description, or the name of either.

    Raises:
        WeightsError: It is a network for something else, such as poses.
        ValueError: It is a file that holds no network.
    """
    path = Path(name).expanduser()
    found = _find(path)
    task = _task_of_name(path.stem) if found is None else _task_of_file(found)
    if task == "segment":
        return "segment"
    if task != "detect":
        raise WeightsError(f"{name}: expected a network that frames or outlines objects, got one for {task}.")
    return "detect"


def is_transformer(name: str) -> bool:
    """Return whether the network that `name` stands for is an RT-DETR, without any download.

    Args:
        name: As in `network_task`.

    Raises:
        ValueError: It is a file that holds no network.
    """
    path = Path(name).expanduser()
    found = _find(path)
    if found is None:
        return path.stem.startswith("rtdetr")
    if found.suffix not in (".yaml", ".yml"):
        return is_transformer_file(found)
    prepare_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    return str(yaml_model_load(found)["head"][-1][2]) == TRANSFORMER_HEAD


def _find(path: Path) -> Path | None:
    return next((file for file in (path, home() / "weights" / path.name) if file.is_file()), None)


def _task_of_file(path: Path) -> str:
    if path.suffix not in (".yaml", ".yml"):
        return read_task(path)
    prepare_ultralytics()
    from ultralytics.nn.tasks import guess_model_task, yaml_model_load

    described = yaml_model_load(path)
    channels = described.get("channels", described.get("ch", 3))
    if channels != 3:
        raise WeightsError(f"{path}: expected a network for images of 3 channels, got one for {channels}.")
    return "detect" if described["head"][-1][2] == TRANSFORMER_HEAD else str(guess_model_task(described))


def _task_of_name(stem: str) -> str:
    return next((task for mark, task in _MARKS.items() if mark in stem), "detect")
