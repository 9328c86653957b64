"""Cells as star-convex polygons (StarDist): every pixel says how central it is and how far the outline is, ray by ray.

Distances, polygons and the non-maximum suppression are StarDist's own compiled code; no TensorFlow is involved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cell_pipelines.representations.base import Activation, Instances, Scores, Window
from cell_pipelines.representations.label_check import check_labels
from cell_pipelines.representations.sizes import threshold_for
from cell_pipelines.representations.star_polygons import paint, paintable_pixels, to_vertices
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import Float32Array, LabelImage

#: A network may put out any distance; what lies outside is cut to these, in pixels.
_NEAREST, _FARTHEST = 1e-3, 1e5
#: StarDist computes distances on 16-bit labels.
_LABELS_AT_ONCE = 2**16 - 1


@dataclass(frozen=True)
class Star:
    """StarDist's representation (Schmidt et al. 2018).

    Stored scores are the candidates that survived the non-maximum suppression, best first: `points` (N, 2) int32 as
    row and column in the image, `probabilities` (N,) and `distances` (N, n_rays) float32, the image's `shape`, and
    `suppressed`, which is False only for a tile's candidates before `join`.

    Suppression is greedy from the best candidate down, so which candidates survive above a threshold does not depend on
    those below: one suppression serves every threshold.

    Attributes:
        n_rays: Directions of a polygon, 3 or more, counter-clockwise by equal angles from the one along the row.
        grid: Only every so many-th row and column of the image gives candidates; 1 for all, which
            takes four times as long as 2. A multiple of `stride`.
        nms: Of two polygons that share more than this part of the smaller one, only the better stays; in [0, 1].
        min_score: Candidates with less are not stored, so a threshold below it acts as if it were this; in (0, 1].
        edge_px: Candidates nearer to the image's edge than so many pixels are left out, as StarDist's own prediction
            does with two steps of its grid; 0 keeps all.
        multiple: The edge at the bottom and the right is that of the image padded to a multiple of so many pixels.
        stride: Only every so many-th row and column of the image is learnt and predicted, a power of two. With the
            stride of its `grid`, 2, a network learns as StarDist's own does. 1 for every pixel, as model files mean
            that say nothing of it.
    """

    n_rays: int = 32
    grid: int = 2
    nms: float = 0.4
    min_score: float = 0.05
    edge_px: int = 0
    multiple: int = 1
    stride: int = 1
    is_sparse: ClassVar[bool] = True
    is_scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.n_rays < 3:
            raise ValueError(f"`n_rays` must be 3 or more, got {self.n_rays}.")
        if self.grid < 1:
            raise ValueError(f"`grid` must be 1 or more, got {self.grid}.")
        if self.stride < 1 or self.stride & (self.stride - 1):
            raise ValueError(f"`stride` must be a power of two, got {self.stride}.")
        if self.grid % self.stride:
            raise ValueError(f"`grid` must be a multiple of `stride` ({self.stride}), got {self.grid}.")
        if not 0 <= self.nms <= 1:
            raise ValueError(f"`nms` must lie in [0, 1], got {self.nms}.")
        if not 0 < self.min_score <= 1:
            raise ValueError(f"`min_score` must be above 0 and at most 1, got {self.min_score}.")
        if self.edge_px < 0 or self.multiple < 1:
            raise ValueError(
                f"`edge_px` must be 0 or more and `multiple` 1 or more, got {self.edge_px} and {self.multiple}."
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """The object probability and the distance along each ray."""
        return ("probability", *(f"ray_{i}" for i in range(self.n_rays)))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Sigmoid for the probability, none for the distances."""
        return ("sigmoid", *["identity"] * self.n_rays)  # type: ignore[arg-type]

    def encode(self, labels: LabelImage) -> Float32Array:
        """Return the object probability and the distances in pixels, (1 + n_rays, H, W), both 0 in the background.

        The probability is the distance to the nearest pixel outside the cell, divided by its maximum in the cell. The
        image's edge ends a ray, but is not outside for the probability; a single cell without any pixel outside is
        taken to end at the edge for both.

        With a `stride`, as many rows and columns as ``labels[::stride, ::stride]`` has. The distances are those at
        these pixels; the probability is that of these labels, as StarDist computes it, so every cell that has one of
        these pixels has a probability of 1 somewhere.
        """
        labels = check_labels(labels)
        seen = labels[:: self.stride, :: self.stride]
        if not seen.any():
            return np.zeros((1 + self.n_rays, *seen.shape), np.float32)
        if labels.max() > _LABELS_AT_ONCE:
            # Without background the lowest label must not become 0.
            found, index = np.unique(labels, return_inverse=True)
            labels = (index.reshape(labels.shape) + (found[0] > 0)).astype(np.int32)
        probability = _probability(labels[:: self.stride, :: self.stride])
        distances = _distances(labels, self.n_rays, self.stride)
        return np.concatenate([probability[None], np.moveaxis(distances, -1, 0)])

    def reduce(self, outputs: Float32Array, *, origin: tuple[int, int] = (0, 0), core: Window | None = None) -> Scores:
        """Return the candidates of `core` with a probability of at least `min_score`, best first, not yet suppressed.

        The image's size is only known to `join` where it is no multiple of `stride`.

        Raises:
            ValueError: The outputs have another shape than (1 + n_rays, h, w), or some are not finite; or `origin` is
                no multiple of `stride`.
        """
        if outputs.ndim != 3 or outputs.shape[0] != 1 + self.n_rays:
            raise ValueError(f"`outputs` must have the shape ({1 + self.n_rays}, h, w), got {outputs.shape}.")
        if any(start % self.stride for start in origin):
            raise ValueError(f"`origin` must hold multiples of `stride` ({self.stride}), got {origin}.")
        size = outputs.shape[1] * self.stride, outputs.shape[2] * self.stride
        top, left, height, width = core or (0, 0, *size)
        # The grid is the image's, so that tiles and the whole image have the same candidates.
        first = top + -(origin[0] + top) % self.grid, left + -(origin[1] + left) % self.grid
        chosen = [
            slice(start // self.stride, -(-end // self.stride), self.grid // self.stride)
            for start, end in zip(first, (top + height, left + width), strict=True)
        ]
        seen = outputs[:, chosen[0], chosen[1]]
        if not np.isfinite(seen).all():
            raise ValueError("`outputs` must be finite, got NaN or infinity.")
        rows, columns = np.nonzero(seen[0] >= self.min_score)
        points = np.stack([rows, columns], axis=1) * self.grid + np.add(origin, first)
        extent = origin[0] + size[0], origin[1] + size[1]
        return _ordered(points, seen[0, rows, columns], seen[1:, rows, columns].T, extent)

    def join(self, parts: Sequence[Scores], shape: tuple[int, int]) -> Scores:
        """Return what survives one non-maximum suppression over all tiles' candidates; scores joined before stay."""
        if len(parts) == 1 and parts[0]["suppressed"]:
            return parts[0]
        empty = {"points": (0, 2), "probabilities": (0,), "distances": (0, self.n_rays)}
        columns = [np.concatenate([np.zeros(e), *(part[name] for part in parts)]) for name, e in empty.items()]
        inside = self._is_inside(columns[0], shape)
        scores = _ordered(columns[0][inside], columns[1][inside], columns[2][inside], shape)
        keep = _survivors(scores, self.nms)
        found = {name: scores[name][keep] for name in empty}
        return {**found, "shape": scores["shape"], "suppressed": np.array(True)}

    def decode(self, scores: Scores, decoding: Threshold) -> Instances:
        """Return the cells; where two overlap the better one lies on top, and the best has label 1."""
        return next(self.sweep(scores, [decoding]))

    def sweep(self, scores: Scores, decodings: Sequence[Threshold]) -> Iterator[Instances]:
        """Yield the cells for each decoding; polygons are painted once for every `min_area_px` among them."""
        scores, pixels = self._pixels(scores, decodings)
        painted: dict[float, tuple[LabelImage, npt.NDArray[np.int64]]] = {}
        for decoding in decodings:
            area = decoding.min_area_px
            if area not in painted:
                painted[area] = paint(pixels, scores["shape"], area)
            labels, kept = painted[area]
            found = scores["probabilities"][kept]
            count = np.count_nonzero(found >= decoding.score)
            yield Instances(np.where(labels <= count, labels, 0).astype(np.int32), found[:count])

    def polygons(self, scores: Scores, decoding: Threshold) -> list[npt.NDArray[np.float64]]:
        """Return each cell's outline (n_rays, 2) as x, y in pixel edges, in the order of `decode`'s labels.

        They are what the network put out: whole where `decode` hides a part under a better cell, and beyond the
        image's edge where a cell is predicted to go on there.
        """
        scores, pixels = self._pixels(scores, [decoding])
        kept = paint(pixels, scores["shape"], decoding.min_area_px)[1]
        rows, columns = to_vertices(scores["distances"][kept], scores["points"][kept]).transpose(1, 0, 2)
        return list(np.stack([columns, rows], axis=2) + 0.5)

    def default_threshold(self, mean_area_px: float) -> Threshold:
        """Return a threshold of 0.5 and a least area of a tenth of the average; polygons need no minimum distance."""
        return replace(threshold_for(mean_area_px), min_distance_px=0.0)

    def _is_inside(self, points: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return which points (N, 2) are far enough from the edge of an image of this shape."""
        end = -(-np.array(shape) // self.multiple) * self.multiple - self.edge_px
        return np.asarray(((points >= self.edge_px) & (points < end)).all(axis=1))

    def _pixels(
        self, scores: Scores, decodings: Sequence[Threshold]
    ) -> tuple[Scores, list[tuple[npt.NDArray[np.int64], ...]]]:
        """Return suppressed scores, and the pixels of every polygon that reaches the lowest threshold."""
        scores = self.join([scores], tuple(scores["shape"].tolist()))
        lowest = min((decoding.score for decoding in decodings), default=1.0)
        count = np.count_nonzero(scores["probabilities"] >= lowest)
        vertices = to_vertices(scores["distances"][:count], scores["points"][:count])
        return scores, paintable_pixels(vertices, scores["shape"])


def _probability(labels: LabelImage) -> Float32Array:
    """Return the distance to the outside of each cell over its maximum, (H, W); labels not all background."""
    from stardist.utils import edt_prob

    if labels.min() == labels.max():
        return np.asarray(edt_prob(np.pad(labels, 1))[1:-1, 1:-1], np.float32)
    return np.asarray(edt_prob(labels), np.float32)


def _distances(labels: LabelImage, n_rays: int, stride: int) -> Float32Array:
    """Return the distances (h, w, n_rays) at every `stride`-th pixel of labels without gaps, 65,535 at a time."""
    from stardist.geometry import star_dist

    grid = (stride, stride)
    if labels.max() <= _LABELS_AT_ONCE:
        return np.asarray(star_dist(labels.astype(np.uint16), n_rays, grid=grid), np.float32)
    distances = np.zeros((*labels[::stride, ::stride].shape, n_rays), np.float32)
    for first in range(0, int(labels.max()), _LABELS_AT_ONCE):
        # A ray ends where the label changes, be it to 0 or to another cell, so the others can be left out.
        chosen = (labels > first) & (labels <= first + _LABELS_AT_ONCE)
        some = star_dist(np.where(chosen, labels - first, 0).astype(np.uint16), n_rays, grid=grid)
        seen = chosen[::stride, ::stride]
        distances[seen] = some[seen]
    return distances


def _ordered(
    points: npt.NDArray[Any], probabilities: npt.NDArray[Any], distances: npt.NDArray[Any], shape: tuple[int, int]
) -> dict[str, npt.NDArray[Any]]:
    """Return candidates from best to worst, equal ones by row and column, so that tiles do not change the order."""
    order = np.lexsort((points[:, 1], points[:, 0], -probabilities))
    return {
        "points": points[order].astype(np.int32),
        "probabilities": probabilities[order].astype(np.float32),
        "distances": np.clip(distances[order], _NEAREST, _FARTHEST).astype(np.float32),
        "shape": np.array(shape, np.int32),
        "suppressed": np.array(False),
    }


def _survivors(scores: Scores, nms: float) -> npt.NDArray[np.bool_]:
    """Return which of the candidates, best first, are not suppressed by a better one."""
    if not len(scores["points"]):
        return np.zeros(0, bool)
    from stardist.nms import non_maximum_suppression_inds

    chosen = scores["distances"], scores["points"], scores["probabilities"]
    return np.asarray(non_maximum_suppression_inds(*chosen, thresh=nms, verbose=False), bool)
