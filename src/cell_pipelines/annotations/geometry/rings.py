"""Rings of polygons: areas by the even-odd rule, pieces and their holes, cutting, one path through several rings."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cell_pipelines.typing import FloatArray


def clip_ring(ring: FloatArray, width: float, height: float) -> FloatArray:
    """Cut a ring (V, 2) in x, y to the image (Sutherland and Hodgman 1974); empty where nothing is left."""
    for axis, bound, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        ring = _clip_half_plane(ring, axis, bound, sign)
    return ring


def _clip_half_plane(ring: FloatArray, axis: int, bound: float, sign: int) -> FloatArray:
    depth = (ring[:, axis] - bound) * sign
    is_inside = depth >= 0
    if is_inside.all():
        return ring
    before, depth_before = np.roll(ring, 1, axis=0), np.roll(depth, 1)
    crosses = is_inside != np.roll(is_inside, 1)
    share = np.divide(depth_before, depth_before - depth, out=np.zeros_like(depth), where=crosses)
    crossing = before + share[:, None] * (ring - before)
    crossing[:, axis] = bound
    cut: FloatArray = np.stack([crossing, ring], axis=1)[np.stack([crosses, is_inside], axis=1)]
    return cut


def polygon_area(rings: Sequence[FloatArray]) -> float:
    """Return the area that rings of shape (V, 2) fill by the even-odd rule: pieces add, holes subtract.

    Rings may touch, but not cross each other or themselves.
    """
    if len(rings) == 1:
        return abs(_signed_area(rings[0]))
    areas = np.array([abs(_signed_area(ring)) for ring in rings], dtype=np.float64)
    return float(np.where(ring_depths(rings) % 2, -areas, areas).sum())


def _signed_area(ring: FloatArray) -> float:
    if not len(ring):
        return 0.0
    # Near the origin the products keep their digits.
    x, y = (ring - ring[0]).T
    return float(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])) / 2


def ring_depths(rings: Sequence[FloatArray]) -> npt.NDArray[np.int64]:
    """Return in how many of the other rings each ring lies, shape (R,): 0 and 2 are pieces, 1 and 3 holes.

    Of equal rings, each lies in those before it. A ring without area lies in none and none lies in it.
    """
    return np.array([len(outside) for outside in _containers(rings)], dtype=np.int64)


def group_rings(rings: Sequence[FloatArray]) -> list[list[FloatArray]]:
    """Return each piece's outer ring followed by its holes, for formats that tell holes from pieces."""
    containers = _containers(rings)
    pieces = {i: [ring] for i, ring in enumerate(rings) if len(containers[i]) % 2 == 0}
    for ring, outside in zip(rings, containers, strict=True):
        if len(outside) % 2:
            # Of rings that cross, none may be the piece that a hole lies in; then the first piece takes it.
            around = [j for j in outside if j in pieces] or list(pieces)
            pieces[max(around, key=lambda j: len(containers[j]))].append(ring)
    return list(pieces.values())


def _containers(rings: Sequence[FloatArray]) -> list[list[int]]:
    """Return for each ring the numbers of the rings it lies in."""
    if len(rings) < 2:
        return [[] for _ in rings]
    areas = [abs(_signed_area(ring)) for ring in rings]
    by_area = sorted((i for i, area in enumerate(areas) if area > 0), key=lambda i: (-areas[i], i))
    rank = {i: place for place, i in enumerate(by_area)}
    bounds = np.array([[*rings[i].min(axis=0), *rings[i].max(axis=0)] for i in by_area]).reshape(-1, 4)
    edges = _Edges([rings[i] for i in by_area])
    found: list[list[int]] = [[] for _ in rings]
    for i in by_area:
        x, y = _point_inside(rings[i])
        # A ring can lie only in a larger one; its own holes hold the point, too.
        larger = bounds[: rank[i]]
        near = (larger[:, 0] < x) & (larger[:, 1] <= y) & (x < larger[:, 2]) & (y < larger[:, 3])
        if near.any():
            found[i] = [by_area[k] for k in np.flatnonzero(near & edges.surround(x, y, len(near)))]
    return found


