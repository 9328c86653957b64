"""Ultralytics kept quiet, offline and in a folder of its own; and the weights that a name stands for."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cell_pipelines.machine import usable_cores

_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "U1")
HOME_VARIABLE = "CELL_ULTRALYTICS_HOME"

_OUTLINING = (
    "YOLO networks that outline objects are yolov8, yolo11 and yolo26 in the sizes n, s, m, l and x, yolov9 in c and "
    "e, and yolo12, of which no weights are published; YOLOv10 has none"
)


class WeightsError(ValueError):
    """Weights that were asked for and can't be had; the sentence names the ways out."""


def home() -> Path:
    """Return the folder that keeps Ultralytics' settings and weights; ``CELL_ULTRALYTICS_HOME`` names another."""
    return Path(os.environ.get(HOME_VARIABLE, Path.home() / ".cache" / "cell_pipelines" / "ultralytics")).absolute()


def prepare_ultralytics() -> None:
    """Set Ultralytics up before its first import: no telemetry, look-ups, installs, MLflow or foreign code."""
    folder = home()
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    # Its own workers, too, open model files as known layers only, and evaluate no text of their descriptions.
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "true"
    for module in ("ultralytics.utils", "ultralytics.nn.tasks"):
        if module in sys.modules:  # imported before by other code
            sys.modules[module].SAFE_LOAD = True  # type: ignore[attr-defined]
    from ultralytics import settings
    from ultralytics.utils import USER_CONFIG_DIR, patches

    _place_font(Path(USER_CONFIG_DIR) / "Arial.ttf")
    # Else every image that Pillow can't identify makes its patched reader ask for a package to be installed.
    patches._pil_plugins_registered = True
    trackers = ("mlflow", "clearml", "comet", "dvc", "raytune", "tensorboard", "wandb")
    folders = {f"{name}_dir": str(folder / name) for name in ("runs", "weights", "datasets")}
    wanted = {**dict.fromkeys((*trackers, "sync", "vscode_msg"), False), **folders}
    if any(settings.get(key) != value for key, value in wanted.items()):
        settings.update(wanted)


def _place_font(font: Path) -> None:
    """Put a font where Ultralytics looks for one, in the folder of its first import: without it, it asks a host."""
    if not font.exists():
        from matplotlib import get_data_path

        font.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf", font)


@contextmanager
def open_restricted(*, trust: bool = False) -> Iterator[None]:
    """Let Ultralytics open model files as known layers only; with `trust` as any pickle, whose code then runs.

    Args:
        trust: The files opened within are trusted.
    """
    prepare_ultralytics()
    import numpy as np
    import torch
    from ultralytics.nn import tasks

    # Numbers of NumPy are as harmless as others; Ultralytics lists those of float64 only.
    torch.serialization.add_safe_globals([type(np.dtype(kind)) for kind in _NUMBERS])
    tasks.SAFE_LOAD = not trust
    try:
        yield
    finally:
        tasks.SAFE_LOAD = True


def use_all_cores() -> None:
    """Let PyTorch use every processor of this process, or as many threads as ``OMP_NUM_THREADS`` says.

    Ultralytics leaves one idle whenever it picks the CPU.
    """
    import torch

    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    torch.set_num_threads(max(1, int(given)) if given.isdecimal() else usable_cores())


def resolve_weights(name: str, *, from_scratch: bool = False) -> str:
    """Return what Ultralytics loads for `name`: a file of weights, or a description of an untrained network.

    Args:
        name: A path to a ``.pt`` file, the name of published weights such as ``yolo11n.pt``, or of a network
            such as ``yolo11n.yaml``, which is untrained.
        from_scratch: Use the network that `name` belongs to without its weights.

    Raises:
        WeightsError: The weights are neither a file, nor kept from an earlier download, nor to be downloaded; or
            there is no such network with outlines at all.
    """
    path = Path(name).expanduser()
    if from_scratch or path.suffix in (".yaml", ".yml"):
        _check_described(path)
        return str(path.with_suffix(".yaml") if path.suffix not in (".yaml", ".yml") else path)
    kept = home() / "weights" / path.name
    for candidate in (path, kept):
        if candidate.is_file():
            return str(candidate.absolute())
    if path.parent != Path():
        raise WeightsError(f"{name}: expected a file with weights; there is none.")
    return _download(path.name, kept)


def _check_described(path: Path) -> None:
    """Refuse the name of an untrained network with outlines that Ultralytics has no description of."""
    if "-seg" not in path.stem or path.is_file():
        return
    prepare_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    try:
        yaml_model_load(path.with_suffix(".yaml"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path.name}: there is no such network. {_OUTLINING}.") from error


def _download(name: str, target: Path) -> str:
    prepare_ultralytics()
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES, GITHUB_ASSETS_REPO, safe_download

    outlining = "-seg" in name
    _check_described(Path(name))
    group = "yolo_seg" if outlining else "yolo"
    ways = f"Put the file at {target}, or train from scratch: --params={group}.weights={Path(name).stem}.yaml"
    if name not in GITHUB_ASSETS_NAMES:
        ways = f"{ways}. {_OUTLINING}" if outlining else ways
        raise WeightsError(f"{name}: no published weights have this name. {ways}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        address = f"https://github.com/{GITHUB_ASSETS_REPO}/releases/download/v8.4.0/{name}"
        safe_download(url=address, file=target, min_bytes=1e5, retry=1, progress=False)
    except Exception as error:
        target.unlink(missing_ok=True)
        raise WeightsError(
            f"{name}: the pretrained weights are not here and can't be downloaded ({error}). {ways}."
        ) from error
    return str(target)
