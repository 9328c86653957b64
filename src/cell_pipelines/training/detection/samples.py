"""Training samples as a YOLO sees them, to be looked at."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.models.yolo_networks import network_task
from cell_pipelines.training.detection.settings import YoloTraining, to_arguments


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

    from cell_pipelines.training.detection.trainers import use_own_transforms

    use_own_transforms()
    overrides = to_arguments(training, data_yaml, data_yaml.parent)
    cfg = get_cfg(overrides={"task": network_task(training.weights), **overrides, "device": "cpu"})
    data = check_det_dataset(str(data_yaml), autodownload=False)
    init_seeds(cfg.seed, deterministic=False)
    dataset = build_yolo_dataset(cfg, data["train"], cfg.batch, data, mode="train")
    samples = []
    for i in range(min(count, len(dataset))):
        sample = dataset[i]
        image = sample["img"].numpy().transpose(1, 2, 0)
        scale = np.array([image.shape[1], image.shape[0]] * 2)
        centres = sample["bboxes"].numpy() * scale
        boxes = np.concatenate([centres[:, :2] - centres[:, 2:] / 2, centres[:, :2] + centres[:, 2:] / 2], axis=1)
        samples.append((image, boxes, sample["cls"].numpy().ravel().astype(int)))
    with suppress(OSError):
        data_yaml.with_name("labels.cache").unlink()
    return samples
