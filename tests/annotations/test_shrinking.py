import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.annotations.shrinking import shrink_image


@pytest.fixture
def objects():
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=80, height=40)
    builder.add_box(image, "cell", (8, 4, 40, 20))
    builder.add_polygon(image, "cell", [np.array([[0.0, 0], [16, 0], [16, 8]])])
    mask = np.zeros((40, 80), bool)
    mask[8:24, 32:48] = True
    builder.add_object(image, "cell", "mask", (32, 8, 48, 24), counts=mask_to_run_lengths(mask))
    return builder.build()


def test_objects_of_every_geometry_lie_in_the_picture_as_in_the_image(objects):
    small = shrink_image(objects, (10, 20))
    record = small.images.to_pylist()[0]
    assert (record["height"], record["width"]) == (10, 20)
    assert small.boxes.tolist() == (objects.boxes / 4).tolist()
    assert small.objects["rings"].to_pylist()[1] == [[0.0, 0.0, 4.0, 0.0, 4.0, 2.0]]
    mask = np.zeros((10, 20), bool)
    mask[2:6, 8:12] = True
    assert small.objects["counts"].to_pylist()[2] == mask_to_run_lengths(mask).tolist()
    assert small.objects["counts"].to_pylist()[:2] == [None, None]


def test_a_picture_of_the_images_size_changes_nothing(objects):
    assert shrink_image(objects, (40, 80)).objects.equals(objects.objects)


def test_a_larger_picture_or_no_image_are_refused(objects):
    with pytest.raises(ValueError, match=r"`size` must be at most the image's \(40, 80\), got \(41, 80\)"):
        shrink_image(objects, (41, 80))
    with pytest.raises(ValueError, match="must hold one image, got 0"):
        shrink_image(select_images(objects, []), (10, 10))
