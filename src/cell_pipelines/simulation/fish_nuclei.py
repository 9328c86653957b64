"""Nuclei of a FISH preparation: whole ones, and destroyed ones that fell apart into fragments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cell_pipelines.simulation.cells import Nuclei, draw_nuclei
from cell_pipelines.simulation.placement import Shape
from cell_pipelines.simulation.rendering import chromatin_texture, label_views, render_light, view_nuclei
from cell_pipelines.typing import Float32Array, FloatArray, LabelImage

_BORDERS = (0.06, 0.22)  # a confocal section shows nuclei with a clear border
_LIGHT = (0.30, 0.60)
_FRAGMENTS = (5, 10)
_FRAGMENT_RADII = (0.18, 0.40)  # relative to the nucleus that fell apart
_REACH = 1.05  # how far from its centre the fragments lie, relative to its radius
_GAP = (1.0, 1.25)  # distance of a fragment from the one it lies beside, relative to the sum of their radii
_TRIES = 40


@dataclass(frozen=True, eq=False)
class Preparation:
    """N nuclei on a slide.

    Attributes:
        labels: int32 (H, W), 0 is background, ids 1 to N without a gap, each one connected piece.
        whole: bool (N,), which nuclei are whole.
        depth: float32 (H, W): 1 in the centre of a nucleus or fragment, 0 on its outline and outside of it.
        light: float32 (H, W), light of the nuclear stain; 1 saturates the camera.
    """

    labels: LabelImage
    whole: NDArray[np.bool_]
    depth: Float32Array
    light: Float32Array


def prepare_nuclei(
    count: int, shape: Shape, *, mean_radius_px: float, looks: tuple[float, float, float], rng: np.random.Generator
) -> Preparation:
    """Draw nuclei, let some fall apart, and give their labels and light.

    Args:
        count: Nuclei asked for; a field that is full holds fewer, and one that others hide is left out.
        shape: Height and width of the field in pixels.
        mean_radius_px: Mean radius of the whole nuclei in pixels.
        looks: Relative spread of the radius, probability of joining another nucleus, probability of being destroyed.
        rng: Source of randomness.
    """
    spread, clumping, destroyed = looks
    nuclei = draw_nuclei(count, shape, mean_radius_px=mean_radius_px, radius_spread=spread, clumping=clumping, rng=rng)
    nuclei = replace(nuclei, borders=rng.uniform(*_BORDERS, len(nuclei)), brightness=rng.uniform(*_LIGHT, len(nuclei)))
    whole = rng.random(len(nuclei)) >= destroyed
    pieces, owner = _shatter(nuclei, whole, rng)
    views = view_nuclei(pieces, shape)
    piece_labels, kept = label_views(views, shape)
    texture = chromatin_texture(views, mean_radius_px, rng)
    views, owner = [views[int(index)] for index in kept], owner[kept]
    depth = np.zeros(shape, dtype=np.float32)
    for id_, view in enumerate(views, 1):
        own = piece_labels[view.window] == id_
        depth[view.window][own] = view.depth[own]
    labels, seen = _merge_pieces(piece_labels, owner, whole)
    light = render_light(pieces.take(kept), views, texture, shape)
    return Preparation(labels, whole[seen], np.where(labels > 0, depth, np.float32(0.0)), light)


def _shatter(nuclei: Nuclei, whole: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Nuclei, NDArray[np.intp]]:
    """Replace destroyed nuclei by their fragments; tell which nucleus each piece comes from."""
    centres, radii, owner = [nuclei.centres[whole]], [nuclei.radii[whole]], [np.flatnonzero(whole)]
    for index in np.flatnonzero(~whole):
        places, sizes = _break_up(nuclei.centres[index], float(nuclei.radii[index]), rng)
        centres.append(places)
        radii.append(sizes)
        owner.append(np.full(len(sizes), index))
    owners = np.concatenate(owner)
    sources = nuclei.take(owners)
    fragment = ~whole[owners]
    turn = np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, sources.harmonics.shape))
    pieces = replace(
        sources,
        centres=np.concatenate(centres),
        radii=np.concatenate(radii),
        harmonics=np.where(fragment[:, None], 2.0 * sources.harmonics * turn, sources.harmonics),
        brightness=sources.brightness * np.where(fragment, rng.uniform(0.8, 1.4, len(owners)), 1.0),
        grains=rng.random((len(owners), 2)),
    )
    return pieces, owners


def _break_up(centre: FloatArray, radius: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Place fragments one beside the other, all near the centre of the nucleus that they come from."""
    wanted = rng.uniform(*_FRAGMENT_RADII, int(rng.integers(_FRAGMENTS[0], _FRAGMENTS[1] + 1)))
    places, sizes = [rng.normal(0.0, 0.25, 2)], [float(wanted[0])]
    for size in wanted[1:].tolist():
        for _ in range(_TRIES):
            beside = int(rng.integers(len(places)))
            angle, gap = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*_GAP)
            place = places[beside] + gap * (size + sizes[beside]) * np.array([np.sin(angle), np.cos(angle)])
            away = np.hypot(*(np.array(places) - place).T)
            if np.hypot(*place) <= _REACH and np.all(away >= 0.95 * (np.array(sizes) + size)):
                places.append(place)
                sizes.append(size)
                break
    return centre + radius * np.array(places), radius * np.array(sizes)


def _merge_pieces(
    piece_labels: LabelImage, owner: NDArray[np.intp], whole: NDArray[np.bool_]
) -> tuple[LabelImage, NDArray[np.intp]]:
    """Give every nucleus one label: its outline, or the hull around its fragments where no other nucleus is."""
    seen = np.unique(owner)
    ids = np.zeros(len(owner) + 1, dtype=np.int32)
    ids[1:] = np.searchsorted(seen, owner) + 1
    labels: LabelImage = ids[piece_labels]
    own_pieces = labels.copy()
    windows = ndimage.find_objects(own_pieces)
    for id_ in (np.flatnonzero(~whole[seen]) + 1).tolist():
        _fill_hull(labels, own_pieces, id_, windows[id_ - 1])
    return labels, seen


def _fill_hull(labels: LabelImage, own_pieces: LabelImage, id_: int, window: tuple[slice, slice]) -> None:
    """Spread a label, in place, over the background within its hull, and keep its largest piece."""
    places = np.argwhere(own_pieces[window] == id_)
    near = labels[window]
    hull = np.zeros(near.shape, dtype=np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(places[:, ::-1].astype(np.int32)), 1)
    own = (near == id_) | ((hull > 0) & (near == 0))
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=4)
    largest = pieces == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near[(near == id_) & ~largest] = 0
    near[own & largest] = id_
