"""Boxes found on tiles are those found on the whole image, one for one."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from cell_pipelines.imaging.reading import open_region_reader, write_image
from cell_pipelines.inference.box_tiles import BoxTiles
from cell_pipelines.inference.detection import BoxPredictor, Detections
from cell_pipelines.models.ultralytics_home import prepare_ultralytics


class SquareFinder(torch.nn.Module):
    """Stands in for a YOLO: proposes the box of every bright square in the tensor, twice."""

    def forward(self, images):
        labels, _ = ndimage.label(images[0, 0].numpy() > 0.6)
        found = [
            (x.start + x.stop, y.start + y.stop, 2 * (x.stop - x.start), 2 * (y.stop - y.start))
            for y, x in ndimage.find_objects(labels)
        ]
        boxes = torch.tensor(found, dtype=torch.float32).reshape(-1, 4).T / 2
        brightness = [float(images[0, 0].numpy()[labels == i + 1].mean()) for i in range(len(found))]
        scores = torch.tensor([brightness, [0.0] * len(found)])
        proposals = torch.cat([boxes, scores])[None]
        # Many more that are nothing, as of any network.
        return torch.cat([proposals, proposals - 0.01, torch.zeros(1, 6, 100)], dim=2)


@pytest.fixture
def predictor(tmp_path_factory):
    prepare_ultralytics()
    from ultralytics import YOLO

    path = tmp_path_factory.mktemp("yolo") / "n.pt"
    YOLO("yolov8n.yaml").save(path)

    def make(**options):
        made = BoxPredictor(path, device="cpu", confidence=0.1, margin=0, **options)
        made._network = SquareFinder()
        made.categories = ("cell", "other")
        return made

    return make


def squares(shape, count, seed=0):
    """Return an image of squares that do not touch, and their boxes."""
    rng = np.random.default_rng(seed)
    image, boxes = np.zeros(shape, np.uint8), []
    for _ in range(count * 30):
        side, row, column = int(rng.integers(6, 40)), *(int(rng.integers(0, n - 5)) for n in shape)
        bottom, right = min(row + side, shape[0]), min(column + side, shape[1])
        if len(boxes) < count and not image[max(row - 4, 0) : bottom + 4, max(column - 4, 0) : right + 4].any():
            image[row:bottom, column:right] = rng.integers(180, 255)
            boxes.append((column, row, right, bottom))
    return image, np.array(boxes, np.float32).reshape(-1, 4)


def ordered(boxes):
    return boxes[np.lexsort(boxes.T)]


@pytest.mark.parametrize(("shape", "count"), [((320, 640), 60), ((150, 610), 40), ((64, 64), 3), ((400, 400), 0)])
@pytest.mark.parametrize(("tile", "overlap"), [(128, 64), (160, 48), (1000, 48)])
def test_tiled_boxes_are_those_drawn_one_for_one(predictor, shape, count, tile, overlap):
    image, boxes = squares(shape, count)
    found = predictor(image_size=tile, tile=tile, overlap=overlap).predict(image)
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.categories) <= {0}
    assert len(found.boxes) == len(boxes)
    np.testing.assert_allclose(ordered(np.rint(found.boxes)), ordered(boxes), atol=1)


def test_tiled_equals_whole(predictor):
    image, _ = squares((320, 640), 60)
    whole = predictor(image_size=640).predict(image)
    tiled = predictor(image_size=128, tile=128, overlap=64).predict(image)
    np.testing.assert_allclose(ordered(tiled.boxes), ordered(whole.boxes), atol=1e-3)


def test_squares_larger_than_the_overlap_are_counted_once_each(predictor):
    image, boxes = np.zeros((300, 620), np.uint8), []
    for row, column, height, width in [(20, 30, 100, 180), (150, 40, 120, 90), (40, 250, 220, 330), (5, 590, 60, 25)]:
        image[row : row + height, column : column + width] = 220
        boxes.append((column, row, column + width, row + height))
    found = predictor(image_size=128, tile=128, overlap=32).predict(image)
    np.testing.assert_allclose(ordered(np.rint(found.boxes)), ordered(np.array(boxes, np.float32)), atol=1)


def test_an_image_on_disk_gives_the_same_boxes(predictor, tmp_path):
    image = squares((300, 260), 20)[0].astype(np.uint16) * 9
    write_image(image, tmp_path / "a.tif")
    expected = predictor(image_size=128, tile=128, overlap=64).predict(image)
    with open_region_reader(tmp_path / "a.tif") as reader:
        found = predictor(image_size=128, tile=128, overlap=64).predict(reader)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    assert len(found.scores) == 20


def test_an_overlap_as_large_as_the_tile_is_refused(predictor):
    with pytest.raises(ValueError, match=r"`overlap` must be .* smaller than `tile` \(64\), got 64"):
        predictor(tile=64, overlap=64)


def test_a_box_cut_by_an_inner_border_is_left_to_the_neighbour_that_shows_it_whole():
    left, right = BoxTiles([(0, 0, 100, 100), (0, 60, 100, 100)])
    cut = np.array([[80, 10, 100, 30], [0, 10, 20, 30], [30, 10, 100, 30]], np.float32)
    assert left.to_image(cut)[1].tolist() == [False, True, True]  # 30 to 100 is cut by both tiles
    boxes, kept = right.to_image(cut)
    assert kept.tolist() == [True, False, True]
    np.testing.assert_array_equal(boxes[:, 0], [140, 60, 90])
    assert not len(left.to_image(np.empty((0, 4), np.float32))[1])


def test_detections_give_their_arrays():
    found = Detections(np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))
    assert set(found.arrays()) == {"boxes", "scores", "categories"}
