"""The formats of tables and of JSON lists: what is written comes back, and whatever lies there harms nobody."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths, run_lengths_box
from cell_pipelines.annotations.images import ImageIndex, ImageRecord, split_of
from cell_pipelines.annotations.schema import AnnotationSet

NAMES = (
    "create_ml", "napari_points", "point_list", "run_length_csv", "tensorflow_csv", "trackmate_csv", "via_csv",
    "via_json", "vott_csv", "vott_json",
)  # fmt: skip
IMAGES = ("a.png", "train/a.png", 'b c, "d".tif', "x/y.png", "x/y.jpg", "empty.png")
CLASSES = ("RBC", "class_10", "class_2", 'zelle, gro\u00df "1"')
HEIGHT, WIDTH = 24, 31

attribute_values = st.one_of(
    st.integers(-5, 10**6), st.booleans(), st.none(), st.text(max_size=5).filter(lambda t: t.isprintable()),
    st.floats(-10, 10), st.lists(st.integers(0, 3), max_size=2),
)  # fmt: skip
attribute_names = st.sampled_from(
    [
        "FRAME",
        "TRACK_ID",
        "RADIUS",
        "class",
        "score",
        "label",
        "axis-0",
        "attributes",
        "note",
        "Gr\u00f6\u00dfe mm",
        "x",
        "",
    ]
)
numbers = st.floats(0, 20, allow_nan=False).map(lambda v: round(v, 3))


def load(name: str) -> Any:
    """Return the module of a format."""
    return import_module(f"cell_pipelines.annotations.formats.{name}")


@st.composite
def sets(draw: st.DrawFn) -> AnnotationSet:
    """Draw a set of any geometry; one image never has an object."""
    builder = AnnotationBuilder(CLASSES)
    for name in IMAGES:
        split = draw(st.sampled_from([None, "train", "val", "test"]))
        image = builder.add_image(name, width=WIDTH, height=HEIGHT, split=split)
        for _ in range(draw(st.integers(0, 3)) if name != "empty.png" else 0):
            _add(draw, builder, image)
    return builder.build()


def _add(draw: st.DrawFn, builder: AnnotationBuilder, image: int) -> None:
    kind, category = draw(st.sampled_from(["box", "point", "polygon", "mask"])), draw(st.sampled_from(CLASSES))
    x, y = draw(numbers), draw(numbers)
    extra: dict[str, Any] = {
        "score": draw(st.one_of(st.none(), st.floats(0, 1, width=32))),
        "attributes": draw(st.dictionaries(attribute_names, attribute_values, max_size=3)) or None,
    }
    if kind == "box":
        builder.add_box(image, category, (x, y, x + draw(st.floats(0.5, 3)), y + draw(st.floats(0.5, 3))), **extra)
    elif kind == "point":
        builder.add_object(image, category, "point", (x, y, x, y), **extra)
    elif kind == "polygon":
        builder.add_polygon(image, category, [np.array([[x, y], [x + 3, y], [x + 1, y + 2.5]])], **extra)
    else:
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[int(y) : int(y) + draw(st.integers(1, 4)), int(x) : int(x) + draw(st.integers(1, 4))] = True
        mask[int(y), int(x)] = draw(st.booleans())
        mask[-1, -1] = draw(st.booleans()) or not mask.any()
        counts = mask_to_run_lengths(mask)
        builder.add_object(image, category, "mask", run_lengths_box(counts, HEIGHT), counts=counts, **extra)


def index() -> ImageIndex:
    """Return the images of the sets."""
    return ImageIndex(ImageRecord(name, WIDTH, HEIGHT) for name in IMAGES)


def described(annotations: AnnotationSet, near: Callable[..., Any] = lambda value, **_: value) -> dict[str, Any]:
    """Return what a set says, image by image, so that the order of images doesn't count."""
    objects = annotations.objects.to_pylist()
    said: dict[str, Any] = {}
    for record, rows in zip(annotations.images.to_pylist(), annotations.rows_by_image(), strict=True):
        listed = [_described(objects[row], annotations.categories, near) for row in rows]
        # Where the format holds no split, the folder states it.
        said[record["name"]] = (record["split"] or split_of(record["name"]), listed)
    return said


