"""Translate our settings of a YOLO training to Ultralytics' arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cell_pipelines.models.accelerators import DEVICES, Kind, available_kinds, choose_kind, supports_bfloat16
from cell_pipelines.training.segmentation.sampling import Oversampling

Precision = Literal["auto", "float32", "bfloat16", "mixed"]


@dataclass(frozen=True)
class YoloStart:
    """Start and device of a YOLO training.

    Attributes:
        weights: Pretrained weights by name (``yolov8n.pt``, ``yolov9t.pt``, ``yolov10n.pt``, ``yolo11n.pt``,
            ``yolo12n.pt``, ``yolo26n.pt``, any size; with masks ``yolov8s-seg.pt``, ``yolo11n-seg.pt``,
            ``yolo26n-seg.pt``) or path; ``….yaml`` is the same network untrained.
        from_scratch: Train that network without its weights.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, or numbers of GPUs such as ``0,1``.
        precision: ``auto``: mixed on a GPU; on a CPU bfloat16 where a step is measured to be faster so, else float32,
            which an RT-DETR keeps.
        minutes: Of training and validation together by the clock, in place of epochs; None for epochs. Those of an
            interrupted training count. Not for several GPUs.
        trust: Open a file of weights that names other code than known layers; that code then runs.
    """

    weights: str = "yolov8n.pt"
    from_scratch: bool = False
    device: str = "auto"
    precision: Precision = "auto"
    minutes: float | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        """Check the minutes.

        Raises:
            ValueError: They are not positive, or there are several GPUs.
        """
        if self.minutes is None:
            return
        if not 0 < self.minutes < float("inf"):
            raise ValueError(f"`minutes` must be positive, or null for epochs, got {self.minutes}.")
        if "," in self.device:
            raise ValueError(f"`minutes` are for one device, got {self.device}; name one, or leave `minutes` out.")


@dataclass(frozen=True, kw_only=True)
class YoloTraining(YoloStart):
    """Settings of a YOLO training.

    Attributes:
        settings: Ultralytics' own names: epochs, imgsz, batch, lr0, mosaic, and so on.
        transforms: What `create_transform` takes, each ``{"name": "Blur", "p": 0.1}``.
        oversampling: Which images or tiles come more often; None for each once.
    """

    settings: Mapping[str, Any]
    transforms: Sequence[Mapping[str, Any]] = ()
    oversampling: Oversampling | None = None


def to_arguments(training: YoloTraining, data_yaml: Path, folder: Path) -> dict[str, Any]:
    """Return what Ultralytics' ``train`` is called with; it works in ``run`` below `folder`."""
    # Ultralytics itself never takes Apple's GPU unless it is named.
    device = "mps" if _kind(training) == "mps" else None if training.device in ("auto", "cuda") else training.device
    return {
        **training.settings,
        "data": str(data_yaml),
        "project": str(folder),
        "name": "run",
        "exist_ok": True,
        "device": device,
        "amp": _amp(training),
        "augmentations": _check_transforms(training.transforms),
        "plots": False,
        "verbose": False,
    }


def _amp(training: YoloTraining) -> bool | str:
    kind = _kind(training)
    if kind == "cpu" or training.precision == "float32" or (kind == "mps" and training.precision == "auto"):
        return False
    return "bf16" if training.precision in ("auto", "bfloat16") and supports_bfloat16(kind) else True


def _kind(training: YoloTraining) -> Kind:
    """Return what is trained on; numbers of GPUs mean CUDA where there is one, as before."""
    if training.device in DEVICES:
        return choose_kind(training.device)
    return "cuda" if "cuda" in available_kinds() else "cpu"


def _check_transforms(specifications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return them as Ultralytics hands them on, after a mistake in one has been said."""
    from cell_pipelines.training.detection.pixel_transforms import create_transform

    for one in specifications:
        create_transform(one)
    return [dict(one) for one in specifications]
