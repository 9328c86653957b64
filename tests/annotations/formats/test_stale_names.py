"""Labels that name another image than they belong to, frames counted from 0 or 1, and classes that no list has."""

import json
import os
from pathlib import Path

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases"))
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")
# Formats of one file per image, in which the image is named.
NAMED = {"pascal_voc": ".xml", "labelme": ".json", "labelme_xml": ".xml", "darwin": ".json"}


def _index(*names: str) -> ImageIndex:
    return ImageIndex(ImageRecord(name, 60, 40) for name in names)


def _renamed(name: str, folder: Path) -> None:
    """Write the label of old.png and call it b."""
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image("old.png", width=60, height=40), "cell", (2, 2, 9, 9))
    write_annotations(builder.build(), folder, format=name)
    [path] = folder.rglob(f"old{NAMED[name]}")
    path.rename(path.with_stem("b"))


@pytest.mark.parametrize("name", NAMED)
def test_a_label_that_was_renamed_with_its_image_belongs_to_it(name: str, tmp_path: Path) -> None:
    _renamed(name, tmp_path)
    conversion = read_annotations(tmp_path, _index("b.png"), format=name)
    assert conversion.annotations.names == ["b.png"]
    assert [(f.action, "'old.png'" in f.reason) for f in conversion.findings] == [("noted", True)]


@pytest.mark.parametrize("name", NAMED)
def test_a_label_whose_two_names_are_two_images_is_suspect(name: str, tmp_path: Path) -> None:
    _renamed(name, tmp_path)
    conversion = read_annotations(tmp_path, _index("b.png", "old.png"), format=name)
    assert conversion.annotations.names == ["old.png"]
    assert conversion.findings[0].action == "suspect"
    assert "is called like 'b.png'" in conversion.findings[0].reason


def _read_video(folder: Path, frames: range, numbers: range, meta: str = "", **option: int) -> Conversion:
    boxes = "".join(f'<box frame="{f}" outside="0" xtl="{f + 1}" ytl="1" xbr="{f + 9}" ybr="9"/>' for f in frames)
    text = f'<annotations><meta><task>{meta}</task></meta><track id="0" label="cell">{boxes}</track></annotations>'
    (folder / "annotations.xml").write_text(text)
    return read_annotations(folder, _index(*(f"out_{n:04d}.png" for n in numbers)), **option)


def _pairs(conversion: Conversion) -> dict[str, float]:
    names = [conversion.annotations.names[row] for row in conversion.annotations.image_index]
    return {name: x - 1 for name, x in zip(names, conversion.annotations.boxes[:, 0].tolist(), strict=True)}


def test_frames_are_the_images_of_their_numbers_where_these_begin_at_0(tmp_path: Path) -> None:
    conversion = _read_video(tmp_path, range(3), range(5))
    assert _pairs(conversion) == {"out_0000.png": 0, "out_0001.png": 1, "out_0002.png": 2}
    assert not [f for f in conversion.findings if f.action in ("noted", "suspect")]


def test_frame_0_is_the_first_image_where_the_numbers_begin_at_1(tmp_path: Path) -> None:
    conversion = _read_video(tmp_path, range(3), range(1, 4))
    assert _pairs(conversion) == {"out_0001.png": 0, "out_0002.png": 1, "out_0003.png": 2}
    assert [f.action for f in conversion.findings] == ["noted"]


def test_the_frames_of_the_task_count_though_only_some_have_objects(tmp_path: Path) -> None:
    meta = "<start_frame>0</start_frame><stop_frame>8</stop_frame><frame_filter>step=4</frame_filter>"
    assert _pairs(_read_video(tmp_path, range(4, 9, 4), range(1, 10), meta)) == {"out_0005.png": 4, "out_0009.png": 8}


def test_a_part_of_a_video_that_may_begin_at_0_or_1_is_asked_for(tmp_path: Path) -> None:
    conversion = _read_video(tmp_path, range(10, 13), range(1, 20))
    assert conversion.annotations.n_objects == 0
    assert any("`first_frame` says which" in f.reason for f in conversion.findings)
    assert next(iter(_pairs(_read_video(tmp_path, range(10, 13), range(1, 20), first_frame=1)))) == "out_0011.png"
    assert next(iter(_pairs(_read_video(tmp_path, range(10, 13), range(1, 20), first_frame=0)))) == "out_0010.png"


def test_a_part_of_the_images_is_suspect(tmp_path: Path) -> None:
    conversion = _read_video(tmp_path, range(10, 13), range(11, 13))
    assert [f.action for f in conversion.findings if "first_frame" in f.reason] == ["suspect"]


def test_a_class_that_is_none_of_a_projects_choices_is_taken_and_noted(tmp_path: Path) -> None:
    regions = [
        {"shape_attributes": {"name": "rect", "x": 5 * i, "y": 6, "width": 4, "height": 4},
         "region_attributes": {"type": name}}
        for i, name in enumerate(("mitosis", "cell", "mitosis"))
    ]  # fmt: skip
    content = {
        "_via_img_metadata": {"a.png1": {"filename": "a.png", "regions": regions, "file_attributes": {}}},
        "_via_attributes": {"region": {"type": {"type": "dropdown", "options": {"cell": "", "dead": ""}}}},
    }
    (tmp_path / "p.json").write_text(json.dumps(content))
    conversion = read_annotations(tmp_path, _index("a.png"))
    assert conversion.annotations.n_objects == 3
    assert set(conversion.annotations.categories) == {"cell", "dead", "mitosis"}
    assert [(f.action, f.category) for f in conversion.findings] == [("noted", "mitosis")]
    chosen = read_annotations(tmp_path, _index("a.png"), classes=["cell"])
    assert (chosen.annotations.n_objects, chosen.objects_dropped) == (1, 2)


@needs_cases
def test_strangers_names_frames_and_classes_are_read() -> None:
    formats = CASES / "formats"
    stale = read_annotations(formats / "voc_stale_filename" / "labels", _index("b.png"))
    assert stale.annotations.boxes.tolist() == [[1, 1, 9, 9]]
    video = read_annotations(
        formats / "cvat_frames_numbered_from_1" / "labels", _index(*(f"out_000{n}.png" for n in (1, 2, 3)))
    )
    assert video.annotations.boxes[:, 0].tolist() == [1, 20, 40]
    assert video.annotations.image_index.tolist() == [0, 1, 2]
    via = read_annotations(formats / "via_class_not_among_options" / "labels", _index("a.png"))
    assert via.annotations.n_objects == 2
