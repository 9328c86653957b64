"""Long lists of large JSON files: the same entries as parsed whole, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.formats import coco
from cell_pipelines.annotations.formats.sources import json_lists
from cell_pipelines.annotations.formats.sources.json_lists import split_list
from cell_pipelines.annotations.images import ImageIndex

VALUES = st.recursive(
    st.integers(-5, 5) | st.floats(-1, 1) | st.booleans() | st.sampled_from(["", "{", "]", "a,b", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2),
    max_leaves=8,
)
ENTRIES = st.lists(st.dictionaries(st.sampled_from(["id", "bbox", "seg"]), VALUES, max_size=3), max_size=8)


@settings(max_examples=60, deadline=None)
@given(before=VALUES, entries=ENTRIES, after=VALUES, indent=st.none() | st.integers(0, 2), chunk=st.integers(1, 40))
def test_entries_are_those_of_the_whole_file(
    before: Any, entries: list[Any], after: Any, indent: int | None, chunk: int
) -> None:
    content = json.dumps({"info": before, "annotations": entries, "more": after}, indent=indent, ensure_ascii=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lists, "_CHUNK_BYTES", chunk)
        found = split_list(content.encode(), "annotations")
    if found is None:
        assert not entries
        return
    assert {**found, "annotations": list(found["annotations"])} == json.loads(content)
    assert [entry for part in found["annotations"].parts(3) for entry in part] == entries


@pytest.mark.parametrize(
    "content",
    [
        '{"annotations": []}',
        '{"annotations": [1, 2]}',
        '{"annotations": [{"a": "\\""}]}',
        '{"annotations": [{"a": 1}',
        '{"annotations": [{"a": 1}] "b": 2}',
        '{"annotations": [{"a": 1} junk {"a": 2}]}'.replace(" junk ", " " * 70),
        '{"info": {"annotations": [{"a": 1}]}, "annotations": 3}',
        '{"other": [{"a": 1}]}',
        "[]",
    ],
)
def test_what_cannot_be_split_is_left_to_the_whole_parser(content: str) -> None:
    assert split_list(content.encode(), "annotations") is None


def test_a_large_coco_file_gives_the_same_set_as_a_small_one(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, make_annotations: Any, index_of: Any, assert_equal_sets: Any
) -> None:
    annotations = make_annotations(5, geometries=("box", "point", "polygon", "mask"), scores=True)
    coco.write(annotations, tmp_path)
    monkeypatch.setattr(coco, "_LARGE_BYTES", 1)
    monkeypatch.setattr(coco, "BATCH", 3)
    conversion = coco.read(tmp_path, index_of(annotations))
    assert_equal_sets(annotations, conversion.annotations)


def test_a_large_file_with_damage_between_its_entries_is_skipped_whole(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco, "_LARGE_BYTES", 1)
    entry = '{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}'
    (tmp_path / "a.json").write_text(f'{{"images": [], "categories": [], "annotations": [{entry} {entry}]}}')
    conversion = coco.read(tmp_path, ImageIndex([]))
    assert conversion.objects_in == 0
    assert "no valid JSON" in conversion.findings[0].reason
