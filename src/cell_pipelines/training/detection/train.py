"""Training a YOLO: settings in, best checkpoint and history out, all cores used, resumable after a crash."""

import copy
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cell_pipelines.files import atomic_path
from cell_pipelines.models.accelerators import processor_has_bfloat16
from cell_pipelines.models.ultralytics_home import open_restricted, prepare_ultralytics, resolve_weights, use_all_cores
from cell_pipelines.models.yolo_checkpoint import check_file, read_epoch
from cell_pipelines.models.yolo_networks import is_transformer, network_task
from cell_pipelines.progress import create_progress, is_told
from cell_pipelines.training.detection.labels import check_labels, check_queries, labels_digest
from cell_pipelines.training.detection.sampling import repeat_images
from cell_pipelines.training.detection.settings import YoloTraining, to_arguments
from cell_pipelines.training.detection.time_keeper import TimeKeeper
from cell_pipelines.training.number_format import FORMAT_FILE, measured_format
from cell_pipelines.training.resuming import ResumeError

logger = logging.getLogger(__name__)

# Our names for Ultralytics' columns, the same for every kind of model.
_COLUMNS = {
    "metrics/precision(B)": "val_precision",
    "metrics/recall(B)": "val_recall",
    "metrics/mAP50(B)": "val_ap50",
    "metrics/mAP50-95(B)": "val_ap50_95",
    "metrics/precision(M)": "val_mask_precision",
    "metrics/recall(M)": "val_mask_recall",
    "metrics/mAP50(M)": "val_mask_ap50",
    "metrics/mAP50-95(M)": "val_mask_ap50_95",
    "lr/pg0": "learning_rate",
    "time": "seconds",
}


