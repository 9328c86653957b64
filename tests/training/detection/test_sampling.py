import numpy as np
import pytest
import yaml

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.training.detection.sampling import image_shares, repeat_images
from cell_pipelines.training.segmentation.sampling import Oversampling, OversamplingRule

RARE = Oversampling((OversamplingRule(3.0, category="dead"), OversamplingRule(0.0, image="^blank")))
CLASSES = ("living", "dead")


def test_images_with_a_rare_class_come_as_often_as_the_rules_say():
    shares = image_shares([[0], [0, 1], [], [1]], ["a.png", "b.png", "blank.png", "d.png"], RARE, CLASSES)
    assert shares.tolist() == [1, 3, 0, 3]


def test_images_with_many_cells_come_more_often_and_empty_ones_as_before():
    shares = image_shares([[0], [0, 0, 1], []], ["a", "b", "c"], Oversampling(density=1.0), CLASSES)
    assert shares.tolist() == pytest.approx([1.75, 3.25, 1])


def test_a_class_that_there_is_not_and_no_image_at_all_are_refused():
    with pytest.raises(ValueError, match="must be one of living, dead, got 'ded'"):
        image_shares([[0]], ["a"], Oversampling((OversamplingRule(2.0, category="ded"),)), CLASSES)
    with pytest.raises(ValueError, match="leaves no image to be shown"):
        image_shares([[0]], ["a"], Oversampling((OversamplingRule(0.0, image="a"),)), CLASSES)


@pytest.mark.parametrize("given", [{"error": 1.0}, {"rules": [{"factor": 2.0, "attribute": "mitotic"}]}])
def test_what_no_label_of_a_yolo_says_is_refused(given):
    with pytest.raises(ValueError, match="takes rules by `image` and `category`, and `density`"):
        YoloParameters(oversampling=given)


def test_ultralytics_reads_the_list_with_each_image_as_often_as_its_share(tmp_path):
    from cell_pipelines.models.ultralytics_home import prepare_ultralytics

    prepare_ultralytics()
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    builder = AnnotationBuilder(CLASSES)
    for name, shown in {"train/ä a.png": [0], "train/b.png": [0, 1], "train/blank.png": [], "val/d.png": [1]}.items():
        row = builder.add_image(f"images/{name}", width=32, height=32, split=name.split("/")[0])
        for number in shown:
            builder.add_box(row, CLASSES[number], (4, 4 + 10 * number, 12, 12 + 10 * number))
        write_image(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / "data" / "images" / name)
    write_annotations(builder.build(), tmp_path / "data", format="yolo")
    made = repeat_images(tmp_path / "data" / "data.yaml", tmp_path, RARE, 0)
    data = check_det_dataset(str(made), autodownload=False)
    dataset = YOLODataset(data["train"], data=data, imgsz=32, augment=False)
    assert sorted(len(label["cls"]) for label in dataset.labels) == [1, 2, 2, 2]
    assert yaml.safe_load(made.read_text())["val"] == "images/val"
