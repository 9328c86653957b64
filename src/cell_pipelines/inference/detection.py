"""Boxes from one image by a trained YOLO, with no limit that could cut cells off unseen."""

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.intensity import Normalisation, to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.imaging.tiling import tile_windows
from cell_pipelines.inference.box_tiles import BoxTiles
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.pixels import ColourPixels
from cell_pipelines.models.ultralytics_home import prepare_ultralytics
from cell_pipelines.models.yolo_checkpoint import RECORD_KEY

logger = logging.getLogger(__name__)

# Vertical and horizontal gain, and columns and rows of padding, of an image on its canvas.
_Placement = tuple[tuple[float, float], tuple[int, int]]


@dataclass(frozen=True)
class Detections:
    """What was found in one image.

    Attributes:
        boxes: (N, 4) x_min, y_min, x_max, y_max in pixels of the image, inside it.
        scores: (N,) in [0, 1], descending.
        categories: (N,) int.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int64]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {"boxes": self.boxes, "scores": self.scores, "categories": self.categories}


class DetectionLimitError(ValueError):
    """A detector returned as many boxes as it may, so cells may have been cut off."""


class BoxPredictor:
    """A trained YOLO ready to predict.

    Args:
        checkpoint: File of a trained model, ours or any other of Ultralytics'.
        image_size: Longer side in pixels that images are brought to; None for the one trained with, or, after
            training on tiles, for the scale that the tiles had.
        confidence: Lowest score that is kept, in [0, 1].
        iou: Boxes of one category that overlap a better one by more are dropped, in [0, 1].
        max_detections: Most boxes an image may give; None for as many as the network can propose, so that
            nothing is ever cut off.
        margin: Grey border around the image, in strides of the network, half of it on each side at least. Networks
            learn cells at the border with grey beside them; without it they miss many.
        device: ``auto``, ``cpu`` or ``cuda``.
        normalisation: How images of more than 8 bits are scaled.
        tile: Side in pixels of the tiles that larger images are cut into; None takes them whole. The network sees a
            tile at `image_size`, unless it was trained on tiles, whose scale is kept.
        overlap: Least overlap of neighbouring tiles in pixels; more than the largest cell, so that each cell lies
            whole in one of them.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        image_size: int | None = None,
        confidence: float = 0.001,
        iou: float = 0.7,
        max_detections: int | None = None,
        margin: float = 0.5,
        device: str = "auto",
        normalisation: Normalisation = "percentile",
        tile: int | None = None,
        overlap: int = 128,
    ) -> None:
        if tile is not None and not 0 <= overlap < tile:
            raise ValueError(f"`overlap` must be 0 or more and smaller than `tile` ({tile}), got {overlap}.")
        prepare_ultralytics()
        import torch
        import torchvision  # noqa: F401 - Ultralytics takes its fast suppression only when it is loaded
        from ultralytics.nn.tasks import load_checkpoint

        self._device = choose_device(device)
        network, content = load_checkpoint(str(checkpoint), device=self._device, fuse=True)
        self._network = network.to(memory_format=torch.channels_last).requires_grad_(False)
        self.categories = tuple(network.names[i] for i in range(len(network.names)))
        self._image_size = image_size or int(content.get("train_args", {}).get("imgsz", 640))
        self._tile = None if image_size else content.get(RECORD_KEY, {}).get("tile_size")
        self._stride = max(int(network.stride.max()), 32)
        self._confidence, self._iou = confidence, iou
        self._max_detections, self._margin, self._normalisation = max_detections, margin, normalisation
        self._cut, self._overlap = tile, overlap
        if tile is not None:
            self._tile = self._tile or tile

    def predict(self, image: Image | LargeImage) -> Detections:
        """Find the cells in one image (H, W) or (H, W, C) of any depth.

        An image that `open_region_reader` opened is read tile by tile, or at once where no `tile` is set.

        Raises:
            DetectionLimitError: As many boxes as `max_detections` came out.
        """
        pixels = ColourPixels(image, self._normalisation)
        height, width = pixels.shape
        side = self._cut or max(height, width)
        tiles = BoxTiles(tile_windows(height, width, side, min(self._overlap, side - 1)))
        if len(tiles) == 1:
            return self._find(pixels.read((0, 0, height, width)))
        found = []
        for tile in tiles:
            part = self._find(pixels.read(tile.window))
            boxes, kept = tile.to_image(part.boxes)
            found.append(Detections(boxes[kept], part.scores[kept], part.categories[kept]))
        whole = self._join(found)
        self._check_limit(len(whole.scores))
        return whole

    def _join(self, parts: list[Detections]) -> Detections:
        """Return the tiles' detections after one suppression over all, best first."""
        import torch
        from torchvision.ops import batched_nms

        boxes, scores, categories = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "scores", "categories")
        )
        kept = batched_nms(*(torch.from_numpy(a) for a in (boxes, scores, categories)), self._iou).numpy()
        return Detections(boxes[kept], scores[kept], categories[kept])

    def _find(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Find the cells in one image, or a tile of it, (H, W, 3)."""
        import torch
        from ultralytics.utils import nms, ops

        tensor, placement = self._to_tensor(image)
        limit = self._max_detections or _proposals(tensor.shape[2:])
        if getattr(self._network, "end2end", False):
            self._network.set_head_attr(max_det=limit)
        with torch.inference_mode():
            output = self._network(tensor)
            found = nms.non_max_suppression(
                output, self._confidence, self._iou, max_det=limit, max_nms=_proposals(tensor.shape[2:]),
                max_time_img=1e9, end2end=getattr(self._network, "end2end", False), nc=len(self.categories),
            )[0]  # fmt: skip
            boxes = ops.scale_boxes(tensor.shape[2:], found[:, :4], image.shape[:2], ratio_pad=placement)
        self._check_limit(len(found))
        values = found.cpu().numpy()
        return Detections(boxes.cpu().numpy(), values[:, 4], values[:, 5].astype(np.int64))

    def _check_limit(self, count: int) -> None:
        if self._max_detections is not None and count >= self._max_detections:
            raise DetectionLimitError(
                f"the detector gave {count} boxes, all that `max_detections` allows, so cells may be cut off; "
                "raise it, or leave it empty for no limit, or raise `confidence`."
            )

    def _to_tensor(self, image: Image) -> tuple[Any, _Placement]:
        import torch

        picture = to_rgb(to_uint8(image, normalisation=self._normalisation))
        placed, placement = self._place(picture)
        tensor = torch.from_numpy(placed).to(self._device)
        # Height, width, channels in memory is what channels_last means, so no copy is made here.
        return tensor.permute(2, 0, 1)[None].float().div_(255), placement

    def _place(self, picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], _Placement]:
        """Bring a picture (H, W, 3) to the network's size and put it in the middle of a grey canvas."""
        import cv2

        height, width = picture.shape[:2]
        gain = self._side(max(height, width)) / max(height, width)
        new_height, new_width = (max(round(n * gain), 1) for n in (height, width))
        if (new_height, new_width) != (height, width):
            picture = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        rows, columns = (math.ceil(n / self._stride + self._margin) * self._stride for n in (new_height, new_width))
        top, left = ((rows - new_height) // 2, (columns - new_width) // 2)
        canvas = np.full((rows, columns, 3), 114, dtype=np.uint8)
        canvas[top : top + new_height, left : left + new_width] = picture
        return canvas, ((new_height / height, new_width / width), (left, top))

    def _side(self, longest: int) -> int:
        """Return the longer side of the network's input, a multiple of its stride."""
        side = self._image_size if not self._tile else round(longest * self._image_size / self._tile)
        return -(-side // self._stride) * self._stride


def _proposals(shape: Any) -> int:
    """Return how many boxes a YOLO of strides 4 to 64 can propose for an input of `shape`, at most."""
    return sum((int(shape[0]) // stride) * (int(shape[1]) // stride) for stride in (4, 8, 16, 32, 64))