# Settings that may change before a training goes on.
_FREE = ("device", "precision", "trust")
# What a training by minutes has used of them, beside its last finished epoch.
_TIME = "time.json"


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
        Path of the checkpoint with the best validation fitness (AP50:95 of boxes, and of masks added to it where the
        network has them), and a table with one row per epoch: epoch, seconds, losses, validation precision, recall,
        ap50, ap50_95 of boxes, for masks mask_precision and so on, learning_rate. Ultralytics evaluates masks at a
        quarter of the input's resolution here.

    Raises:
        ValueError: The labels are boxes and the network outlines cells, or the other way round; or an image has more
            cells than an RT-DETR finds.
        ResumeError: `resume` finds a training of other settings.
        WeightsError: The weights can't be had.
    """
    prepare_ultralytics()
    from ultralytics import RTDETR, YOLO

    from cell_pipelines.training.detection.trainers import trainer_of

    task = network_task(training.weights)
    check_labels(data_yaml, training.weights, task)
    started = _identity(training, data_yaml)
    last = folder / "resume.pt"
    going_on = resume and last.is_file()
    if going_on:
        _check_same(folder / "training.json", started)
    start = str(last) if going_on else resolve_weights(training.weights, from_scratch=training.from_scratch)
    if start.endswith(".pt"):
        check_file(Path(start), trust=training.trust)
    if not going_on:
        for old in ("resume.pt", "finished", _TIME, FORMAT_FILE):
            (folder / old).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "training.json") as temporary:
            temporary.write_text(json.dumps(started, indent=1, sort_keys=True), encoding="utf-8")
    if not (going_on and _is_finished(folder, training)):
        logger.info("%s %s", "Resuming the training in" if going_on else "Training in", folder)
        learnt = data_yaml
        if training.oversampling is not None:
            learnt = repeat_images(data_yaml, folder, training.oversampling, int(training.settings.get("seed", 0)))
        with open_restricted(trust=training.trust):
            model, trainer = YOLO(start, task=task), trainer_of(task)
            if is_transformer(training.weights):
                model, trainer = RTDETR(start), trainer_of("queries")
                check_queries(data_yaml, int(model.model.model[-1].num_queries))
            _add_callbacks(model, training, last)
            if training.minutes is not None:
                TimeKeeper(training.minutes, folder / _TIME, resume=going_on).attach(model)
            model.train(trainer, **to_arguments(training, learnt, folder), resume=going_on)
        (folder / "finished").touch()
    return folder / "run" / "weights" / "best.pt", read_history(folder / "run" / "results.csv")


def _is_finished(folder: Path, training: YoloTraining) -> bool:
    """Say whether the training in `folder` ended by itself, or was stopped after its last epoch."""
    if (folder / "finished").is_file():
        return True
    if training.minutes is not None:
        # Killed after the first checkpoint was put in place and before the time was, it is not finished either.
        kept = folder / _TIME
        return kept.is_file() and bool(json.loads(kept.read_text(encoding="utf-8"))["is_over"])
    return read_epoch(folder / "resume.pt") + 1 >= int(training.settings["epochs"])


def _identity(training: YoloTraining, data_yaml: Path) -> dict[str, Any]:
    """Return what must be the same for a training to go on: its settings and its labels, split included."""
    return {**json.loads(json.dumps(asdict(training))), "data": labels_digest(data_yaml)}


def _check_same(path: Path, wanted: Mapping[str, Any]) -> None:
    started = json.loads(path.read_text(encoding="utf-8"))
    different = [key for key in wanted if key not in _FREE and started.get(key) != wanted[key]]
    if different:
        raise ResumeError(
            f"{path.parent}: the training there was started with other {', '.join(different)}; "
            "go on with the same, or start anew without `resume`."
        )


def _add_callbacks(model: Any, training: YoloTraining, last: Path) -> None:
    bar = create_progress()
    state: dict[str, Any] = {}

    def start(trainer: Any) -> None:
        _use_cpu_well(trainer, training, last.parent)
        bar.start()
        state["task"] = bar.add_task(f"training {Path(training.weights).stem}", total=_steps(trainer))

    def advance(_: Any) -> None:
        bar.advance(state["task"])

    def report_epoch(trainer: Any) -> None:
        bar.update(state["task"], total=_steps(trainer))  # minutes make as many epochs as they make
        if not bar.console.is_terminal:
            done, left = bar.tasks[0].percentage, bar.tasks[0].time_remaining or 0
            scores = trainer.metrics.get("metrics/mAP50(B)", 0), trainer.metrics.get("metrics/mAP50(M)")
            of = "of" if training.minutes is None else "of about"
            text = f"epoch %d {of} %d, {_score_text(*scores)}, %.0f %% done, %.0f s left"
            level = logging.INFO if is_told(trainer.epoch + 1, trainer.epochs) else logging.DEBUG
            logger.log(level, text, trainer.epoch + 1, trainer.epochs, done, left)

    def keep(trainer: Any) -> None:
        # Ultralytics writes last.pt in place; a copy put in place whole survives a kill at any moment.
        with atomic_path(last) as temporary:
            temporary.write_bytes(Path(trainer.last).read_bytes())

    model.add_callback("on_train_start", start)
    model.add_callback("on_train_batch_end", advance)
    model.add_callback("on_model_save", keep)
    model.add_callback("on_fit_epoch_end", report_epoch)
    model.add_callback("on_train_end", lambda _: bar.stop())
    model.add_callback("teardown", lambda _: bar.stop())


def _steps(trainer: Any) -> int:
    return int((trainer.epochs - trainer.start_epoch) * len(trainer.train_loader))


def _score_text(boxes: float, masks: float | None) -> str:
    if math.isnan(boxes):
        return "not validated"
    return f"validation AP50 {boxes:.3f}" + ("" if masks is None else f", of masks {masks:.3f}")


def _use_cpu_well(trainer: Any, training: YoloTraining, folder: Path) -> None:
    import torch

    if trainer.device.type != "cpu":
        return
    use_all_cores()
    for network in (trainer.model, trainer.ema.ema):
        network.to(memory_format=torch.channels_last)  # the same numbers, faster convolutions
    precision: str = training.precision
    if precision == "auto" and not is_transformer(training.weights):
        shape, steps = (3, trainer.args.imgsz, trainer.args.imgsz), trainer.epochs * len(trainer.train_loader)
        create = partial(copy.deepcopy, trainer.model)
        precision = measured_format(create, shape, folder, steps=steps, minutes=training.minutes)
    if precision == "bfloat16":
        if not processor_has_bfloat16():
            logger.warning("this processor has no bfloat16 instructions; float32 is faster here.")
        _predict_in_bfloat16(trainer.model)


def _predict_in_bfloat16(network: Any) -> None:
    """Let a network compute in bfloat16, its loss in float32: bfloat16 knows no number between 32 and 32.25."""
    import torch
    from torch.utils._pytree import tree_map

    predict = network.predict

    def widen(value: Any) -> Any:
        return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    def cast(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = predict(*args, **kwargs)
        return tree_map(widen, outputs)

    network.predict = cast


def read_history(path: Path) -> pd.DataFrame:
    """Return Ultralytics' ``results.csv`` with our column names; losses become train_… and val_…."""
    table = pd.read_csv(path, skipinitialspace=True)
    names = {c: _COLUMNS.get(c, c.replace("/", "_").replace("(B)", "")) for c in table.columns.str.strip()}
    table.columns = [names[c.strip()] for c in table.columns]
    # An epoch that was killed after its row was written is trained and written again.
    table = table.drop_duplicates("epoch", keep="last").reset_index(drop=True)
    return table[[c for c in table.columns if not c.startswith("lr_")]]
