"""Training a segmentation network: images and settings in, best checkpoint and history out, resumable after a crash."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cell_pipelines.files import atomic_path, remove_abandoned
from cell_pipelines.training.reports import EpochReport
from cell_pipelines.training.resuming import ResumeError
from cell_pipelines.training.segmentation.epoch_log import EpochLog
from cell_pipelines.training.segmentation.samples import (
    LabelledImage,
    Preparation,
    Sample,
    SampleError,
    check_study,
    mean_area_px,
    mean_areas_px,
    prepare_samples,
)
from cell_pipelines.training.segmentation.settings import SegmentationTraining
from cell_pipelines.training.segmentation.stored_samples import SampleSource, keep_samples

if TYPE_CHECKING:
    from cell_pipelines.training.segmentation.fitting import Job

logger = logging.getLogger(__name__)

# What may differ between two parts of one training: where it runs, not what it computes.
_ANYWHERE = ("device", "devices", "workers", "cache")


def train_segmentation(
    training: SegmentationTraining, train: Sequence[LabelledImage], val: Sequence[LabelledImage], folder: Path, *,
    resume: bool = False, on_epoch: Callable[[EpochReport], None] | None = None,
    description: Mapping[str, Any] | None = None,
) -> tuple[bytes, pd.DataFrame]:  # fmt: skip
    """Train a segmentation network and return its best checkpoint and its history.

    Args:
        training: What to train and how.
        train: Images to learn from.
        val: Images to choose the best epoch by; never learnt from.
        folder: Keeps the state while training; a second call with `resume` goes on from there.
        resume: Go on from the last finished epoch found in `folder`; start where there is none. The result is that
            of a training that was never stopped; in a training by minutes it goes on at the share of them that was
            used.
        on_epoch: Called after each epoch with its metrics, and with sample predictions where they are due.
        description: Further plain values for the model file, such as ``run_id``.

    Returns:
        The checkpoint of the epoch with the best `monitor`, and a table with one row per epoch (in a training by
        minutes, per epoch that was validated, with validation_seconds and validation_images): epoch, seconds since the
        start, train_loss, val_loss, val_iou and val_dice of all validation pixels together at 0.5, learning_rate,
        waiting_share (part of the training steps' time spent waiting for tiles), images_per_second. Where the learning
        rate was looked for, ``history.attrs["rate_finder"]`` has the curve.

    Raises:
        SampleError: Images and annotations that can't be trained on.
        ResumeError: `resume` finds a training of other settings or data.
        DivergedError: The loss is no finite number any more.
        WeightsError: The weights of the encoder can't be had.
    """
    from cell_pipelines.training.segmentation.fitting import fit

    job = _prepare(training, train, val, folder, description or {}, resume=resume)
    report_epoch = EpochLog(on_epoch)
    if not (folder / "finished").is_file():
        logger.info("%s %s", "Resuming the training in" if (folder / "resume.pt").is_file() else "Training in", folder)
        if job.devices.count == 1:
            fit(job, 0, report_epoch)
        else:
            from cell_pipelines.training.segmentation.devices import on_each_device

            on_each_device(fit, job, job.devices.count, report_epoch)
        (folder / "finished").touch()
    shutil.rmtree(folder / "samples", ignore_errors=True)
    return (folder / "best.pt").read_bytes(), read_history(folder)


def read_history(folder: Path) -> pd.DataFrame:
    """Return the history of the training in `folder` so far, one row per epoch."""
    from cell_pipelines.models.tensor_file import load_tensors

    state = load_tensors(folder / "resume.pt", "an interrupted training")
    history = pd.DataFrame(state["progress"]["history"])
    if (folder / "rate_finder.json").is_file():
        history.attrs["rate_finder"] = json.loads((folder / "rate_finder.json").read_text(encoding="utf-8"))
    return history


def _prepare(
    training: SegmentationTraining, train: Sequence[LabelledImage], val: Sequence[LabelledImage], folder: Path,
    description: Mapping[str, Any], *, resume: bool,
) -> "Job":  # fmt: skip
    from cell_pipelines.training.segmentation.devices import choose_devices
    from cell_pipelines.training.segmentation.fitting import Job, create_parts_of
    from cell_pipelines.training.segmentation.number_format import settle_format

    if not train or not val:
        raise SampleError(f"`train` and `val` must hold images, got {len(train)} and {len(val)}.")
    categories = training.categories or tuple(dict.fromkeys(c for i in train for c in i.annotations.categories))
    training = replace(training, categories=categories)
    devices = choose_devices(training)
    representation, _ = create_parts_of(training)
    if training.resize is not None and "identity" in representation.activations:
        raise ValueError(
            f"`resize` changes lengths and directions; {training.representation.name} learns them. Leave one out."
        )
    sources = _prepare_images(training, train, val, folder, several=devices.count > 1)
    samples = sources[0].open()
    check_study(samples, categories)
    spec = replace(
        training.network,
        in_channels=samples[0].image.shape[2],
        out_channels=len(categories) * len(representation.channels),
        out_stride=representation.stride,
    )
    training = replace(training, network=spec)
    started = _identity(training, [*samples, *sources[1].open()])
    _start_or_resume(folder, started, resume=resume)
    devices = settle_format(training, devices, folder)
    described = _describe(training, train, samples, representation, started["data"])
    rate = training.learning_rate
    described["number_format"] = devices.precision
    job = Job(training, *sources, folder, {**described, **description}, devices, 0.0 if rate == "find" else rate)
    return job if rate != "find" else replace(job, learning_rate=_find_rate(job))


def _prepare_images(
    training: SegmentationTraining, train: Sequence[LabelledImage], val: Sequence[LabelledImage], folder: Path, *,
    several: bool,
) -> tuple[SampleSource, SampleSource]:  # fmt: skip
    from cell_pipelines.representations.weight_map import create_weight_map

    weight_map = create_weight_map(training.weight_map.name, **training.weight_map.options)
    scale = (training.resize, training.cell_diameter_px)
    preparation = Preparation(training.categories or (), training.colour, training.normalisation, weight_map, *scale)
    # Several processes share arrays on disk; in memory each would have its own.
    place = folder / "samples" if several or training.tiles.cache == "disk" else None
    learnt = keep_samples(prepare_samples(train, preparation), place and place / "train")
    like = (train[0].name, learnt.open()[0].image.shape[2])
    return learnt, keep_samples(prepare_samples(val, preparation, like=like), place and place / "val")


def _identity(training: SegmentationTraining, samples: Sequence[Sample]) -> dict[str, Any]:
    """Return what must be the same for a training to go on: its settings, and its images with labels and weights."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(sample.name.encode() + b"\0")
        for array in (sample.image, sample.labels, sample.weights):
            digest.update(repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes())
    return {**training.to_record(), "data": digest.hexdigest()}


def _start_or_resume(folder: Path, started: Mapping[str, Any], *, resume: bool) -> None:
    remove_abandoned(folder)
    if resume and (folder / "resume.pt").is_file():
        before = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        different = [key for key in started if key not in _ANYWHERE and before.get(key) != started[key]]
        if different:
            raise ResumeError(
                f"{folder}: the training there was started with other {', '.join(different)}; "
                "go on with the same, or start anew without `resume`."
            )
        return
    for old in ("finished", "resume.pt", "best.pt", "rate_finder.json", "precision.json"):
        (folder / old).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "training.json") as temporary:
        temporary.write_text(json.dumps(started, indent=1, sort_keys=True), encoding="utf-8")


