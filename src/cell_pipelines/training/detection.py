"""Training a YOLO: settings in, best checkpoint and history out, all cores used, resumable after a crash."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cell_pipelines.files import atomic_path
from cell_pipelines.models.ultralytics_home import prepare_ultralytics, resolve_weights, use_all_cores
from cell_pipelines.progress import create_progress

logger = logging.getLogger(__name__)

Precision = Literal["auto", "float32", "bfloat16", "mixed"]

# Our names for Ultralytics' columns, the same for every kind of model.
_COLUMNS = {
    "metrics/precision(B)": "val_precision",
    "metrics/recall(B)": "val_recall",
    "metrics/mAP50(B)": "val_ap50",
    "metrics/mAP50-95(B)": "val_ap50_95",
    "lr/pg0": "learning_rate",
    "time": "seconds",
}


@dataclass(frozen=True)
class YoloTraining:
    """What to train and how.

    Attributes:
        weights: As in `resolve_weights`.
        from_scratch: Leave the weights of the network aside.
        settings: Ultralytics' own names: epochs, imgsz, batch, lr0, mosaic, and so on.
        transforms: Albumentations by name with their arguments, each ``{"name": "Blur", "p": 0.1}``.
        device: ``auto``, ``cpu``, ``cuda``, or numbers of GPUs such as ``0,1``.
        precision: ``auto`` is mixed on a GPU and float32 on a CPU.
    """

    weights: str
    from_scratch: bool
    settings: Mapping[str, Any]
    transforms: Sequence[Mapping[str, Any]]
    device: str
    precision: Precision


class ResumeError(ValueError):
    """A training that can't go on, since it was started with other settings or data."""


def train_yolo(
    training: YoloTraining, data_yaml: Path, folder: Path, *, resume: bool = False
) -> tuple[Path, pd.DataFrame]:
    """Train a YOLO and return its best checkpoint and its history.

    Args:
        training: What to train and how.
        data_yaml: Description of the data set with ``train`` and ``val`` folders beside it.
        folder: Keeps the checkpoints while training; a second call with `resume` goes on from there.
        resume: Go on from the last finished epoch found in `folder`; start where there is none.

    Returns:
        Path of the checkpoint with the best validation fitness (0.1 AP50 + 0.9 AP50:95), and a table with a
        row an epoch: epoch, seconds, losses, validation precision, recall, ap50, ap50_95, learning_rate.

    Raises:
        ResumeError: `resume` finds a training of other settings.
        WeightsError: The weights can't be had.
    """
    prepare_ultralytics()
    from ultralytics import YOLO

    started = _identity(training, data_yaml)
    last = folder / "resume.pt"
    going_on = resume and last.is_file()
    if going_on:
        _check_same(folder / "training.json", started)
    else:
        weights = resolve_weights(training.weights, from_scratch=training.from_scratch)
        for old in ("resume.pt", "finished"):
            (folder / old).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "training.json").write_text(json.dumps(started, indent=1, sort_keys=True))
    if not (going_on and (folder / "finished").is_file()):
        model = YOLO(str(last) if going_on else weights, task="detect")
        _add_callbacks(model, training, last)
        logger.info("%s %s", "Resuming the training in" if going_on else "Training in", folder)
        model.train(**_arguments(training, data_yaml, folder), resume=going_on)
        (folder / "finished").touch()
    return folder / "run" / "weights" / "best.pt", read_history(folder / "run" / "results.csv")


def _identity(training: YoloTraining, data_yaml: Path) -> dict[str, Any]:
    plain = json.loads(json.dumps(asdict(training)))
    return {**plain, "data": data_yaml.read_text()}


def _check_same(path: Path, wanted: Mapping[str, Any]) -> None:
    started = json.loads(path.read_text())
    different = [
        key for key in wanted if key not in ("device", "precision") and started.get(key) != wanted[key]
    ]
    if different:
        raise ResumeError(
            f"{path.parent}: the training there was started with other {', '.join(different)}; "
            "go on with the same, or start anew without `resume`."
        )


def _arguments(training: YoloTraining, data_yaml: Path, folder: Path) -> dict[str, Any]:
    device = None if training.device in ("auto", "cuda") else training.device
    return {
        **training.settings,
        "data": str(data_yaml),
        "project": str(folder),
        "name": "run",
        "exist_ok": True,
        "device": device,
        "amp": _amp(training),
        "augmentations": create_transforms(training.transforms),
        "plots": False,
        "verbose": False,
    }


def _amp(training: YoloTraining) -> bool | str:
    import torch

    on_gpu = torch.cuda.is_available() and training.device != "cpu"
    if training.device == "cuda" and not on_gpu:
        raise ValueError("`device` is cuda, but no GPU is there; use auto or cpu.")
    if not on_gpu or training.precision == "float32":
        return False
    wide = training.precision in ("auto", "bfloat16") and torch.cuda.is_bf16_supported(
        including_emulation=False
    )
    return "bf16" if wide else True


