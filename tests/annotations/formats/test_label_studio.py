"""Label Studio's exports as it writes them, and what is written for its import."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats import label_studio
from cell_pipelines.annotations.formats.label_pictures.brush_runs import decode_brush, encode_brush
from cell_pipelines.annotations.formats.registry import read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord


def _result(value: dict[str, Any], kind: str = "rectanglelabels", **more: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "type": kind,
        "original_width": 200,
        "original_height": 100,
        "value": {**value, kind: ["cell"]},
        **more,
    }


BOX = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def _read(folder: Path, tasks: Any, *names: str, **options: Any) -> Conversion:
    (folder / "export.json").write_text(json.dumps(tasks))
    images = ImageIndex(ImageRecord(name, 200, 100) for name in names or ("a b.png",))
    conversion = label_studio.read(folder, images, **options)
    conversion.check()
    return conversion


def _task(result: list[Any], image: str = "/data/upload/3/0a1b2c3d-a%20b.png", **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": result}], "predictions": [], **more}


def _decode_slowly(stream: list[int]) -> list[int]:
    """Read the stream bit by bit, as its description says."""
    bits = [byte >> (7 - i) & 1 for byte in stream for i in range(8)]

    def take(count: int) -> int:
        taken = [bits.pop(0) for _ in range(count)]
        return sum(bit << (count - 1 - i) for i, bit in enumerate(taken))

    total, word, sizes = take(32), take(5) + 1, [take(4) + 1 for _ in range(4)]
    numbers: list[int] = []
    while len(numbers) < total:
        same, count = take(1), take(sizes[take(2)]) + 1
        numbers += [take(word)] * count if same else [take(word) for _ in range(count)]
    return numbers


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_a_brush_is_coded_to_the_pixel_and_as_the_description_says(
    seed: int, height: int, width: int, share: float
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    stream = encode_brush(mask)
    assert (decode_brush(stream, width, height) == mask).all()
    assert _decode_slowly(stream) == np.repeat(mask.ravel() * 255, 4).tolist()


def test_a_brush_of_long_runs_and_of_single_numbers_is_read() -> None:
    mask = np.zeros((400, 500), bool)
    mask[100:300] = True
    assert (decode_brush(encode_brush(mask), 500, 400) == mask).all()
    bits = (
        f"{8:032b}{7:05b}"
        + f"{2:04b}" * 4
        + "000"
        + f"{7:03b}"
        + "".join(f"{v:08b}" for v in (0, 0, 0, 127, 9, 9, 9, 128))
    )
    bits += "0" * (-len(bits) % 8)
    assert decode_brush([int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)], 2, 1).tolist() == [[False, True]]


@pytest.mark.parametrize(
    "stream", [None, 10**9, "AAAA", [], [1, 2], [300], [None], encode_brush(np.ones((3, 4), bool))[:-4]]
)
def test_a_brush_that_is_none_is_refused(stream: Any) -> None:
    with pytest.raises(ValueError, match=r"`rle`"):
        decode_brush(stream, 4, 3)


def test_every_region_with_an_area_is_read(tmp_path: Path) -> None:
    mask = np.zeros((100, 200), bool)
    mask[10:20, 30:50] = True
    results = [
        _result(BOX),
        _result({**BOX, "x": 50, "rotation": 90}),
        _result({"points": [[0, 0], [50, 0], [50, 50]], "closed": True}, "polygonlabels"),
        _result({"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 0}, "ellipselabels"),
        _result({"x": 25, "y": 75, "width": 0.5}, "keypointlabels"),
        _result({"format": "rle", "rle": encode_brush(mask)}, "brushlabels"),
        {"type": "relation", "from_id": "r", "to_id": "s"},
        {"id": "r", "type": "choices", "value": {"choices": ["good"]}},
    ]
    conversion = _read(tmp_path, [_task(results)])
    assert conversion.objects_in == 6
    boxes = conversion.annotations.boxes
    np.testing.assert_allclose(boxes[0], [20, 20, 80, 60])
    # It turns clockwise about its upper left corner (100, 20): 40 high goes to the left, 60 wide down.
    np.testing.assert_allclose(boxes[1], [60, 20, 100, 80])
    np.testing.assert_allclose(boxes[2:], [[0, 0, 100, 50], [80, 30, 120, 70], [50, 75, 50, 75], [30, 10, 50, 20]])
    assert [f.action for f in conversion.findings] == ["changed"]


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/3/0a1b2c3d-a%20b.png",
        "/data/local-files/?d=set/a%20b.png",
        "https://host/x/a%20b.png?sig=1",
        "s3://bucket/set/a%20b.png",
        "C:\\set\\a b.png",
        "a b.png",
    ],
)
def test_the_image_is_found_by_its_address(tmp_path: Path, image: str) -> None:
    assert _read(tmp_path, [_task([_result(BOX)], image)]).annotations.names == ["a b.png"]


def test_predictions_count_where_there_are_no_annotations_or_when_asked_for(tmp_path: Path) -> None:
    guess = {"model_version": "m", "result": [_result(BOX, score=0.25), _result(BOX)]}
    labelled, guessed = (
        _task([_result(BOX)], predictions=[guess]),
        _task([], "b.png", annotations=[], predictions=[guess]),
    )
    unlabelled = _task([], "c.png", annotations=[])
    tasks, names = [labelled, guessed, unlabelled], ("a b.png", "b.png", "c.png")
    assert _read(tmp_path, tasks, *names).annotations.counts().tolist() == [[1], [2]]
    assert _read(tmp_path, tasks, *names, source="predictions").annotations.counts().tolist() == [[2], [2]]
    assert _read(tmp_path, tasks, *names, source="annotations").annotations.names == ["a b.png"]


def test_the_short_export_is_read(tmp_path: Path) -> None:
    short = {"id": 1, "image": "a b.png", "label": [{**BOX, "rectanglelabels": ["cell"], "original_width": 200}]}
    conversion = _read(tmp_path, [short])
    np.testing.assert_allclose(conversion.annotations.boxes, [[20, 20, 80, 60]])


def test_a_label_may_stand_in_another_result_of_the_region(tmp_path: Path) -> None:
    results = [
        {"id": "q", "type": "rectangle", "value": BOX},
        {"id": "q", "type": "labels", "value": {**BOX, "labels": ["dead"]}},
        {"id": "p", "type": "rectangle", "value": BOX},
    ]
    conversion = _read(
        tmp_path, [_task(results[:1] + [{"id": "q", "type": "labels", "value": {"labels": ["dead"]}}] + results[2:])]
    )
    assert conversion.annotations.categories == ("dead",)
    assert (conversion.objects_in, conversion.objects_dropped) == (2, 1)


@pytest.mark.parametrize("score", [None, 0.5])
def test_scores_decide_whether_labels_are_predictions(tmp_path: Path, score: float | None) -> None:
    builder = AnnotationBuilder(["cell", "unused"])
    row = builder.add_image("a b.png", width=200, height=100)
    builder.add_image("empty.png", width=200, height=100)
    builder.add_box(row, "cell", (1, 1, 9, 9), score=score)
    label_studio.write(builder.build(), tmp_path)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    filled, empty = ("annotations", "predictions") if score is None else ("predictions", "annotations")
    assert all(len(task[filled]) == 1 and task[empty] == [] for task in tasks)
    assert tasks[0][filled][0]["result"][0].get("score") == score


def test_a_polygon_that_reaches_the_far_edge_is_not_cut_by_rounding(tmp_path: Path) -> None:
    for width in range(1, 200):
        builder = AnnotationBuilder(("cell",))
        row = builder.add_image("a.png", width=width, height=3)
        builder.add_polygon(row, "cell", [np.array([[0.0, 1.0], [0.0, 0.0], [width, 1.0]])])
        folder = tmp_path / str(width)
        write_annotations(builder.build(), folder, format="label_studio")
        again = read_annotations(folder, ImageIndex([ImageRecord("a.png", width, 3)]), format="label_studio")
        assert len(again.annotations.objects["rings"][0].as_py()[0]) == 6


def test_proposals_without_scores_are_written_as_predictions_when_asked_for(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    builder.add_box(builder.add_image("day 1/a.png", width=20, height=20), "cell", (1, 1, 9, 9))
    options = {"target": "predictions", "model": "intensity", "prefix": "/data/local-files/?d=my_images/"}
    write_annotations(builder.build(), tmp_path, format="label_studio", **options)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"] == {"image": "/data/local-files/?d=my_images/day 1/a.png"}
    assert [sorted(answer) for answer in task["predictions"]] == [["model_version", "result"]]
    assert task["annotations"] == []
    found = read_annotations(tmp_path, ImageIndex([ImageRecord("day 1/a.png", 20, 20)])).annotations
    assert found.boxes.tolist() == [[1, 1, 9, 9]]
    with pytest.raises(ValueError, match=r"`target` must be one of auto, annotations, predictions, got 'drafts'"):
        label_studio.write(builder.build(), tmp_path, target="drafts")  # type: ignore[arg-type]
