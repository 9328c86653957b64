import json

import numpy as np
import pytest
import tifffile

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.selection import select_objects
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.annotation_export.nodes import export_annotations
from cell_pipelines.pipelines.annotation_export.parameters import ExportParameters
from cell_pipelines.pipelines.pre_annotation.nodes import (
    compare_with_corrections,
    draw_proposals,
    propose_cells,
    write_proposals,
)
from cell_pipelines.pipelines.pre_annotation.parameters import PreAnnotationParameters

PARAMETERS = PreAnnotationParameters(category="nucleus")


@pytest.fixture
def images(tmp_path):
    """Two images of bright squares on dark ground, one of them 16 bit with a known pixel size; and an empty one."""
    image = np.full((80, 100), 10, np.uint8)
    image[10:30, 10:30] = image[50:70, 60:85] = 200
    write_image(image, tmp_path / "a.png")
    tifffile.imwrite(
        tmp_path / "b.tif", image.astype(np.uint16) * 50, imagej=True, resolution=(2, 2), metadata={"unit": "um"}
    )
    write_image(np.full((40, 40), 10, np.uint8), tmp_path / "empty.png")
    return {p.name: ImageFile(p) for p in sorted(tmp_path.iterdir())}


def test_squares_are_proposed_as_masks_with_the_size_of_a_pixel(images):
    proposed, counts = propose_cells(images, PARAMETERS)
    assert proposed.categories == ("nucleus",)
    assert counts.set_index("image")["proposed"].to_dict() == {"a.png": 2, "b.tif": 2, "empty.png": 0}
    assert proposed.images["pixel_height_um"].to_pylist() == [None, pytest.approx(0.5), None]
    np.testing.assert_allclose(proposed.boxes[:2], [[10, 10, 30, 30], [60, 50, 85, 70]], atol=2)


def test_a_person_s_changes_are_found_in_any_format(images, tmp_path):
    proposed, _ = propose_cells(images, PARAMETERS)
    kept = select_objects(proposed, np.array([True, False, True, True]))
    for format in ("qupath_geojson", "imagej_roi", "label_image", "labelme", "coco"):
        folder = tmp_path / format
        folder.mkdir()
        write_annotations(kept, folder, format=format)
        corrected, objects, per_image = compare_with_corrections(
            proposed, lambda index, folder=folder: read_annotations(folder, index), PARAMETERS
        )
        assert corrected.n_objects == 3
        assert objects["change"].value_counts().to_dict() == {"kept": 3, "removed": 1}
        assert per_image.set_index("image").loc["a.png", "removed"] == 1


def test_proposals_and_overlays_are_written_for_every_image(images, tmp_path):
    proposed, _ = propose_cells(images, PARAMETERS)
    for write in (write_proposals(proposed, PARAMETERS), draw_proposals(proposed, images, PARAMETERS)):
        folder = tmp_path / str(id(write))
        folder.mkdir()
        write(folder)
        assert len([p for p in folder.rglob("*") if p.is_file()]) == 3


def test_proposals_are_written_with_the_options_of_their_format(images, tmp_path):
    options = {"target": "predictions", "prefix": "/data/local-files/?d=my_images/", "geometries": ["polygon"]}
    parameters = PreAnnotationParameters(format="label_studio", options=options)
    write_proposals(propose_cells(images, parameters)[0], parameters)(tmp_path)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["image"] for task in tasks] == [f"{options['prefix']}{name}" for name in images]
    assert [len(task["predictions"][0]["result"]) for task in tasks] == [2, 2, 0]
    assert {one["type"] for task in tasks for one in task["predictions"][0]["result"]} == {"polygonlabels"}


def test_an_export_leaves_out_low_scores_and_lists_what_the_format_cannot_hold(tmp_path):
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=50, height=40)
    builder.add_box(row, "cell", (1, 1, 9, 9), score=0.9)
    builder.add_box(row, "cell", (11, 1, 19, 9), score=0.2)
    builder.add_polygon(row, "cell", [np.array([[20, 1], [29, 1], [29, 9.0]])])
    write, findings = export_annotations(builder.build(), ExportParameters(format="pascal_voc", confidence=0.5))
    write(tmp_path)
    assert (tmp_path / "Annotations" / "a.xml").read_text().count("<object>") == 2
    assert findings["reason"].tolist() == ["polygons written as boxes."]