def _described(one: dict[str, Any], categories: tuple[str, ...], near: Callable[..., Any]) -> list[Any]:
    box = near([one[side] for side in ("x_min", "y_min", "x_max", "y_max")], abs=1e-3)
    rings = None if one["rings"] is None else [near(ring, abs=1e-3) for ring in one["rings"]]
    score = None if one["score"] is None else near(one["score"], abs=1e-6)
    attributes = json.loads(one["attributes"]) if one["attributes"] else None
    return [categories[one["category"]], one["geometry"], box, rings, one["counts"], score, attributes]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(annotations=sets())
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, annotations: AnnotationSet
) -> None:
    chosen = load(name)
    fitted, _ = adapt_to_format(annotations, chosen.CAPABILITIES)
    before = fitted.fingerprint()
    folder = tmp_path_factory.mktemp(name)
    assert chosen.write(fitted, folder) == ()
    assert fitted.fingerprint() == before
    conversion = chosen.read(folder, index())
    assert described(conversion.annotations) == described(fitted, pytest.approx)
    assert set(conversion.annotations.categories) == set(fitted.categories)
    assert conversion.objects_in == fitted.n_objects
    if fitted.n_objects:
        assert chosen.detect(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_without_images_and_one_without_objects_come_back(tmp_path: Path, name: str) -> None:
    chosen = load(name)
    builder = AnnotationBuilder()
    builder.add_image("a.png", width=WIDTH, height=HEIGHT)
    for folder, annotations in ((tmp_path / "none", AnnotationSet.empty()), (tmp_path / "bare", builder.build())):
        folder.mkdir()
        fitted, _ = adapt_to_format(annotations, chosen.CAPABILITIES)
        chosen.write(fitted, folder)
        assert described(chosen.read(folder, index()).annotations) == described(fitted, pytest.approx)


@pytest.mark.parametrize("name", NAMES)
def test_no_format_claims_what_another_one_wrote(tmp_path: Path, name: str) -> None:
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=WIDTH, height=HEIGHT)
    builder.add_box(image, "cell", (1, 1, 4, 5))
    fitted, _ = adapt_to_format(builder.build(), load(name).CAPABILITIES)
    if not fitted.n_objects:
        builder.add_object(image, "cell", "point", (1, 1, 1, 1))
        fitted, _ = adapt_to_format(builder.build(), load(name).CAPABILITIES)
    load(name).write(fitted, tmp_path)
    assert [other for other in NAMES if load(other).detect(tmp_path)] == [name]


def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    kind = draw(st.sampled_from(["cut", "bytes", "value"]))
    if not content or kind == "cut":
        return content[: draw(st.integers(0, len(content)))]
    if kind == "bytes":
        place = draw(st.integers(0, len(content) - 1))
        return content[:place] + draw(st.binary(max_size=6)) + content[place + draw(st.integers(0, 4)) :]
    values = (
        b"NaN",
        b"-1e999",
        b"9" * 5000,
        b"true",
        b"null",
        b"[[[[",
        b"{}",
        b'"\\ud800"',
        b"\0",
        b"1,5",
        b"../../x",
        b'"',
    )
    digits = [i for i, byte in enumerate(content) if 48 <= byte < 58] or [0]
    place = draw(st.sampled_from(digits))
    return content[:place] + draw(st.sampled_from(values)) + content[place + 1 :]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, deadline=None)
@given(annotations=sets(), data=st.data())
def test_damaged_files_end_in_findings_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, annotations: AnnotationSet, data: st.DataObject
) -> None:
    chosen = load(name)
    folder = tmp_path_factory.mktemp(name)
    chosen.write(adapt_to_format(annotations, chosen.CAPABILITIES)[0], folder)
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.is_file())))
    path.write_bytes(data.draw(st.composite(_damaged)(path.read_bytes())))
    chosen.detect(folder)
    try:
        chosen.read(folder, index()).check()
    except AnnotationFormatError as error:
        assert str(error)


@pytest.mark.parametrize("name", NAMES)
def test_links_that_lead_out_are_not_followed(tmp_path: Path, name: str) -> None:
    builder = AnnotationBuilder()
    image = builder.add_image("a.png", width=WIDTH, height=HEIGHT)
    builder.add_object(image, "cell", "point", (1, 1, 1, 1))
    builder.add_box(image, "cell", (1, 1, 4, 5))
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for place in (outside, folder):
        place.mkdir()
    load(name).write(adapt_to_format(builder.build(), load(name).CAPABILITIES)[0], outside)
    for path in outside.iterdir():
        (folder / path.name).symlink_to(path)
    assert load(name).detect(folder) is None
    assert load(name).read(folder, index()).objects_in == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_anything_is_not_claimed_and_reads_as_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("cells of Monday")
    (tmp_path / "settings.json").write_text('{"images": 3}')
    (tmp_path / "layout.csv").write_text("well;dose\nA1;3\n")
    assert load(name).detect(tmp_path) is None
    assert load(name).read(tmp_path, index()).annotations.n_images == 0
    assert load(name).read(tmp_path, index(), unlabelled="background").annotations.n_images == len(IMAGES)
