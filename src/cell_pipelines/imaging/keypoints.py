"""Describe images by scale- and rotation-invariant keypoints, by which copies are recognised."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cell_pipelines.imaging.intensity import to_uint8

#: Longer side in pixels of the thumbnail in which keypoints are looked for.
SIDE_PX = 160
#: Most keypoints of an image, the strongest ones.
MOST = 60
_CONTRAST = 0.006  # SIFT's default of 0.04 leaves cells of low contrast out
# SIFT's 4 x 4 cells of 8 orientations, as they are when the image is mirrored.
_MIRROR = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].reshape(-1)
_FLIP = np.array([-1, 1], dtype=np.float32)


@dataclass(frozen=True)
class Keypoints:
    """SIFT keypoints (Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94) of an image's thumbnail.

    Attributes:
        points: (K, 2) float32, x and y in pixels of the thumbnail.
        poses: (K, 2) float32, orientation in degrees and diameter in pixels of the thumbnail.
        descriptors: (K, 128) uint8.
        thumbnail: (h, w) uint8, its longer side `SIDE_PX`.
        scale: Pixels of the thumbnail per pixel of the image.
    """

    points: npt.NDArray[np.float32]
    poses: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]
    thumbnail: npt.NDArray[np.uint8]
    scale: float

    def mirrored(self) -> "Keypoints":
        """Return the keypoints of the mirror image, left for right, without looking for them again."""
        width = self.thumbnail.shape[1]
        points = self.points * _FLIP + np.array([width - 1, 0], dtype=np.float32)
        poses = self.poses * _FLIP + np.array([180, 0], dtype=np.float32)
        thumbnail = np.ascontiguousarray(self.thumbnail[:, ::-1])
        return Keypoints(points, poses, np.ascontiguousarray(self.descriptors[:, _MIRROR]), thumbnail, self.scale)


def find_keypoints(image: npt.NDArray[np.generic]) -> Keypoints:
    """Return the keypoints of an image.

    Args:
        image: (H, W) or (H, W, C) of any type; channels are averaged and intensities stretched to percentiles, so that
            a brighter copy has the same keypoints.
    """
    grey = image if image.ndim == 2 else image.astype(np.float32).mean(axis=2)
    height, width = grey.shape
    scale = SIDE_PX / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey.astype(np.float32), shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    thumbnail = np.asarray(to_uint8(small, normalisation="percentile"), dtype=np.uint8)
    sift = cv2.SIFT.create(nfeatures=MOST, contrastThreshold=_CONTRAST)
    found, descriptors = sift.detectAndCompute(thumbnail, None)
    points = np.array([point.pt for point in found], dtype=np.float32).reshape(-1, 2)
    poses = np.array([(point.angle, point.size) for point in found], dtype=np.float32).reshape(-1, 2)
    described = np.zeros((0, 128)) if descriptors is None else descriptors
    return Keypoints(points[:MOST], poses[:MOST], described[:MOST].astype(np.uint8), thumbnail, scale)
