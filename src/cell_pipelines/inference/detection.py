"""Boxes and masks from one image by a trained YOLO or RT-DETR, with no limit that could cut cells off unseen."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.intensity import Normalisation
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.imaging.tiling import tile_windows
from cell_pipelines.inference.box_tiles import BoxTile, BoxTiles
from cell_pipelines.inference.detections import DetectionLimitError, Detections
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.overlap import choose_overlap
from cell_pipelines.inference.pixels import ColourPixels
from cell_pipelines.inference.prototypes import Prototypes
from cell_pipelines.inference.queries import take_queries
from cell_pipelines.inference.seam_pairs import merge_cut
from cell_pipelines.models.yolo_checkpoint import RECORD_KEY, load_network
from cell_pipelines.typing import BoolArray

# Vertical and horizontal gain, and columns and rows of padding, of an image on its canvas.
_Placement = tuple[tuple[float, float], tuple[int, int]]
# Below it lie thousands of masks an image, all of which would be drawn and stored for no threshold ever chosen.
_LEAST_MASK_SCORE = 0.01
# Overlap in pixels of tiles where the model's cells are small or of unknown size.
_LEAST_OVERLAP = 128


@dataclass(frozen=True, eq=False)
class _Proposals:
    """Output of the network for a tile: detections in its pixels, and what their masks are made of."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int64]
    coefficients: npt.NDArray[np.float32]
    prototypes: Prototypes | None

    def place(self, tile: BoxTile, size: tuple[int, int]) -> tuple[Detections, BoolArray]:
        """Return those that the neighbouring tiles leave to this one, in an image of `size`, and where they are cut."""
        boxes, kept = tile.to_image(self.boxes)
        masks = None
        if self.prototypes is not None:
            masks = self.prototypes.draw(self.coefficients[kept], self.boxes[kept], tile.window, size)
        found = Detections(boxes[kept], self.scores[kept], self.categories[kept], masks)
        return found, tile.cut_sides(self.boxes[kept])


