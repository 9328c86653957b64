import json

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.reading import list_image_files, write_image
from cell_pipelines.workflows.training_images import Intensities, describe_training_images


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(0)
    builder = AnnotationBuilder(["cell", "debris"])
    for name, split, top in (("a.png", "train", 100), ("b.png", "val", 200), ("c.png", "test", 250)):
        write_image(rng.integers(0, top, (40, 60), dtype=np.uint8), tmp_path / name)
        row = builder.add_image(name, width=60, height=40, split=split)
        builder.add_box(row, "cell", (2, 3, 12, 23))
        builder.add_box(row, "debris", (2, 3, 42, 23))
    return builder.build(), list_image_files(tmp_path)


def test_only_training_and_validation_images_and_the_learned_classes_are_described(study):
    annotations, images = study
    found = describe_training_images(annotations, images, Intensities("percentile", "rgb"), categories=("cell",))
    assert json.loads(json.dumps(found)) == found
    assert (found["images"], found["objects"], found["images_without_objects"]) == (2, 2, 0)
    assert found["contrast"]["uint8"]["max"] == pytest.approx(199, abs=1)
    assert found["object_side_px"]["most"] == pytest.approx(20)
    both = describe_training_images(annotations, images, Intensities("percentile"))
    assert both["objects"] == 4 and both["object_side_px"]["most"] == pytest.approx(40, abs=1)


def test_types_that_are_not_brought_to_one_range_are_said(study, tmp_path, caplog):
    annotations, images = study
    describe_training_images(annotations, images, Intensities("full_range", "rgb"))
    assert not caplog.text
    write_image(images["b.png"]().astype(np.uint16) * 16, tmp_path / "b.png")
    describe_training_images(annotations, images, Intensities("percentile", "rgb"))
    assert not caplog.text
    describe_training_images(annotations, images, Intensities("full_range", "rgb"))
    assert "uint8, uint16" in caplog.text
