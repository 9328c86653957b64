"""YOLO networks with masks: one object, one class, one mask at the image's resolution, however many there are."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths, run_lengths_to_mask
from cell_pipelines.inference.detection import BoxPredictor
from cell_pipelines.inference.detections import Detections
from cell_pipelines.inference.stored import read_detections, write_arrays
from cell_pipelines.models.ultralytics_home import prepare_ultralytics

NETWORKS = ("yolov8n-seg", "yolo11n-seg", "yolo12n-seg", "yolo26n-seg")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Untrained networks as Ultralytics' own files."""
    prepare_ultralytics()
    from ultralytics import YOLO

    folder, made = tmp_path_factory.mktemp("checkpoints"), {}

    def make(name):
        if name not in made:
            torch.manual_seed(0)
            made[name] = folder / f"{name}.pt"
            YOLO(f"{name}.yaml").save(made[name])
        return made[name]

    return make


class DiscFinder(torch.nn.Module):
    """Stands in for a network: proposes every bright disc as both classes, its mask being what is bright."""

    def __init__(self, classes=2):
        super().__init__()
        self.classes = classes

    def forward(self, images):
        bright = images[0, 0].numpy() > 0.6
        labels, _ = ndimage.label(bright)
        rows = []
        for number, (y, x) in enumerate(ndimage.find_objects(labels)):
            level = float(images[0, 0].numpy()[labels == number + 1].mean())
            box = [(x.start + x.stop) / 2, (y.start + y.stop) / 2, x.stop - x.start, y.stop - y.start]
            for kind in range(self.classes):
                scores = [0.0] * self.classes
                scores[kind] = level - 0.05 * kind
                rows.append([*box, *scores, 1.0])
        proposals = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5 + self.classes).T[None]
        quarter = torch.nn.functional.avg_pool2d(images[:, :1], 4) - 0.6
        filled = torch.cat([proposals, torch.zeros(1, 5 + self.classes, 50)], dim=2)
        return (filled, quarter), None


@pytest.fixture
def predictor(checkpoint):
    def make(**options):
        made = BoxPredictor(checkpoint("yolov8n-seg"), device="cpu", confidence=0.1, margin=0, **options)
        made._network, made.categories = DiscFinder(), ("whole", "destroyed")
        return made

    return make


