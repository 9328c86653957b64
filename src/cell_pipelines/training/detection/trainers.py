"""Ultralytics' trainers with this project's transforms of pixels, also in the processes of several GPUs.

Imported only after `prepare_ultralytics`, since it imports Ultralytics.
"""

from typing import Any

from ultralytics.data import augment
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.models.yolo.segment import SegmentationTrainer

from cell_pipelines.training.detection.pixel_transforms import PixelTransforms


def use_own_transforms() -> None:
    """Let Ultralytics make its samples with `PixelTransforms`.

    Else it would change some images by an Albumentations that happens to be installed, and leave out what was asked for
    where there is none, both without a word.
    """
    augment.Albumentations = PixelTransforms


class OwnDetectionTrainer(DetectionTrainer):  # type: ignore[misc]
    """Training of boxes."""

    def build_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return Ultralytics' data set, whose samples are changed by `PixelTransforms`."""
        use_own_transforms()
        return super().build_dataset(*args, **kwargs)


class OwnSegmentationTrainer(SegmentationTrainer):  # type: ignore[misc]
    """Training of outlines."""

    def build_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return Ultralytics' data set, whose samples are changed by `PixelTransforms`."""
        use_own_transforms()
        return super().build_dataset(*args, **kwargs)


def trainer_of(task: str) -> type[Any]:
    """Return the trainer of a network's task, ``detect`` or ``segment``."""
    return {"detect": OwnDetectionTrainer, "segment": OwnSegmentationTrainer}[task]
