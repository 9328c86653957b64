"""Decide whether two images show the same field: one is registered to the other and their details are correlated."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.keypoints import Keypoints

# Of the matched descriptors, the second best may be at most this much nearer to the best (Lowe 2004).
_RATIO = 0.9
_TURNED_DEG, _SCALED = 20.0, 0.5
_INLIER_PX = 1.5
_INLIERS = 4
_SCALE = (0.3, 3.4)
# Details between these sizes are compared: neither noise nor the light's slope over the field.
_FINE_PX, _COARSE_PX = 1.0, 7.5
# Between these correlations a rough registration may be of two copies, and is refined.
_NEARLY, _SURE = 0.15, 0.95
# Fewer keypoints in common are no copy unless one lies on the other whole, which needs no refinement.
_REFINED = 7
#: Correlation, overlap and keypoints in common of which two images need each, in one of these combinations, to count as
#: copies. Two fields with a pair of round cells each can be laid on each other by a few keypoints; copies have many.
COPIES = ((0.7, 0.4, 10), (0.9, 0.6, 7), (0.95, 0.97, 4))


@dataclass(frozen=True)
class Registration:
    """Registration of one image to another.

    Attributes:
        correlation: Pearson's correlation of their details where they overlap.
        scale: Pixels of the first per pixel of the second.
        turned_deg: Rotation of the second against the first, in [0, 360).
        is_mirrored: Whether the second is mirrored.
        overlap: Share of the smaller one that lies on the other.
        inliers: Number of keypoints that come together.
    """

    correlation: float
    scale: float
    turned_deg: float
    is_mirrored: bool
    overlap: float
    inliers: int

    @property
    def is_copy(self) -> bool:
        """Whether the two show the same field."""
        found = (self.correlation, self.overlap, self.inliers)
        return any(all(has >= needed for has, needed in zip(found, least, strict=True)) for least in COPIES)

    def sentence(self) -> str:
        """Return what was done to the one to get the other, as far as it is seen."""
        words = ["mirrored"] if self.is_mirrored else []
        if 2 < self.turned_deg < 358:
            words.append(f"rotated by {self.turned_deg:.0f}°")
        if not 0.97 < self.scale < 1.03:
            words.append(f"scaled by {self.scale:.2f}")
        if self.overlap < 0.97:
            words.append(f"{self.overlap:.0%} in common")
        return ", ".join(words) or "the same field"


def register(first: Keypoints, second: Keypoints, *, mirrored: bool) -> Registration | None:
    """Lay the second image on the first by their keypoints.

    Args:
        first: Keypoints of one image.
        second: Those of the other.
        mirrored: Compare with the second's mirror image.

    Returns:
        None where no turn, shift and scale brings enough of the keypoints and of the fields together for copies.
    """
    other = second.mirrored() if mirrored else second
    found = _similarity(first, other)
    if found is None:
        return None
    matrix, inliers = found
    covered, overlap = _cover(first.thumbnail, other.thumbnail, matrix)
    if not any(overlap >= least and inliers >= fewest for _, least, fewest in COPIES):
        return None
    correlation = _correlate(first.thumbnail, other.thumbnail, matrix, covered)
    if inliers >= _REFINED and _NEARLY < correlation < _SURE:
        matrix = _refine(first.thumbnail, other.thumbnail, matrix)
        covered, overlap = _cover(first.thumbnail, other.thumbnail, matrix)
        correlation = _correlate(first.thumbnail, other.thumbnail, matrix, covered)
    thumbnail_scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if not _SCALE[0] < thumbnail_scale < _SCALE[1]:
        return None
    return Registration(
        correlation=correlation,
        scale=thumbnail_scale * other.scale / first.scale,
        turned_deg=float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])) % 360),
        is_mirrored=mirrored,
        overlap=overlap,
        inliers=inliers,
    )


def _agreeing(poses: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which matches are turned and scaled like most others, (K,) bool: a cheap look before the exact one."""
    if not len(poses):
        return np.zeros(0, dtype=np.bool_)
    turned = poses[:, 0] - others[:, 0]
    scaled = np.log2(poses[:, 1] / others[:, 1])
    apart = np.abs((turned[:, np.newaxis] - turned + 180) % 360 - 180)
    alike = (apart < _TURNED_DEG) & (np.abs(scaled[:, np.newaxis] - scaled) < _SCALED)
    return np.asarray(alike[np.argmax(alike.sum(axis=1))], dtype=np.bool_)


def _cover(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.bool_], float]:
    """Return where the second thumbnail lies on the first, and the share of the smaller one that does."""
    inside = np.ones(second.shape, dtype=np.uint8)
    covered = cv2.warpAffine(inside, matrix, first.shape[::-1], flags=cv2.INTER_NEAREST, borderValue=0)
    smaller = min(covered.size, second.size * abs(float(np.linalg.det(matrix[:, :2]))))
    return covered > 0, float(covered.sum() / max(smaller, 1.0))


def _refine(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return a matrix that brings more of the details together (Evangelidis 2008, doi:10.1109/TPAMI.2008.113)."""
    start = cv2.invertAffineTransform(matrix).astype(np.float32)
    end = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, found = cv2.findTransformECC(_details(first), _details(second), start, cv2.MOTION_AFFINE, end, None, 5)
    except cv2.error:  # it does not converge: they are not alike
        return matrix
    return np.asarray(cv2.invertAffineTransform(found), dtype=np.float64)


def _similarity(first: Keypoints, second: Keypoints) -> tuple[npt.NDArray[np.float64], int] | None:
    """Return the 2 x 3 matrix from the second's thumbnail to the first's, and how many keypoints it brings together."""
    if min(len(first.points), len(second.points)) < _INLIERS:
        return None
    source, target = _matches(second.descriptors.astype(np.float32), first.descriptors.astype(np.float32))
    agreeing = _agreeing(second.poses[source], first.poses[target])
    if agreeing.sum() < _INLIERS:
        return None
    from_points, to_points = second.points[source][agreeing], first.points[target][agreeing]
    matrix, inliers = cv2.estimateAffinePartial2D(
        from_points, to_points, method=cv2.RANSAC, ransacReprojThreshold=_INLIER_PX, maxIters=500
    )
    if matrix is None or int(inliers.sum()) < _INLIERS:
        return None
    return np.asarray(matrix, dtype=np.float64), int(inliers.sum())


def _matches(
    queries: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the numbers of descriptors, and of their nearest ones, where the second nearest are clearly further."""
    squares = (queries**2).sum(axis=1)[:, np.newaxis] + (others**2).sum(axis=1) - 2 * queries @ others.T
    nearest, second = np.partition(squares, 1, axis=1)[:, :2].T
    source = np.flatnonzero(nearest <= _RATIO**2 * second)
    return source, squares[source].argmin(axis=1)


def _correlate(
    first: npt.NDArray[np.uint8],
    second: npt.NDArray[np.uint8],
    matrix: npt.NDArray[np.float64],
    covered: npt.NDArray[np.bool_],
) -> float:
    """Return Pearson's correlation of two thumbnails' details where they overlap; 0 where they hardly do."""
    if covered.sum() < 64:
        return 0.0
    moved = cv2.warpAffine(second, matrix, first.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    one, other = (_details(image)[covered] for image in (first, moved))
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-6 else 0.0


def _details(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    grey = image.astype(np.float32)
    fine, coarse = cv2.GaussianBlur(grey, (0, 0), _FINE_PX), cv2.GaussianBlur(grey, (0, 0), _COARSE_PX)
    return np.asarray(fine - coarse, dtype=np.float32)
