"""LabelMe 3 XML as the web tool writes it."""

import json
from pathlib import Path

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import labelme_xml
from cell_pipelines.annotations.formats.label_pictures.small_masks import write_png
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _pt(*points: tuple[float, float]) -> str:
    return "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in points)


def _read(folder: Path, *objects: str) -> Conversion:
    (folder / "Annotations" / "set").mkdir(parents=True)
    text = "".join(f"<object>{one}</object>" for one in objects)
    head = "<filename>a.jpg</filename><folder>set</folder><imagesize><nrows>80</nrows><ncols>100</ncols></imagesize>"
    (folder / "Annotations" / "set" / "a.xml").write_text(f"<annotation>{head}{text}</annotation>")
    conversion = labelme_xml.read(folder, ImageIndex([ImageRecord("Images/set/a.jpg", 100, 80)]))
    conversion.check()
    return conversion


def test_polygons_boxes_points_and_deleted_objects(tmp_path: Path) -> None:
    square = f"<polygon>{_pt((1, 2), (9, 2), (9, 8), (1, 8))}</polygon>"
    conversion = _read(
        tmp_path,
        f"<name>\ncell\n</name><deleted>0</deleted>{square}",
        f"<name>cell</name><type>bounding_box</type>{square}",
        f"<name>cell</name><polygon>{_pt((4, 5))}</polygon>",
        f"<name>cell</name><deleted>1</deleted>{square}",
        "<name>cell</name>",
    )
    assert conversion.annotations.objects["geometry"].to_pylist() == [2, 0, 1]
    assert conversion.annotations.categories == ("cell",)
    assert conversion.objects_in == 4
    assert [f.action for f in conversion.findings] == ["noted", "dropped"]


def test_a_painted_mask_is_read_to_the_pixel_and_none_from_outside(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((80, 100)) < 0.3
    (tmp_path / "Masks" / "set").mkdir(parents=True)
    (tmp_path / "Masks" / "set" / "a_mask_0.png").write_bytes(write_png(mask, opaque=True))
    names = ("a_mask_0.png", "../../../etc/passwd", "gone.png")
    conversion = _read(tmp_path, *(f"<name>cell</name><segm><mask>{name}</mask></segm>" for name in names))
    (record,) = conversion.annotations.objects.to_pylist()
    assert (run_lengths_to_mask(record["counts"], 80, 100) == mask).all()
    assert conversion.objects_dropped == 2


def test_free_text_stays_free_text_when_written(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=20, height=20)
    builder.add_box(row, "cell", (1, 1, 5, 5), attributes={"attributes": "round, dark", "occluded": True})
    labelme_xml.write(builder.build(), tmp_path)
    text = (tmp_path / "Annotations" / "a.xml").read_text()
    assert "<attributes>round, dark</attributes>" in text
    assert "<occluded>yes</occluded>" in text


def test_a_class_that_xml_cannot_hold_is_refused(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    builder.add_box(builder.add_image("a.png", width=20, height=20), "cell\x01", (1, 1, 5, 5))
    with pytest.raises(ValueError, match="XML"):
        labelme_xml.write(builder.build(), tmp_path)


def test_parts_are_objects_of_their_own(tmp_path: Path) -> None:
    square = f"<polygon>{_pt((1, 2), (9, 2), (9, 8))}</polygon>"
    conversion = _read(
        tmp_path,
        f"<name>cell</name><id>0</id><parts><hasparts>1</hasparts><ispartof/></parts>{square}",
        f"<name>nucleus</name><id>1</id><parts><hasparts/><ispartof>0</ispartof></parts>{square}",
    )
    texts = conversion.annotations.objects["attributes"].to_pylist()
    assert [json.loads(text) for text in texts] == [{"hasparts": "1", "id": "0"}, {"ispartof": "0", "id": "1"}]
