"""Blur, motion and compression of training images, by the names and numbers of the paper, without Albumentations."""

import pickle
import random
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import yaml

from cell_pipelines.training.detection import pixel_transforms
from cell_pipelines.training.detection.pixel_transforms import PixelTransforms, create_transform

ROOT = Path(__file__).resolve().parents[3]
PAPER = yaml.safe_load((ROOT / "conf" / "live_dead" / "parameters_detection.yml").read_text(encoding="utf-8"))["yolo"]


@pytest.fixture
def picture():
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def test_the_changes_are_those_of_opencv(picture):
    draw = random.Random(0)
    np.testing.assert_array_equal(
        create_transform({"name": "Blur", "blur_limit": 3}).change(picture, draw), cv2.blur(picture, (3, 3))
    )
    np.testing.assert_array_equal(
        create_transform({"name": "MedianBlur", "blur_limit": [5, 5]}).change(picture, draw), cv2.medianBlur(picture, 5)
    )
    jpeg = create_transform({"name": "ImageCompression", "quality_range": [90, 90]}).change(picture, draw)
    np.testing.assert_array_equal(jpeg, cv2.imdecode(cv2.imencode(".jpg", picture, [1, 90])[1], cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize(
    ("angle", "direction", "line"),
    [(0, 0, [(2, x) for x in range(5)]), (90, 0, [(y, 2) for y in range(5)]), (0, 1, [(2, x) for x in (2, 3, 4)]),
     (0, -1, [(2, x) for x in (0, 1, 2)]), (45, 1, [(2, 2), (3, 3)])],
)  # fmt: skip
def test_motion_is_the_mean_along_a_line_at_its_angle_and_to_its_side(angle, direction, line):
    point = np.zeros((9, 9, 3), np.uint8)
    point[4, 4] = 250
    motion = create_transform(
        {"name": "MotionBlur", "blur_limit": [5, 5], "angle_range": [angle, angle], "direction_range": 2 * [direction],
         "allow_shifted": False}
    )  # fmt: skip
    found = np.argwhere(motion.change(point, random.Random(0))[::-1, ::-1, 0])  # a filter turns its kernel round
    assert sorted(map(tuple, found - 2)) == sorted(line)


def test_a_motion_keeps_the_light_and_lies_within_its_square(picture):
    motion = create_transform({"name": "MotionBlur", "blur_limit": [3, 7]})
    for seed in range(50):
        flat = motion.change(np.full((20, 20, 3), 200, np.uint8), random.Random(seed))
        assert np.abs(flat.astype(int) - 200).max() <= 1
        point = np.zeros((21, 21, 3), np.uint8)
        point[10, 10] = 255
        places = np.argwhere(motion.change(point, random.Random(seed))[..., 0])
        assert np.abs(places - 10).max() <= 3 and len(places) <= 7


def test_the_papers_transforms_come_as_often_as_it_says(monkeypatch, picture):
    transforms = PixelTransforms(transforms=PAPER["augmentation"]["transforms"])
    done = Counter()
    for one in transforms._made:
        object.__setattr__(one, "change", lambda image, draw, name=one.name: (done.update([name]), image)[1])
    random.seed(3)
    n = 20_000
    for _ in range(n):
        transforms({"img": picture})
    wanted = {"MotionBlur": 0.25, "MedianBlur": 0.10, "Blur": 0.10, "ImageCompression": 0.15}
    assert {name: one / n for name, one in done.items()} == pytest.approx(wanted, abs=0.012)  # four standard errors


@pytest.mark.parametrize("name", pixel_transforms.TORCHVISION)
def test_the_transforms_of_torchvision_change_no_shape_and_are_drawn_again_alike(name, picture):
    pytest.importorskip("torchvision")
    needs = {"ColorJitter": {"brightness": 0.5}, "GaussianBlur": {"kernel_size": 3}, "JPEG": {"quality": [50, 60]},
             "RandomAdjustSharpness": {"sharpness_factor": 2}, "RandomPosterize": {"bits": 2},
             "RandomSolarize": {"threshold": 100}}  # fmt: skip
    transform = create_transform({"name": name, "p": 0.3, **needs.get(name, {})})
    first, second = (transform.change(picture, random.Random(4)) for _ in range(2))
    assert first.shape == picture.shape and first.dtype == np.uint8 and transform.p == 0.3
    np.testing.assert_array_equal(first, second)


def test_one_number_of_pythons_generator_decides_a_sample_whatever_the_transforms(picture):
    states = []
    for transforms in ([], [{"name": "Blur", "p": 1.0}, {"name": "MotionBlur", "p": 1.0}]):
        random.seed(1)
        PixelTransforms(transforms=transforms)({"img": picture})
        states.append(random.getstate())
    random.seed(1)
    random.random()
    assert states == [random.getstate()] * 2


def test_none_means_none(picture):
    for transforms in (None, []):
        np.testing.assert_array_equal(PixelTransforms(transforms=transforms)({"img": picture.copy()})["img"], picture)


def test_workers_that_are_started_anew_make_the_same(picture):
    transforms = PixelTransforms(transforms=[{"name": "MotionBlur", "p": 1.0}])
    again = pickle.loads(pickle.dumps(transforms))
    random.seed(2)
    first = transforms({"img": picture})["img"]
    random.seed(2)
    np.testing.assert_array_equal(first, again({"img": picture})["img"])


@pytest.mark.parametrize(
    ("given", "said"),
    [({"name": "Blurr"}, "must name one of Blur, .*got 'Blurr'"), ({"name": "Rotate"}, "got 'Rotate'"), ({}, "'None'"),
     ({"name": "Blur", "limit": 3}, "Blur takes other arguments: .*limit"), ({"name": "Blur", "p": 2}, "0 to 1, got 2"),
     ({"name": "Blur", "blur_limit": 2}, "odd number"), ({"name": "MedianBlur", "blur_limit": [4, 4]}, "odd number"),
     ({"name": "ImageCompression", "quality_range": [0, 100]}, "within 1 to 100"),
     ({"name": "ImageCompression", "compression_type": "gif"}, "jpeg or webp")],
)  # fmt: skip
def test_mistakes_are_named(given, said):
    with pytest.raises(ValueError, match=said):
        create_transform(given)


def test_ultralytics_makes_samples_with_these_and_never_with_an_albumentations_that_is_there(monkeypatch, capsys):
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics.cfg import get_cfg
    from ultralytics.data import augment

    from cell_pipelines.training.detection.trainers import OwnDetectionTrainer, use_own_transforms

    monkeypatch.setattr(augment, "Albumentations", augment.Albumentations)
    monkeypatch.setitem(sys.modules, "albumentations", ModuleType("albumentations"))
    use_own_transforms()
    data = type("Data", (), {"data": {}, "use_keypoints": False, "cache": "ram", "labels": []})()
    for wanted in ([{"name": "Blur", "p": 0.1}], []):
        made = augment.v8_transforms(data, 64, get_cfg(overrides={"augmentations": wanted}))
        (ours,) = [one for one in made.transforms if isinstance(one, PixelTransforms)]
        assert ours.transforms == wanted
    assert capsys.readouterr().out == "" and OwnDetectionTrainer.build_dataset.__qualname__.startswith("Own")