def create_transforms(specifications: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return Albumentations transforms by name; an empty list means none, not Ultralytics' own few.

    Raises:
        ValueError: There is no such transform, or it refuses its arguments.
    """
    import albumentations

    transforms: list[Any] = []
    for specification in specifications:
        arguments = {
            key: tuple(v) if isinstance(v, list) else v for key, v in specification.items() if key != "name"
        }
        factory = getattr(albumentations, str(specification.get("name")), None)
        if factory is None:
            raise ValueError(
                f"`transforms` must name Albumentations transforms, got {specification.get('name')!r}."
            )
        transforms.append(factory(**arguments))
    return transforms or [albumentations.NoOp(p=0.0)]


def _add_callbacks(model: Any, training: YoloTraining, last: Path) -> None:
    bar = create_progress()
    state: dict[str, Any] = {"told": False}

    def start(trainer: Any) -> None:
        _use_cpu_well(trainer, training.precision)
        left = trainer.epochs - trainer.start_epoch
        bar.start()
        state["task"] = bar.add_task(
            f"training {Path(training.weights).stem}", total=left * len(trainer.train_loader)
        )

    def advance(_: Any) -> None:
        bar.advance(state["task"])

    def tell(trainer: Any) -> None:
        if bar.finished and state["told"]:  # Ultralytics calls this once more at the end
            return
        state["told"] = bar.finished
        if not bar.console.is_terminal:
            done, left = bar.tasks[0].percentage, bar.tasks[0].time_remaining or 0
            score = trainer.metrics.get("metrics/mAP50(B)", 0)
            text = "epoch %d of %d, validation AP50 %.3f, %.0f %% done, %.0f s left"
            logger.info(text, trainer.epoch + 1, trainer.epochs, score, done, left)

    def keep(trainer: Any) -> None:
        # Ultralytics writes last.pt in place; a copy put in place whole survives a kill at any moment.
        with atomic_path(last) as temporary:
            temporary.write_bytes(Path(trainer.last).read_bytes())

    model.add_callback("on_train_start", start)
    model.add_callback("on_train_batch_end", advance)
    model.add_callback("on_model_save", keep)
    model.add_callback("on_fit_epoch_end", tell)
    model.add_callback("on_train_end", lambda _: bar.stop())
    model.add_callback("teardown", lambda _: bar.stop())


def _use_cpu_well(trainer: Any, precision: Precision) -> None:
    import torch

    if trainer.device.type != "cpu":
        return
    use_all_cores()
    for network in (trainer.model, trainer.ema.ema):
        network.to(memory_format=torch.channels_last)  # the same numbers, faster convolutions
    if precision == "bfloat16":
        if not torch.cpu._is_avx512_bf16_supported():
            logger.warning("this processor has no bfloat16 instructions; float32 is faster here.")
        _forward_in_bfloat16(trainer.model)


def _forward_in_bfloat16(network: Any) -> None:
    import torch

    forward = network.forward

    def cast(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return forward(*args, **kwargs)

    network.forward = cast


def read_history(path: Path) -> pd.DataFrame:
    """Return Ultralytics' ``results.csv`` with our column names; losses become train_… and val_…."""
    table = pd.read_csv(path)
    names = {c: _COLUMNS.get(c, c.replace("/", "_").replace("(B)", "")) for c in table.columns.str.strip()}
    table.columns = [names[c.strip()] for c in table.columns]
    return table[[c for c in table.columns if not c.startswith("lr_")]]


def augmented_samples(training: YoloTraining, data_yaml: Path, count: int) -> list[tuple[Any, Any, Any]]:
    """Return the first `count` training samples as the network would see them.

    Returns:
        For each: image (H, W, 3) uint8 RGB, boxes (N, 4) in pixels, categories (N,) int.
    """
    prepare_ultralytics()
    import numpy as np
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.data.utils import check_det_dataset
    from ultralytics.utils.torch_utils import init_seeds

    overrides = _arguments(training, data_yaml, data_yaml.parent)
    import albumentations

    overrides["augmentations"] = [albumentations.to_dict(t) for t in overrides["augmentations"]]
    cfg = get_cfg(overrides={"task": "detect", **overrides, "device": "cpu"})
    data = check_det_dataset(str(data_yaml), autodownload=False)
    init_seeds(cfg.seed, deterministic=False)
    dataset = build_yolo_dataset(cfg, data["train"], cfg.batch, data, mode="train")
    samples = []
    for i in range(min(count, len(dataset))):
        sample = dataset[i]
        image = sample["img"].numpy().transpose(1, 2, 0)
        scale = np.array([image.shape[1], image.shape[0]] * 2)
        centres = sample["bboxes"].numpy() * scale
        boxes = np.concatenate(
            [centres[:, :2] - centres[:, 2:] / 2, centres[:, :2] + centres[:, 2:] / 2], axis=1
        )
        samples.append((image, boxes, sample["cls"].numpy().ravel().astype(int)))
    with suppress(OSError):
        data_yaml.with_name("labels.cache").unlink()
    return samples