def _find_rate(job: "Job") -> float:
    """Return the learning rate that was found, now or before a resumed training was stopped."""
    from cell_pipelines.training.segmentation.rate_finder import find_learning_rate

    kept = job.folder / "rate_finder.json"
    if not kept.is_file():
        curve = find_learning_rate(replace(job, learning_rate=1e-3))
        logger.info("found a learning rate of %.3g.", curve.chosen)
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps(asdict(curve)), encoding="utf-8")
    return float(json.loads(kept.read_text(encoding="utf-8"))["chosen"])


def _describe(
    training: SegmentationTraining, train: Sequence[LabelledImage], samples: Sequence[Sample], representation: Any,
    data_sha256: str,
) -> dict[str, Any]:  # fmt: skip
    """Return what the model file says besides its weights."""
    # Cells are decoded at their images' own size.
    scale, categories = _area_scale(training, train), training.categories or ()
    areas, average = mean_areas_px(samples) * scale, mean_area_px(samples) * scale
    decodings = [representation.default_threshold(average if np.isnan(area) else float(area)) for area in areas]
    return {
        "network": asdict(training.network),
        "representation": asdict(training.representation),
        "categories": list(categories),
        "normalisation": training.normalisation,
        "colour": training.colour,
        "resize": list(training.resize) if training.resize else None,
        "cell_diameter_px": training.cell_diameter_px,
        "pixel_size_um": _pixel_size_um(train),
        "mean_area_px": average,
        "decoding": {name: asdict(one) for name, one in zip(categories, decodings, strict=True)},
        "data_sha256": data_sha256,
        "training": training.to_record(),
    }


def _area_scale(training: SegmentationTraining, images: Sequence[LabelledImage]) -> float:
    """Return how many pixels of the images one pixel that the network sees stands for."""
    if training.resize is None:
        return 1.0
    sizes = [image.annotations.images[side][0].as_py() for image in images for side in ("height", "width")]
    return float(np.mean(np.prod(np.reshape(sizes, (-1, 2)), axis=1)) / np.prod(training.resize))


def _pixel_size_um(images: Sequence[LabelledImage]) -> float | None:
    """Return the usual size of a pixel of the training images, None where none says."""
    columns = ("pixel_height_um", "pixel_width_um")
    sizes = [image.annotations.images[column][0].as_py() for image in images for column in columns]
    known = [size for size in sizes if size]
    return float(np.median(known)) if known else None