class _Edges:
    """The edges of many rings at once."""

    def __init__(self, rings: Sequence[FloatArray]) -> None:
        self._start = np.concatenate([*rings, np.zeros((0, 2))])
        self._end = np.concatenate([*(np.roll(ring, -1, axis=0) for ring in rings), np.zeros((0, 2))])
        self._count = np.cumsum([len(ring) for ring in rings])
        self._ring = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])

    def surround(self, x: float, y: float, n: int) -> npt.NDArray[np.bool_]:
        """Say which of the first `n` rings a point lies in, shape (n,)."""
        (x0, y0), (x1, y1) = self._start[: self._count[n - 1]].T, self._end[: self._count[n - 1]].T
        crossed = np.flatnonzero((y0 <= y) != (y1 <= y))
        left = x0[crossed] + (y - y0[crossed]) * (x1 - x0)[crossed] / (y1 - y0)[crossed] < x
        times = np.bincount(self._ring[crossed[left]], minlength=n)
        return np.asarray(times % 2 == 1)


def _point_inside(ring: FloatArray) -> tuple[float, float]:
    """Return a point inside a ring with area, on the line halfway through its highest gap between vertices."""
    levels = np.unique(ring[:, 1])
    gap = int(np.argmax(np.diff(levels)))
    low, high = float(levels[gap]), float(levels[gap + 1])
    # Between two numbers next to each other there is none.
    y = (low + high) / 2 if (low + high) / 2 < high else low
    x = np.sort(_crossings(ring, y))
    widest = int(np.argmax(x[1::2] - x[::2]))
    return float(x[2 * widest] + x[2 * widest + 1]) / 2, y


def _crossings(ring: FloatArray, y: float) -> FloatArray:
    following = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] <= y) != (following[:, 1] <= y)
    (x0, y0), (x1, y1) = ring[crosses].T, following[crosses].T
    crossed: FloatArray = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return crossed


def join_rings(rings: Sequence[FloatArray]) -> FloatArray:
    """Return one closed path (V, 2) through all rings, for formats that hold one ring an object.

    The path closes each ring, goes on to the next, and at the end goes back the same way: the seams between rings have
    no width, so that the even-odd rule fills what the rings fill. Rings of fewer than 3 vertices are left out where
    there are others. A single ring stays as it is.
    """
    whole = [ring for ring in rings if len(ring) >= 3]
    if len(whole) < 2:
        return [*whole, *rings, np.zeros((0, 2))][0]
    turned = [_from_unique_vertex(ring) for ring in whole]
    closed = [part for ring in turned for part in (ring, ring[:1])]
    back = [ring[:1] for ring in turned[-2:0:-1]]
    return np.concatenate(closed + back)


def _from_unique_vertex(ring: FloatArray) -> FloatArray:
    """Return the ring from a vertex it passes once, so that coming there again means its end."""
    if not (ring[1:] == ring[0]).all(axis=1).any():
        return ring
    _, first, times = np.unique(ring, axis=0, return_index=True, return_counts=True)
    once = first[times == 1]
    return np.roll(ring, -int(once.min()), axis=0) if once.size else ring


def split_ring(ring: FloatArray) -> list[FloatArray]:
    """Return the rings that `join_rings` made a path of; a path that no rings give stays whole.

    A part that returns to its first vertex is a ring, and the next begins after it. The way back may be missing.
    """
    places: dict[tuple[float, float], list[int]] = {}
    vertices = [(x, y) for x, y in ring.tolist()]
    for i in range(len(vertices) - 1, -1, -1):
        places.setdefault(vertices[i], []).append(i)
    rings: list[FloatArray] = []
    anchors: list[tuple[float, float]] = []
    here = 0
    while here < len(vertices) and not _is_way_back(vertices, here, anchors):
        later = places[vertices[here]]
        while later[-1] <= here:
            later.pop()
            if not later:
                return [ring]
        if later[-1] - here < 3:
            return [ring]
        rings.append(ring[here : later[-1]])
        anchors.append(vertices[here])
        here = later[-1] + 1
    return rings or [ring]


def _is_way_back(vertices: list[tuple[float, float]], here: int, anchors: list[tuple[float, float]]) -> bool:
    """Say whether the rest of a path goes back over the first vertices of the rings before, to the first or second."""
    rest = len(vertices) - here
    return len(anchors) - 2 <= rest < len(anchors) and vertices[here:] == anchors[-2::-1][:rest]
