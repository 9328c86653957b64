"""Read the boxes of an RT-DETR, whose queries find one cell each at most."""

from typing import TYPE_CHECKING

from cell_pipelines.inference.detections import DetectionLimitError

if TYPE_CHECKING:
    import torch

# Where so large a part of the queries is sure of a cell, further cells may have had none.
_FULL, _SURE_SCORE = 0.9, 0.5


def take_queries(output: "torch.Tensor", canvas: tuple[int, int], confidence: float) -> "torch.Tensor":
    """Return the boxes with a score of at least `confidence`, best first.

    Args:
        output: (N, 6): centre, width and height as shares of the canvas, score, category.
        canvas: Height and width of the network's input in pixels.
        confidence: Lowest score, in [0, 1].

    Returns:
        (M, 6): x_min, y_min, x_max, y_max in pixels of the canvas, score, category.

    Raises:
        DetectionLimitError: Nearly every query shows a cell, so there may be more cells than queries.
    """
    import torch

    shown = int((output[:, 4] >= _SURE_SCORE).sum())
    if shown >= _FULL * len(output):
        raise DetectionLimitError(
            f"the RT-DETR finds at most {len(output)} cells in an image or tile and is sure of {shown}, so cells may "
            "be missing, unless it was hardly trained; predict by smaller tiles (`inference.tile`), or take a model "
            "without such a limit."
        )
    kept = output[output[:, 4] >= confidence]
    kept = kept[kept[:, 4].argsort(descending=True)]
    height, width = canvas
    scale = kept.new_tensor([width, height])
    centres, halves = kept[:, :2] * scale, kept[:, 2:4] * scale / 2
    return torch.cat([centres - halves, centres + halves, kept[:, 4:]], dim=1)
