"""Measure how often a detector on tiles counts large cells more than once, with and without joining at seams.

Cells are boxes of random sides that do not touch. The detector finds what shows at least 15 % of a cell in a tile, with
boxes that are off by 1.2 % of their sides (standard deviation); it misses nothing and makes nothing up.

    python benchmarks/tile_seams.py
"""

import numpy as np
import numpy.typing as npt
import torch
from torchvision.ops import nms

from cell_pipelines.imaging.tiling import tile_windows
from cell_pipelines.inference.box_tiles import BoxTiles
from cell_pipelines.inference.detections import Detections
from cell_pipelines.inference.overlap import choose_overlap
from cell_pipelines.inference.seam_pairs import merge_cut

_SIDES = ((20, 60), (60, 120), (120, 200), (200, 320), (300, 500))
_IMAGE, _TILE, _SCENES = (2000, 2000), 640, 6


def draw_cells(rng: np.random.Generator, low: float, high: float, most: int = 60) -> npt.NDArray[np.float64]:
    cells: list[tuple[float, ...]] = []
    for _ in range(4000):
        width, height = rng.uniform(low, high, 2)
        x, y = rng.uniform(0, _IMAGE[1] - width), rng.uniform(0, _IMAGE[0] - height)
        box = (x, y, x + width, y + height)
        if len(cells) < most and all(
            box[2] + 4 < c[0] or c[2] + 4 < box[0] or box[3] + 4 < c[1] or c[3] + 4 < box[1] for c in cells
        ):
            cells.append(box)
    return np.array(cells)


def count(cells: npt.NDArray[np.float64], overlap: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return how many cells are counted without and with joining."""
    tiles = BoxTiles(tile_windows(*_IMAGE, _TILE, overlap))
    found, cuts = [], []
    for tile in tiles:
        top, left, height, width = tile.window
        limits = [width, height, width, height]
        seen = np.clip(cells - [left, top, left, top], 0, limits)
        shown = (seen[:, 2:] - seen[:, :2]).prod(axis=1) > 0.15 * (cells[:, 2:] - cells[:, :2]).prod(axis=1)
        seen = seen[shown]
        seen = seen + rng.normal(0, 0.012, seen.shape) * np.tile(seen[:, 2:] - seen[:, :2], 2)
        boxes = np.clip(seen, 0, limits).astype(np.float32)
        placed, kept = tile.to_image(boxes)
        scores = rng.uniform(0.5, 0.95, len(boxes)).astype(np.float32)[kept]
        found.append(Detections(placed[kept], scores, np.zeros(len(scores), np.int64)))
        cuts.append(tile.cut_sides(boxes[kept]))
    apart = Detections.concatenate(found)
    joined = merge_cut(found, cuts, tiles.columns, _IMAGE, agnostic=False)
    without, joining = (len(nms(torch.from_numpy(d.boxes), torch.from_numpy(d.scores), 0.7)) for d in (apart, joined))
    return without, joining


def main() -> None:
    print("| sides of cells | overlap | true | without joining | joined |\n|---|---|---|---|---|")
    for low, high in _SIDES:
        record = {"training_images": {"object_side_px": {"most": float(high)}}}
        for overlap in (128, choose_overlap(record, wanted=None, least=128, tile=_TILE)):
            rng = np.random.default_rng(0)
            scenes = [draw_cells(rng, low, high) for _ in range(_SCENES)]
            true = sum(map(len, scenes))
            sums = np.sum([count(cells, overlap, rng) for cells in scenes], axis=0)
            shares = " | ".join(f"{n} ({100 * (n / true - 1):+.1f} %)" for n in sums)
            print(f"| {low} to {high} px | {overlap} px | {true} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