class BoxPredictor:
    """A trained YOLO ready to predict: boxes, and masks where its network has them.

    Args:
        checkpoint: File of a trained model, ours or any other of Ultralytics'.
        image_size: Longer side in pixels that images are brought to; None for the one trained with, or, after
            training on tiles, for the scale that the tiles had.
        confidence: Lowest score that is kept, in [0, 1].
        iou: Boxes of one category, or of any if `agnostic`, that overlap a better one by more are dropped, in [0, 1].
        agnostic: One object has one category: a box gives way to a better one of any category. None for networks
            with masks, and not for those with boxes only.
        mask_confidence: Lowest score of an object with a mask, where it is above `confidence`; None for 0.01.
        max_detections: Most boxes an image may give; None for as many as the network can propose, so that
            nothing is ever cut off.
        margin: Grey border around the image, in strides of the network, half of it on each side at least. Networks
            learn cells at the border with grey beside them; without it they miss many.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        normalisation: How intensities are scaled, as in training; ``percentile_above_8_bit`` for Ultralytics' own
            files, which learned from pixels / 255.
        tile: Side in pixels of the tiles that larger images are cut into; None takes them whole. The network sees a
            tile at `image_size`, unless it was trained on tiles, whose scale is kept.
        overlap: Least overlap of neighbouring tiles in pixels; more than the largest cell, so that each cell lies
            whole in one of them. None for 5/4 of the cells that the model was trained on, at least 128.
        trust: Open a file that names other code than known layers; that code then runs.

    Raises:
        ValueError: The file is no YOLO that finds boxes or outlines in colour images, or names code.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        image_size: int | None = None,
        confidence: float = 0.001,
        iou: float = 0.7,
        agnostic: bool | None = None,
        mask_confidence: float | None = None,
        max_detections: int | None = None,
        margin: float = 0.5,
        device: str = "auto",
        normalisation: Normalisation = "percentile_above_8_bit",
        tile: int | None = None,
        overlap: int | None = None,
        trust: bool = False,
    ) -> None:
        if tile is not None and overlap is not None and not 0 <= overlap < tile:
            raise ValueError(f"`overlap` must be 0 or more and smaller than `tile` ({tile}), got {overlap}.")
        import torch
        import torchvision  # noqa: F401 - Ultralytics takes its fast suppression only when it is loaded

        self._device = choose_device(device)
        network, content = load_network(checkpoint, device=self._device, fuse=True, trust=trust)
        self._network = network.to(memory_format=torch.channels_last).requires_grad_(False)
        self.categories = tuple(network.names[i] for i in range(len(network.names)))
        self._image_size = image_size or int(content.get("train_args", {}).get("imgsz", 640))
        record = content.get(RECORD_KEY, {})
        self._tile = None if image_size else record.get("tile_size")
        self._stride = max(int(network.stride.max()), 32)
        self._has_masks = hasattr(network.model[-1], "proto")
        self._is_transformer = hasattr(network.model[-1], "num_queries")
        self._agnostic = self._has_masks if agnostic is None else agnostic
        least = _LEAST_MASK_SCORE if mask_confidence is None else mask_confidence
        self._confidence, self._iou = max(confidence, least) if self._has_masks else confidence, iou
        self._max_detections, self._margin, self._normalisation = max_detections, margin, normalisation
        self._cut, self._overlap = tile, 0
        if tile is not None:
            self._tile = self._tile or tile
            self._overlap = choose_overlap(record, wanted=overlap, least=min(_LEAST_OVERLAP, tile - 1), tile=tile)

    def predict(self, image: Image | LargeImage) -> Detections:
        """Find the cells in one image (H, W) or (H, W, C) of any depth.

        An image that `open_region_reader` opened is read tile by tile, or at once where no `tile` is set.

        Raises:
            DetectionLimitError: As many boxes as `max_detections` came out.
        """
        return self.predict_pixels(self.open(image))

    def open(self, image: Image | LargeImage) -> ColourPixels:
        """Return the image as the network takes it, window by window."""
        return ColourPixels(image, self._normalisation)

    def predict_pixels(self, pixels: ColourPixels) -> Detections:
        """Find the cells in an image that `open` returned; see `predict`."""
        height, width = pixels.shape
        side = self._cut or max(height, width)
        tiles = BoxTiles(tile_windows(height, width, side, min(self._overlap, side - 1)))
        found, cuts = [], []
        for tile in tiles:
            placed, cut = self._find(pixels.read(tile.window)).place(tile, (height, width))
            found.append(placed)
            cuts.append(cut)
        if len(found) == 1:
            return found[0]
        whole = self._suppress(merge_cut(found, cuts, tiles.columns, (height, width), agnostic=self._agnostic))
        self._check_limit(len(whole.scores))
        return whole

    def tile_overlap(self, shape: tuple[int, int]) -> int | None:
        """Return by how many pixels the tiles of an image (height, width) overlap at least; None for one tile."""
        return None if self._cut is None or max(shape) <= self._cut else self._overlap

    def _suppress(self, whole: Detections) -> Detections:
        """Return the detections after one suppression over all, best first."""
        import torch
        from torchvision.ops import batched_nms

        kinds = np.zeros_like(whole.categories) if self._agnostic else whole.categories
        kept = batched_nms(*(torch.from_numpy(a) for a in (whole.boxes, whole.scores, kinds)), self._iou)
        return whole.take(kept.numpy())

    def _find(self, image: npt.NDArray[np.uint8]) -> _Proposals:
        """Find the cells in one image, or a tile of it, (H, W, 3)."""
        import torch
        from ultralytics.utils import ops

        tensor, (gain, (left, top)) = self._to_tensor(image)
        canvas = (int(tensor.shape[2]), int(tensor.shape[3]))
        with torch.inference_mode():
            found, values = self._suppressed(tensor)
            boxes = ops.scale_boxes(canvas, found[:, :4], image.shape[:2], ratio_pad=(gain, (left, top)))
        self._check_limit(len(found))
        prototypes = None if values is None else Prototypes(values.float().cpu().numpy(), canvas, gain, (top, left))
        columns = found.cpu().numpy()
        categories = columns[:, 5].astype(np.int64)
        return _Proposals(boxes.cpu().numpy(), columns[:, 4], categories, columns[:, 6:], prototypes)

    def _suppressed(self, tensor: Any) -> tuple[Any, Any]:
        """Return what the network finds, a row each of box, score, category and coefficients, and the prototypes."""
        if self._is_transformer:
            return take_queries(self._network(tensor)[0][0], tensor.shape[2:], self._confidence), None
        from torchvision.ops import nms as suppress
        from ultralytics.utils import nms

        limit = self._max_detections or _proposals(tensor.shape[2:])
        end2end = getattr(self._network, "end2end", False)
        if end2end:
            self._network.set_head_attr(max_det=limit)
        output = self._network(tensor)
        output, prototypes = output[0] if self._has_masks else (output, None)
        found = nms.non_max_suppression(
            output, self._confidence, self._iou, agnostic=self._agnostic, max_det=limit,
            max_nms=_proposals(tensor.shape[2:]), max_time_img=1e9, end2end=end2end, nc=len(self.categories),
        )[0]  # fmt: skip
        if end2end and self._agnostic:  # such networks suppress by themselves, and within each category only
            found = found[suppress(found[:, :4], found[:, 4], self._iou)]
        return found, None if prototypes is None else prototypes[0]

    def _check_limit(self, count: int) -> None:
        if self._max_detections is not None and count >= self._max_detections:
            raise DetectionLimitError(
                f"the detector gave {count} boxes, all that `max_detections` allows, so cells may be cut off; "
                "raise it, or leave it empty for no limit, or raise `confidence`."
            )

    def _to_tensor(self, picture: npt.NDArray[np.uint8]) -> tuple[Any, _Placement]:
        import torch

        placed, placement = self._place(picture)
        tensor = torch.from_numpy(placed).to(self._device)
        # Height, width, channels in memory is what channels_last means, so no copy is made here.
        return tensor.permute(2, 0, 1)[None].float().div_(255), placement

    def _place(self, picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], _Placement]:
        """Bring a picture (H, W, 3) to the network's size and put it in the centre of a grey canvas."""
        import cv2

        height, width = picture.shape[:2]
        side = self._side(max(height, width))
        new_height, new_width = (max(round(n * side / max(height, width)), 1) for n in (height, width))
        if self._is_transformer:  # it learns from images that are stretched to a square
            new_height = new_width = side
        if (new_height, new_width) != (height, width):
            picture = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        margin = 0 if self._is_transformer else self._margin
        rows, columns = (math.ceil(n / self._stride + margin) * self._stride for n in (new_height, new_width))
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
