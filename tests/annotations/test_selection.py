"""Parts of a set: what is kept, in which order, and what a window cuts off, against drawing by brute force."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations import building, selection
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.conventions import to_rings
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import (
    concatenate,
    crop,
    iterate_images,
    select_images,
    select_objects,
    select_split,
)

SETS = Callable[..., AnnotationSet]
LISTED = Callable[[AnnotationSet], dict[str, list[dict[str, Any]]]]
HEIGHT, WIDTH = 60, 80


def test_images_come_in_the_order_asked_with_their_objects_in_the_order_they_had(
    make_annotations: SETS, listed: LISTED
) -> None:
    annotations = make_annotations(0, geometries=("box", "polygon"))
    everything = listed(annotations)
    for rows in ([4, 0, 2], [3], [], list(range(5))[::-1]):
        chosen = select_images(annotations, rows)
        assert chosen.names == [annotations.names[r] for r in rows]
        assert listed(chosen) == {annotations.names[r]: everything[annotations.names[r]] for r in rows}
    with pytest.raises(ValueError, match="come twice"):
        select_images(annotations, [1, 1])


def test_splits_and_objects_are_selected(make_annotations: SETS) -> None:
    annotations = make_annotations(1, splits=True)
    splits = np.array(annotations.images["split"].to_pylist())
    assert select_split(annotations, "val").n_images == (splits == "val").sum()
    assert select_split(annotations, "train", "test").n_images == (splits != "val").sum()
    assert select_split(make_annotations(1), "train").n_images == 0
    kept = np.arange(annotations.n_objects) % 2 == 0
    part = select_objects(annotations, kept)
    assert part.names == annotations.names
    np.testing.assert_array_equal(part.boxes, annotations.boxes[kept])
    assert select_objects(annotations, np.zeros(annotations.n_objects, bool)).n_objects == 0
    assert select_objects(AnnotationSet.empty(), np.zeros(0, bool)).n_objects == 0


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_sets_taken_apart_and_put_together_are_as_before(
    at_once: int, make_annotations: SETS, listed: LISTED, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_AT_ONCE", at_once)
    annotations = make_annotations(2, geometries=("box", "mask"))
    parts = ([0, 1], [], [2, 3, 4])
    together = concatenate(select_images(annotations, rows) for rows in parts)
    assert listed(together) == listed(annotations)
    assert together.names == annotations.names
    with pytest.raises(ValueError, match="at least one set"):
        concatenate([])
    with pytest.raises(ValueError, match="equal categories"):
        concatenate([AnnotationSet.empty(("a",)), AnnotationSet.empty(("b",))])
    with pytest.raises(ValueError, match="come twice"):
        concatenate([annotations, annotations])


def test_objects_become_columns_in_parts_and_keep_their_order(
    make_annotations: SETS, listed: LISTED, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [make_annotations(3, geometries=GEOMETRIES)]
    monkeypatch.setattr(building, "_AT_ONCE", 2)
    whole.append(make_annotations(3, geometries=GEOMETRIES))
    assert listed(whole[0]) == listed(whole[1])
    assert whole[0].n_objects > 2


def _one_image() -> tuple[AnnotationBuilder, int]:
    builder = AnnotationBuilder()
    return builder, builder.add_image("a.png", width=WIDTH, height=HEIGHT, split="train", group="g", sha256="x")


def _windows(rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    corners = rng.integers(0, [HEIGHT - 5, WIDTH - 5], (8, 2))
    sizes = [(int(rng.integers(5, HEIGHT - r + 1)), int(rng.integers(5, WIDTH - c + 1))) for r, c in corners]
    return [(int(r), int(c), *size) for (r, c), size in zip(corners, sizes, strict=True)]


def test_boxes_show_the_pixels_that_the_window_shows() -> None:
    rng = np.random.default_rng(0)
    builder, row = _one_image()
    boxes = np.sort(rng.integers(0, [[WIDTH, HEIGHT]], (40, 2, 2)), axis=1) + [[0, 0], [1, 1]]
    for box in boxes.reshape(-1, 4):
        builder.add_box(row, "cell", box)
    annotations = builder.build()
    for window in _windows(rng):
        top, left, height, width = window
        drawn = [_draw(box)[top : top + height, left : left + width] for box in annotations.boxes]
        expected = [mask_box(d) for d in drawn if d.any()]
        np.testing.assert_array_equal(
            crop(annotations, window, "b", min_visible=0).boxes, np.reshape(expected, (-1, 4))
        )
        shares = np.array([d.sum() / _draw(b).sum() for d, b in zip(drawn, annotations.boxes, strict=True)])
        assert crop(annotations, window, "b", min_visible=0.3).n_objects == (shares >= 0.3).sum()


def _draw(box: NDArray[np.float64]) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    x_min, y_min, x_max, y_max = box.astype(int)
    mask[y_min:y_max, x_min:x_max] = True
    return mask


def test_polygons_cover_the_points_that_the_window_shows_and_their_boxes_are_drawn_anew() -> None:
    rng = np.random.default_rng(1)
    builder, row = _one_image()
    for _ in range(25):
        centre, radius = rng.random(2) * [WIDTH, HEIGHT], rng.uniform(3, 25)
        angles = np.sort(rng.random((int(rng.integers(1, 3)), 7)), axis=1) * 2 * np.pi
        rings = [centre + radius * np.stack([np.cos(a), np.sin(a)], axis=1) for a in angles]
        builder.add_polygon(row, "cell", rings)
    annotations = builder.build()
    points = rng.random((4000, 2)) * [WIDTH, HEIGHT]
    originals = [to_rings(r) for r in annotations.objects["rings"].to_pylist()]
    for window in _windows(rng):
        top, left, height, width = window
        seen = ((points >= [left, top]) & (points <= [left + width, top + height])).all(axis=1)
        tile = crop(annotations, window, "b", min_visible=0)
        drawn = [_inside(to_rings(r), points[seen] - [left, top]) for r in tile.objects["rings"].to_pylist()]
        expected = [_inside(rings, points[seen]) for rings in originals]
        with_points = [e for e in expected if e.any()]
        np.testing.assert_array_equal([d for d in drawn if d.any()], with_points)
        for box, rings in zip(tile.boxes, tile.objects["rings"].to_pylist(), strict=True):
            vertices = np.concatenate(to_rings(rings))
            np.testing.assert_allclose(box, [*vertices.min(axis=0), *vertices.max(axis=0)])
            assert ((box >= -1e-9) & (box <= np.array([width, height] * 2) + 1e-9)).all()


def _inside(rings: list[NDArray[np.float64]], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    drawn = np.zeros(len(points), bool)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y1 != y2:
                crossing = (x2 - x1) * (points[:, 1] - y1) / (y2 - y1) + x1
                drawn ^= ((y1 > points[:, 1]) != (y2 > points[:, 1])) & (points[:, 0] < crossing)
    return drawn


def test_masks_show_the_pixels_that_the_window_shows() -> None:
    rng = np.random.default_rng(2)
    builder, row = _one_image()
    masks = []
    for _ in range(15):
        x, y = rng.integers(0, WIDTH - 12), rng.integers(0, HEIGHT - 12)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[y : y + 12, x : x + 12] = rng.random((12, 12)) < 0.3
        masks.append(mask)
        builder.add_object(row, "cell", "mask", mask_box(mask), counts=mask_to_run_lengths(mask))
    annotations = builder.build()
    for window in _windows(rng):
        top, left, height, width = window
        tile = crop(annotations, window, "b", min_visible=0)
        expected = [m[top : top + height, left : left + width] for m in masks]
        drawn = [run_lengths_to_mask(c, height, width) for c in tile.objects["counts"].to_pylist()]
        kept = [e for e in expected if e.any()]
        assert len(drawn) == len(kept)
        for mask, shown, box in zip(kept, drawn, tile.boxes, strict=True):
            np.testing.assert_array_equal(shown, mask)
            np.testing.assert_array_equal(box, mask_box(mask))


def test_points_and_all_that_is_said_of_objects_and_image_stay() -> None:
    builder, row = _one_image()
    builder.add_object(row, "cell", "point", (20, 30, 20, 30), score=0.5, attributes={"a": 1})
    builder.add_object(row, "cell", "point", (70, 30, 70, 30))
    builder.add_box(row, "other", (12, 22, 18, 28), crowd=True)
    tile = crop(builder.build(), (20, 10, 30, 40), "b.png")
    assert tile.boxes.tolist() == [[10, 10, 10, 10], [2, 2, 8, 8]]
    image = {"name": "b.png", "width": 40, "height": 30, "split": "train", "group": "g", "sha256": None}
    assert tile.images.to_pylist() == [{**image, "pixel_height_um": None, "pixel_width_um": None}]
    assert [GEOMETRIES[g] for g in tile.objects["geometry"].to_pylist()] == ["point", "box"]
    assert tile.objects["score"].to_pylist() == [0.5, None]
    assert tile.objects["attributes"].to_pylist() == ['{"a": 1}', None]
    assert tile.crowd.tolist() == [False, True]
    assert tile.categories == ("cell", "other")


def test_an_image_without_objects_gives_a_tile_without_and_several_images_are_refused(make_annotations: SETS) -> None:
    builder, _ = _one_image()
    assert crop(builder.build(), (0, 0, 10, 10), "b").n_objects == 0
    with pytest.raises(ValueError, match=r"`annotations` must hold one image, got 5\."):
        crop(make_annotations(0), (0, 0, 10, 10), "b")


def test_iterating_over_images_gives_what_selecting_each_gives() -> None:
    builder = AnnotationBuilder(["a", "b"])
    rows = [builder.add_image(f"{i}.png", width=50, height=50, split="train") for i in range(4)]
    for i, row in enumerate([2, 0, 2, 0, 3]):
        builder.add_box(row, "ab"[i % 2], (i, i, i + 5, i + 6))
    annotations = builder.build()
    assert len(rows) == 4
    for row, one in enumerate(iterate_images(annotations)):
        assert one.fingerprint() == select_images(annotations, [row]).fingerprint()
        assert one.names == [annotations.names[row]]
    assert list(iterate_images(AnnotationSet.empty())) == []
