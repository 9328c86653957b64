"""CVAT XML 1.1 for images and for video, as CVAT writes it."""

import json
import re
from pathlib import Path

import numpy as np

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import cvat
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_to_mask
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

LABELS = "<meta><task><labels><label><name>dead</name></label><label><name>cell</name></label></labels></task></meta>"


def _read(folder: Path, body: str, *names: str) -> Conversion:
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version>{LABELS}{body}</annotations>")
    conversion = cvat.read(folder, ImageIndex(ImageRecord(name, 100, 80) for name in names or ("a.png",)))
    conversion.check()
    return conversion


def test_every_shape_with_an_area_is_read(tmp_path: Path) -> None:
    body = """<image id="0" name="a.png" width="100" height="80">
      <box label="cell" xtl="2" ytl="3" xbr="12" ybr="13"><attribute name="stage">late</attribute></box>
      <box label="cell" xtl="20" ytl="20" xbr="40" ybr="30" rotation="90"/>
      <ellipse label="cell" cx="50" cy="40" rx="10" ry="5" rotation="0"/>
      <mask label="cell" rle="0, 2, 1, 3" left="5" top="6" width="3" height="2"/>
      <points label="cell" points="1,2;3,4"/>
      <polyline label="cell" points="1,2;3,4"/><cuboid label="cell"/><tag label="cell"/>
    </image>"""
    conversion = _read(tmp_path, body)
    box, turned, ellipse, mask, *points = conversion.annotations.objects.to_pylist()
    assert json.loads(box["attributes"]) == {"stage": "late"}
    sides = ("x_min", "y_min", "x_max", "y_max")
    np.testing.assert_allclose([turned[s] for s in sides], [25, 15, 35, 35])
    np.testing.assert_allclose([ellipse[s] for s in sides], [40, 35, 60, 45])
    drawn = run_lengths_to_mask(mask["counts"], 80, 100)
    assert drawn[6:8, 5:8].tolist() == [[True, True, False], [True, True, True]]
    assert [(p["x_min"], p["y_min"]) for p in points] == [(1, 2), (3, 4)]
    assert conversion.annotations.categories == ("dead", "cell")
    assert sorted(f.action for f in conversion.findings) == ["changed", "dropped", "dropped", "noted"]


def test_a_box_turns_clockwise_on_the_screen(tmp_path: Path) -> None:
    body = '<image name="a.png"><box label="cell" xtl="20" ytl="20" xbr="40" ybr="30" rotation="30"/></image>'
    (record,) = _read(tmp_path, body).annotations.objects.to_pylist()
    ring = np.reshape(record["rings"][0], (4, 2))
    # Clockwise with y downwards: the upper right corner sinks.
    assert ring[1, 1] > ring[0, 1]
    np.testing.assert_allclose(ring.mean(axis=0), [30, 25])


def test_tracks_are_objects_of_the_frames_images(tmp_path: Path) -> None:
    places = "".join(
        f'<box frame="{frame}" outside="{outside}" keyframe="1" xtl="1" ytl="1" xbr="9" ybr="9"/>'
        for frame, outside in ((0, 0), (3, 0), (4, 1), (9, 0))
    )
    names = ("v/frame_000000.png", "v/frame_000003.png", "v/frame_000004.png", "v/frame_000005.png")
    conversion = _read(tmp_path, f'<track id="7" label="cell">{places}</track>', *names)
    assert conversion.annotations.names == list(names[:3])
    assert conversion.annotations.image_index.tolist() == [0, 1]
    assert {json.loads(text)["track_id"] for text in conversion.annotations.objects["attributes"].to_pylist()} == {7}
    assert conversion.objects_dropped == 1


def test_a_frame_is_found_by_the_number_at_the_end_of_its_name(tmp_path: Path) -> None:
    place = '<box frame="12" outside="0" keyframe="1" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    conversion = _read(tmp_path, f'<track label="cell">{place}</track>', "well_3_t0012.tif", "well_3_t0013.tif")
    assert conversion.annotations.names == ["well_3_t0012.tif"]


def test_images_of_one_name_in_several_subsets_keep_apart(tmp_path: Path) -> None:
    image = '<image name="a.png" subset="{0}"><box label="cell" xtl="1" ytl="1" xbr="{1}" ybr="9"/></image>'
    body = image.format("Train", 9) + image.format("Validation", 10)
    conversion = _read(tmp_path, body, "images/Train/a.png", "images/Validation/a.png")
    assert conversion.annotations.images["split"].to_pylist() == ["train", "val"]
    assert conversion.annotations.boxes[:, 2].tolist() == [9, 10]


def test_runs_that_do_not_fit_are_dropped(tmp_path: Path) -> None:
    runs = ("1, 2", "7", "-1, 7", "a", "", "9223372036854775807, 9223372036854775807, 8")
    body = "".join(f'<mask label="cell" rle="{r}" left="0" top="0" width="3" height="2"/>' for r in runs)
    huge = '<mask label="cell" rle="1" left="0" top="0" width="100000" height="100000"/>'
    conversion = _read(tmp_path, f'<image name="a.png">{body}{huge}</image>')
    assert conversion.objects_dropped == conversion.objects_in == len(runs) + 1


def test_the_labels_of_a_task_are_written_as_cvat_takes_them(tmp_path: Path) -> None:
    builder = AnnotationBuilder(["größe"])
    row = builder.add_image("a.png", width=20, height=20)
    builder.add_box(row, "cell", (1, 1, 9, 9), attributes={"stain": "DAPI", "occluded": True})
    write_annotations(builder.build(), tmp_path, format="cvat")
    labels = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    stain = {"name": "stain", "input_type": "text", "mutable": False, "values": [""]}
    assert [(label["name"], label["attributes"]) for label in labels] == [("größe", []), ("cell", [stain])]
    assert all(re.fullmatch("#[0-9a-f]{6}", label["color"]) for label in labels)