def discs(shape, step, radius):
    """Return an image of discs in rows and columns, and their number."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape, np.uint8)
    rows, columns = range(step // 2, shape[0], step), range(step // 2, shape[1], step)
    for number, (row, column) in enumerate((r, c) for r in rows for c in columns):
        image[(yy + 0.5 - row) ** 2 + (xx + 0.5 - column) ** 2 < radius**2] = 200 + number % 50
    return image, len(rows) * len(columns)


def masks(found, shape):
    return np.array([run_lengths_to_mask(found.masks.of(row), *shape) for row in range(len(found.scores))])


@pytest.mark.quick(name=["yolov8n-seg", "yolo26n-seg"])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_stops_at_three_hundred_masks(checkpoint, name):
    image = np.random.default_rng(0).integers(0, 255, (112, 160, 3), dtype=np.uint8)
    options = {"confidence": 0.0, "mask_confidence": 0.0, "iou": 1.0, "margin": 0, "device": "cpu"}
    found = BoxPredictor(checkpoint(name), image_size=160, agnostic=False, **options).predict(image)
    assert len(found.scores) == len(found.masks) == 20 * 16 + 10 * 8 + 5 * 4
    assert all(found.masks.of(row).sum() == 112 * 160 for row in range(len(found.masks)))


@pytest.mark.parametrize("shape", [(96, 128), (100, 125)])
def test_masks_are_those_of_ultralytics_own_predict(checkpoint, shape):
    from ultralytics import YOLO

    path = checkpoint("yolov8n-seg")
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    options = {"confidence": 1e-6, "mask_confidence": 0.0, "margin": 0, "device": "cpu"}
    ours = BoxPredictor(path, image_size=128, **options).predict(image)
    theirs = YOLO(str(path)).predict(
        image[..., ::-1], imgsz=128, conf=1e-6, iou=0.7, max_det=10_000, agnostic_nms=True, retina_masks=True,
        device="cpu", verbose=False,
    )[0]  # fmt: skip
    drawn, expected = masks(ours, shape), theirs.masks.data.numpy() > 0
    filled = drawn.any(axis=(1, 2))  # Ultralytics leaves out what has no pixel
    assert filled.sum() == len(expected) > 5
    ious = [(a & b).sum() / (a | b).sum() for a, b in zip(drawn[filled], expected, strict=True)]
    assert np.mean(ious) > 0.97
    assert np.min(ious) > 0.7
    np.testing.assert_allclose(ours.scores[filled], theirs.boxes.conf.numpy(), atol=1e-5)


def test_one_nucleus_has_one_class_unless_asked_otherwise(predictor):
    image, count = discs((96, 128), 32, 9)
    one = predictor(image_size=128).predict(image)
    assert (len(one.scores), set(one.categories)) == (count, {0})  # the surer of both
    both = predictor(image_size=128, agnostic=False).predict(image)
    assert np.bincount(both.categories).tolist() == [count, count]


def test_networks_that_suppress_by_themselves_give_one_class_too(checkpoint):
    options = {"confidence": 0.0, "mask_confidence": 0.0, "iou": 0.5, "margin": 0, "device": "cpu", "image_size": 64}
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = checkpoint("yolo26n-seg")
    every, single = (BoxPredictor(path, agnostic=a, **options).predict(image) for a in (False, None))
    from torchvision.ops import box_iou

    # Suppression comes before boxes are cut at the image's border, which makes some of them alike.
    inside = ((single.boxes > 0) & (single.boxes < 64)).all(axis=1)
    boxes = torch.from_numpy(single.boxes[inside])
    assert len(boxes) > 5
    assert (box_iou(boxes, boxes).fill_diagonal_(0) <= 0.5).all()
    assert 0 < len(single.scores) <= len(every.scores)


def test_masks_of_tiles_are_those_of_the_whole_image_moved_to_their_place(predictor):
    image, count = discs((160, 320), 32, 9)
    whole = predictor(image_size=320).predict(image)
    tiled = predictor(image_size=128, tile=128, overlap=64).predict(image)
    assert len(whole.scores) == len(tiled.scores) == count
    a, b = masks(whole, image.shape).any(axis=0), masks(tiled, image.shape).any(axis=0)
    assert (a & b).sum() / (a | b).sum() > 0.98
    assert masks(tiled, image.shape).sum(axis=0).max() == 1  # none is there twice


def test_scores_of_masks_below_a_hundredth_are_not_kept_by_default(predictor, checkpoint):
    assert predictor()._confidence == 0.1
    made = [BoxPredictor(checkpoint("yolov8n-seg"), confidence=0.001, mask_confidence=m) for m in (None, 0.0, 0.2)]
    assert [one._confidence for one in made] == [0.01, 0.001, 0.2]


def test_an_image_without_cells_gives_no_masks(predictor, tmp_path):
    for options in ({"image_size": 64}, {"image_size": 64, "tile": 64, "overlap": 32}):
        found = predictor(**options).predict(np.zeros((70, 90), np.uint8))
        assert (len(found.scores), len(found.masks)) == (0, 0)
        write_arrays(found.arrays(), (70, 90), tmp_path / "none.npz")
        again, size = read_detections(tmp_path / "none.npz")
        assert (len(again.masks), size) == (0, (70, 90))


def test_stored_masks_come_back_the_same(tmp_path):
    rng = np.random.default_rng(0)
    runs = RunLengths.from_lists([mask_to_run_lengths(rng.random((9, 7)) < share) for share in (0.5, 0.0, 1.0)])
    found = Detections(rng.random((3, 4)).astype(np.float32), np.ones(3, np.float32), np.arange(3), runs)
    write_arrays(found.arrays(), (9, 7), tmp_path / "a.npz")
    again, _ = read_detections(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.masks.values, runs.values)
    np.testing.assert_array_equal(again.masks.starts, runs.starts)
    assert again.take(np.array([2, 0])).masks.of(1).tolist() == runs.of(0).tolist()


def test_arrays_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="expected stored boxes, scores and categories, got the arrays 0/probability"):
        Detections.from_arrays({"0/probability": np.zeros(1)})
