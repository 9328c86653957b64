"""Ultralytics' trainers with this project's transforms of pixels, also in the processes of several GPUs.

Imported only after `prepare_ultralytics`, since it imports Ultralytics.
"""

from typing import Any

from ultralytics.data import augment
from ultralytics.models.rtdetr.train import RTDETRTrainer
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.models.yolo.segment import SegmentationTrainer
from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import strip_optimizer

from cell_pipelines.training.detection.pixel_transforms import PixelTransforms


def use_own_transforms() -> None:
    """Let Ultralytics make its samples with `PixelTransforms`.

    Else it would change some images by an Albumentations that happens to be installed, and leave out what was asked for
    where there is none, both without a word.
    """
    augment.Albumentations = PixelTransforms


class OwnTraining:
    """Samples and end of a training in the way of this project, for trainers of all tasks."""

    def build_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return Ultralytics' data set, whose samples are changed by `PixelTransforms`."""
        use_own_transforms()
        return super().build_dataset(*args, **kwargs)  # type: ignore[misc]

    def final_eval(self) -> None:
        """Leave what only a training needs out of the checkpoints; the best one has been validated in its epoch."""
        for path in (self.last, self.best) if RANK in {-1, 0} else ():  # type: ignore[attr-defined]
            if path.is_file():
                strip_optimizer(path)


class OwnDetectionTrainer(OwnTraining, DetectionTrainer):  # type: ignore[misc]
    """Training of boxes."""


class OwnSegmentationTrainer(OwnTraining, SegmentationTrainer):  # type: ignore[misc]
    """Training of outlines."""


class OwnTransformerTrainer(OwnTraining, RTDETRTrainer):  # type: ignore[misc]
    """Training of boxes by an RT-DETR."""


def trainer_of(task: str) -> type[Any]:
    """Return the trainer of a YOLO's task, ``detect`` or ``segment``; ``queries`` is that of an RT-DETR."""
    known = {"detect": OwnDetectionTrainer, "segment": OwnSegmentationTrainer, "queries": OwnTransformerTrainer}
    return known[task]
