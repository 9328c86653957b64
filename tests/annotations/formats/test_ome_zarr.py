"""OME-Zarr labels: files that zarr-python writes as the specification says, and what our own writer leaves for it."""

import errno
import json
import sys

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.ome_zarr import detect, read, write
from cell_pipelines.annotations.formats.parts import ome_zarr_writing
from cell_pipelines.annotations.formats.registry import (
    detect_format,
    fit_annotations,
    read_annotations,
    write_annotations,
)
from cell_pipelines.annotations.images import FilePlane, ImageIndex, ImageRecord
from cell_pipelines.imaging.description import ImageSelection
from cell_pipelines.imaging.listing import list_folder
from cell_pipelines.imaging.reading import list_image_files

zarr = pytest.importorskip("zarr")

NUCLEI = np.zeros((8, 10), np.int32)
NUCLEI[1:3, 1:4], NUCLEI[5:7, 5:9] = 4, 7
CELLS = np.zeros((8, 10), np.int32)
CELLS[0:4, 0:5], CELLS[4:8, 4:10] = 4, 7


def _put(folder, attributes, version):
    group = zarr.open_group(str(folder), mode="a", zarr_format=3 if version == "0.5" else 2)
    group.attrs.update({"ome": {"version": version, **attributes}} if version == "0.5" else attributes)
    return group


def add_labels(image, name, labels, *, version="0.5", axes="yx", described=None, path="0", chunks=None):
    """Add a label image to an image, as the specification says; 0.4 is Zarr 2, 0.5 is Zarr 3."""
    home = image / "labels"
    listed = zarr.open_group(str(home), mode="r").attrs.asdict() if home.is_dir() else {}
    names = [*listed.get("ome", listed).get("labels", []), name]
    _put(home, {"labels": names}, version)
    scale = {"type": "scale", "scale": [1.0] * len(axes)}
    entry = {
        "axes": [{"name": axis} for axis in axes],
        "datasets": [{"path": path, "coordinateTransformations": [scale]}],
    }
    group = _put(home / name, {"multiscales": [entry], "image-label": described or {}}, version)
    group.create_array("0", shape=labels.shape, dtype=labels.dtype, chunks=chunks or labels.shape)[...] = labels


def index(*names):
    return ImageIndex([ImageRecord(name, 10, 8) for name in names])


def classes(annotations):
    return [annotations.categories[number] for number in annotations.category]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_each_number_of_each_label_image_is_an_object_of_its_class(tmp_path, version):
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI, version=version)
    add_labels(tmp_path / "a.zarr", "cells", CELLS, version=version)
    name, reason = detect_format(tmp_path)
    assert name == "ome_zarr"
    assert reason.startswith("a.zarr/labels/") and reason.endswith("lists label images")
    conversion = read_annotations(tmp_path, index("a.zarr"))
    conversion.check_strict()
    found = conversion.annotations
    assert list(zip(classes(found), found.boxes.tolist(), strict=True)) == [
        ("nuclei", [1, 1, 4, 3]), ("cells", [0, 0, 5, 4]), ("nuclei", [5, 5, 9, 7]), ("cells", [4, 4, 10, 8]),
    ]  # fmt: skip
    assert json.loads(found.objects["attributes"][0].as_py()) == {"label": 4}
    assert classes(read(tmp_path, index("a.zarr"), labels=["cells"], category="cell").annotations) == ["cell", "cell"]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_properties_give_class_score_and_attributes(tmp_path, version):
    properties = [
        {"label-value": 4.0, "class": "mitosis", "score": 0.25, "area_um2": 12.5},
        {"label-value": 7, "class": 3, "score": 40, "track": [1, 2]},
        {"label-value": "x"}, 5, {"class": "y"}, {"label-value": 7.5, "class": "z"}, {"label-value": True},
        {"label-value": float("inf")},
    ]  # fmt: skip
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI, version=version, described={"properties": properties})
    found = read(tmp_path, index("a.zarr")).annotations
    assert classes(found) == ["mitosis", "nuclei"]
    assert found.scores.tolist() == [0.25, pytest.approx(np.nan, nan_ok=True)]
    attributes = [json.loads(text.as_py()) for text in found.objects["attributes"]]
    assert attributes == [{"label": 4, "area_um2": 12.5}, {"label": 7, "score": 40, "track": [1, 2]}]


def test_labels_of_a_plate_belong_to_the_fields_that_the_image_reader_lists(tmp_path):
    plate = zarr.open_group(str(tmp_path / "plate.zarr"), mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": "B/3"}, {"path": "C/10"}], "version": "0.4"}
    for number, well in enumerate(("B/3", "C/10")):
        plate.require_group(well).attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}]}
        for field in (0, 1):
            image = tmp_path / "plate.zarr" / well / str(field)
            entry = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]}
            group = _put(image, {"multiscales": [entry]}, "0.4")
            group.create_array("0", shape=(8, 10), dtype="u2", chunks=(8, 10))[...] = 1
            add_labels(image, "nuclei", np.where(NUCLEI == 4, 0, NUCLEI) if number else NUCLEI, version="0.4")
    for folder in (tmp_path, tmp_path / "plate.zarr"):
        names = list(list_image_files(folder))
        found = read_annotations(folder, index(*names)).annotations
        assert found.names == [f"plate.zarr/{well}/{field}" for well in ("B/3", "C/10") for field in (0, 1)]
        assert found.counts().sum(axis=1).tolist() == [2, 2, 1, 1]
    one_well = read(tmp_path / "plate.zarr" / "C", index(*names)).annotations
    assert one_well.names == ["plate.zarr/C/10/0", "plate.zarr/C/10/1"]
    labels = tmp_path / "plate.zarr" / "B" / "3" / "1" / "labels"
    assert read(labels, index(*names)).annotations.names == ["plate.zarr/B/3/1"]


def test_what_was_written_for_a_field_can_be_copied_into_its_plate(tmp_path):
    builder = AnnotationBuilder()
    row = builder.add_image("plate.zarr/B/3/0", width=10, height=8)
    builder.add_box(row, "cell", (1, 1, 4, 4))
    write_annotations(builder.build(), tmp_path, format="ome_zarr")
    assert [path.name for path in (tmp_path / "plate.zarr/B/3/0").iterdir()] == ["labels"]
    assert list_folder(tmp_path) == ([], []), "labels alone are no images, and nothing that can't be read"


@pytest.mark.parametrize("axes", ["tyx", "tczyx", "zyx"])
def test_an_image_takes_the_labels_of_its_own_plane(tmp_path, axes):
    stack = np.stack([NUCLEI, np.where(NUCLEI == 4, 0, NUCLEI)])
    add_labels(tmp_path / "film.zarr", "nuclei", stack.reshape(2, 1, 1, 8, 10) if axes == "tczyx" else stack, axes=axes)
    lengths = (1, 2, 3) if axes == "zyx" else (2, 1, 3)
    planes = [{"z": 1} if axes == "zyx" else {"time": number} for number in (0, 1)]
    records = [
        ImageRecord(f"film.zarr/t000{number}", 10, 8, plane=FilePlane("film.zarr", lengths, **plane))
        for number, plane in enumerate(planes)
    ]
    found = read(tmp_path, ImageIndex(records)).annotations
    assert found.counts().sum(axis=1).tolist() == ([1, 1] if axes == "zyx" else [2, 1])


def test_labels_of_a_film_go_with_the_images_that_its_reader_gives(tmp_path):
    film = np.random.default_rng(0).integers(0, 99, (2, 8, 10)).astype("u2")
    entry = {"axes": [{"name": axis} for axis in "tyx"], "datasets": [{"path": "0"}]}
    group = _put(tmp_path / "film.zarr", {"multiscales": [entry]}, "0.5")
    group.create_array("0", shape=film.shape, dtype="u2", chunks=(1, 8, 10))[...] = film
    add_labels(tmp_path / "film.zarr", "nuclei", np.stack([NUCLEI, NUCLEI * 0]), axes="tyx")
    files = list_image_files(tmp_path, ImageSelection(time="each"))
    records = [
        ImageRecord(name, 10, 8, plane=FilePlane("film.zarr", (2, 1, 1), time=number))
        for number, name in enumerate(files)
    ]
    found = read(tmp_path, ImageIndex(records)).annotations
    assert found.names == ["film.zarr/t0000", "film.zarr/t0001"]
    assert found.counts().sum(axis=1).tolist() == [2, 0]


def test_what_cannot_be_assigned_to_one_plane_is_listed(tmp_path):
    stack = np.stack([NUCLEI, NUCLEI])
    add_labels(tmp_path / "stack.zarr", "nuclei", stack, axes="zyx")
    add_labels(tmp_path / "long.zarr", "nuclei", stack, axes="tyx")
    add_labels(tmp_path / "colour.zarr", "nuclei", stack, axes="cyx")
    records = [
        ImageRecord("stack.zarr", 10, 8, plane=FilePlane("stack.zarr", (1, 2, 1), z=None)),
        ImageRecord("long.zarr", 10, 8), ImageRecord("colour.zarr", 10, 8),
    ]  # fmt: skip
    conversion = read(tmp_path, ImageIndex(records))
    assert conversion.annotations.n_images == 0
    reasons = {finding.file: finding.reason for finding in conversion.findings}
    assert "the image is a projection of all" in reasons["stack.zarr/labels/nuclei"]
    assert "expected labels of 1 time points, as their image has, or 1, got 2" in reasons["long.zarr/labels/nuclei"]
    assert "expected labels of one channel, got 2" in reasons["colour.zarr/labels/nuclei"]


def test_labels_of_half_the_resolution_are_scaled_and_listed(tmp_path):
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI)
    conversion = read(tmp_path, ImageIndex([ImageRecord("a.png", 20, 16)]))
    assert conversion.annotations.boxes.tolist() == [[2, 2, 8, 6], [10, 10, 18, 14]]
    assert [finding.action for finding in conversion.findings] == ["changed"]
    other = read(tmp_path, ImageIndex([ImageRecord("a.png", 33, 16)]))
    assert other.annotations.n_images == 0
    assert any("is said to have 10x8 pixels" in finding.reason for finding in other.findings)


def _transform(folder, *steps, of_all=(), axes="yx"):
    """State scales and translations of an image or a label image."""
    dataset = {"path": "0", "coordinateTransformations": [{"type": kind, kind: v} for kind, v in steps]}
    whole = [{"type": kind, kind: v} for kind, v in of_all]
    entry = {"axes": [{"name": axis} for axis in axes], "datasets": [dataset], "coordinateTransformations": whole}
    _put(folder, {"multiscales": [entry]}, "0.5")


SHIFTED = {
    "in the level": ([("scale", [1, 1]), ("translation", [0, 4])], []),
    "for all levels": ([("scale", [1, 1])], [("translation", [8, 0])]),
    "in the level, then scaled": ([("translation", [0, 2])], [("scale", [1, 2])]),
    "away from an image at the stage": ([("scale", [1, 1]), ("translation", [100, 204])], []),
    "of other numbers than axes": ([("translation", [0, 0, 4])], []),
}


@pytest.mark.parametrize("shift", SHIFTED)
def test_labels_of_a_part_of_their_image_are_not_stretched_over_it(tmp_path, shift):
    steps, of_all = SHIFTED[shift]
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI[:, :5])
    _transform(tmp_path / "a.zarr/labels/nuclei", *steps, of_all=of_all)
    if "stage" in shift:
        _transform(tmp_path / "a.zarr", ("translation", [0, 100, 200]), axes="zyx")
    conversion = read(tmp_path, index("a.zarr"))
    assert conversion.annotations.n_images == 0
    (finding,) = [f for f in conversion.findings if f.file == "a.zarr/labels/nuclei"]
    assert finding.action == "skipped"
    assert "`translation`" in finding.reason


def test_labels_that_begin_where_their_image_does_are_read(tmp_path):
    for name in ("a.zarr", "b.zarr", "c.zarr"):
        add_labels(tmp_path / name, "nuclei", NUCLEI[::2, ::2] if name == "c.zarr" else NUCLEI)
    _transform(tmp_path / "a.zarr", ("translation", [0, 100, 200]), axes="zyx")
    _transform(tmp_path / "a.zarr/labels/nuclei", ("scale", [2, 2]), of_all=[("translation", [100, 200])])
    _transform(tmp_path / "b.zarr/labels/nuclei", ("scale", [1, 1]), ("translation", [0, 0]))
    # Pixels of twice the size have their centres half a pixel further.
    _transform(tmp_path / "c.zarr/labels/nuclei", ("scale", [2, 2]), ("translation", [0.5, 0.5]))
    found = read(tmp_path, index("a.zarr", "b.zarr", "c.zarr")).annotations
    assert found.names == ["a.zarr", "b.zarr", "c.zarr"]


def test_overlapping_objects_of_one_class_are_kept_in_further_label_images(tmp_path):
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=20, height=20)
    for start in (0, 2, 4, 11):
        builder.add_box(row, "cell", (start, start, start + 5, start + 5), score=start / 20)
    builder.add_box(row, "nucleus", (1, 1, 3, 3))
    assert not [f for f in write_annotations(builder.build(), tmp_path, format="ome_zarr") if "pixels" in f.reason]
    group = zarr.open_group(str(tmp_path / "a.zarr" / "labels"), mode="r")
    assert group.attrs["ome"]["labels"] == ["cell", "cell_2", "cell_3", "nucleus"]
    assert [np.unique(group[f"{name}/0"][:]).tolist()[1:] for name in group.attrs["ome"]["labels"]] == [
        [1, 4], [2], [3], [5],
    ]  # fmt: skip
    found = read(tmp_path, ImageIndex([ImageRecord("a.png", 20, 20)])).annotations
    assert found.boxes[:, 0].tolist() == [0, 2, 4, 11, 1]
    assert classes(found) == ["cell"] * 4 + ["nucleus"]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_levels_scales_colours_and_properties_are_written_as_the_specification_says(tmp_path, version):
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=2500, height=1100, pixel_height_um=0.5, pixel_width_um=0.25)
    builder.add_box(row, "cell", (100, 200, 2400, 1000), score=0.75, attributes={"stain": "DAPI"})
    write_annotations(builder.build(), tmp_path, format="ome_zarr", version=version)
    group = zarr.open_group(str(tmp_path / "a.zarr" / "labels" / "cell"), mode="r")
    assert group.metadata.zarr_format == (3 if version == "0.5" else 2)
    ome = group.attrs["ome"] if version == "0.5" else group.attrs
    (entry,) = ome["multiscales"]
    assert (ome if version == "0.5" else entry)["version"] == version
    assert entry["axes"] == [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"]
    arrays = [group[level["path"]] for level in entry["datasets"]]
    assert [array.shape for array in arrays] == [(1100, 2500), (550, 1250), (275, 625)]
    assert {array.dtype.name for array in arrays} == {"int32"}
    scales = [level["coordinateTransformations"][0]["scale"] for level in entry["datasets"]]
    assert scales == [[0.5, 0.25], [1.0, 0.5], [2.0, 1.0]]
    for array, factor in zip(arrays, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(array[:], arrays[0][::factor, ::factor])
    described = ome["image-label"]
    assert described["properties"] == [
        {"label-value": 1, "class": "cell", "score": 0.75, "attributes": {"stain": "DAPI"}}
    ]
    assert [sorted(colour) for colour in described["colors"]] == [["label-value", "rgba"]]
    assert described["source"] == {"image": "../../"}


def test_names_of_classes_become_names_of_folders_and_come_back(tmp_path):
    names = ["a/b", "..", "Cell", "cell", "__x", " größe ", "x.", "*"]
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=99, height=9)
    for number, name in enumerate(names):
        builder.add_box(row, name, (10 * number, 0, 10 * number + 5, 5))
    write_annotations(builder.build(), tmp_path, format="ome_zarr")
    folders = [path.name for path in (tmp_path / "a.zarr" / "labels").iterdir() if path.is_dir()]
    assert len({name.lower() for name in folders}) == len(names)
    assert not [name for name in folders if name.startswith(("_", ".", " ")) or name.endswith((".", " "))]
    assert classes(read(tmp_path, ImageIndex([ImageRecord("a.png", 99, 9)])).annotations) == names


def test_labels_of_another_program_are_not_written_over(tmp_path):
    builder = AnnotationBuilder()
    builder.add_box(builder.add_image("a.zarr", width=10, height=8), "cell", (1, 1, 4, 4))
    for _ in range(2):
        write(builder.build(), tmp_path / "own")
    add_labels(tmp_path / "other" / "a.zarr", "nuclei", NUCLEI)
    with pytest.raises(AnnotationFormatError, match="labels of another program lie there"):
        write(builder.build(), tmp_path / "other")
    with pytest.raises(ValueError, match=r"`version` must be one of 0\.5, 0\.4, got '0\.3'"):
        write(builder.build(), tmp_path / "third", version="0.3")


@pytest.mark.parametrize(("name", "listed"), [("manual", True), ("manual", False), ("cell/manual", True)])
def test_labels_that_another_program_added_to_ours_are_not_deleted(tmp_path, name, listed):
    builder = AnnotationBuilder()
    for image in ("a.zarr", "b.zarr"):
        builder.add_box(builder.add_image(image, width=10, height=8), "cell", (1, 1, 4, 4))
    write(builder.build(), tmp_path)
    described = (tmp_path / "b.zarr/labels/zarr.json").read_bytes()
    add_labels(tmp_path / "b.zarr", name, NUCLEI)
    if not listed:
        (tmp_path / "b.zarr/labels/zarr.json").write_bytes(described)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(AnnotationFormatError, match=f"b.zarr/labels/{name}: .* labels of another program lie there"):
        write(builder.build(), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before, "nothing was written"


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_interrupted_write_leaves_whole_images_and_can_be_repeated(tmp_path, monkeypatch, version):
    builder = AnnotationBuilder()
    for image in ("a.png", "b.png"):
        row = builder.add_image(image, width=10, height=8)
        for category, start in (("cell", 1), ("nucleus", 5)):
            builder.add_box(row, category, (start, 1, start + 3, 4))
    annotations, _ = fit_annotations(builder.build(), "ome_zarr")
    records, written = ImageIndex([ImageRecord(name, 10, 8) for name in ("a.png", "b.png")]), []

    def interrupted(category, labels, described):
        written.append(category)
        if len(written) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return describe(category, labels, described)

    describe = ome_zarr_writing._describe_labels
    monkeypatch.setattr(ome_zarr_writing, "_describe_labels", interrupted)
    with pytest.raises(OSError, match=r"b\.zarr/labels: can't be written: the disk is full"):
        write(annotations, tmp_path, version=version)
    assert read(tmp_path, records).annotations.names == ["a.png"]
    assert not list((tmp_path / "b.zarr").iterdir())
    monkeypatch.undo()
    write(annotations, tmp_path, version=version)
    assert read(tmp_path, records).annotations.n_objects == 4


def test_long_names_of_classes_are_shortened_as_folders_alone(tmp_path):
    names = ["größe" * 100, "größe" * 100 + " 2", "x" * 300]
    builder = AnnotationBuilder()
    row = builder.add_image("a.png", width=99, height=9)
    for number, name in enumerate(names):
        builder.add_box(row, name, (10 * number, 0, 10 * number + 5, 5))
    write_annotations(builder.build(), tmp_path, format="ome_zarr")
    assert classes(read(tmp_path, ImageIndex([ImageRecord("a.png", 99, 9)])).annotations) == names


def _damage_chunks(image):
    for path in (image / "labels" / "nuclei" / "0" / "c").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")


def _edit(image, file, **changes):
    path = image / "labels" / "nuclei" / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


_LINE = {
    "dimension_names": None,
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [80]}},
}
DAMAGE = {
    "a damaged chunk": (_damage_chunks, "expected a whole label image"),
    "no JSON": (lambda image: (image / "labels/nuclei/zarr.json").write_text("{"), "expected JSON"),
    "no multiscales": (lambda image: _edit(image, "zarr.json", attributes={"ome": {}}), "name `multiscales`"),
    "an array that is a group": (lambda image: _edit(image, "0/zarr.json", node_type="group"), "expected a whole"),
    "pickled numbers": (
        lambda image: _edit(image, "0/zarr.json", codecs=[{"name": "numcodecs.pickle"}]), "packed by 'numcodecs.pickle'"
    ),
    "a huge chunk": (
        lambda image: _edit(
            image, "0/zarr.json",
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": [1 << 20, 1 << 20]}},
        ),
        "chunks no larger than the array",
    ),
    "a huge array": (lambda image: _edit(image, "0/zarr.json", shape=[1 << 20, 1 << 20]), "got 1048576x1048576"),
    "fractions": (lambda image: _edit(image, "0/zarr.json", data_type="float32"), "must be whole numbers"),
    "fewer axes than described": (lambda image: _edit(image, "0/zarr.json", shape=[80], **_LINE), "array of 2 axes"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_label_image_is_named_and_the_others_are_read(tmp_path, damage):
    hurt, said = DAMAGE[damage]
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI)
    add_labels(tmp_path / "b.zarr", "nuclei", NUCLEI)
    hurt(tmp_path / "a.zarr")
    conversion = read(tmp_path, index("a.zarr", "b.zarr"))
    conversion.check()
    assert conversion.annotations.names == ["b.zarr"]
    (finding,) = [f for f in conversion.findings if f.file == "a.zarr/labels/nuclei"]
    assert finding.action == "skipped"
    assert said in finding.reason
    assert str(tmp_path) not in finding.reason


@pytest.mark.parametrize("named", ["../../secret", "/etc", "..", "a\\..\\b"])
def test_a_description_names_no_place_outside(tmp_path, named):
    add_labels(tmp_path / "secret", "nuclei", NUCLEI)
    add_labels(tmp_path / "in" / "a.zarr", "nuclei", NUCLEI, path=named)
    add_labels(tmp_path / "in" / "b.zarr", "nuclei", NUCLEI)
    _put(tmp_path / "in" / "b.zarr" / "labels", {"labels": [named]}, "0.5")
    conversion = read(tmp_path / "in", index("a.zarr", "b.zarr"))
    assert conversion.annotations.n_images == 0
    assert sum("expected the path of a folder in it" in finding.reason for finding in conversion.findings) == 2


def test_labels_without_image_and_labels_that_were_not_asked_for_are_listed(tmp_path):
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI)
    add_labels(tmp_path / "lost.zarr", "nuclei", NUCLEI)
    reasons = {f.file: f.reason for f in read(tmp_path, index("a.zarr")).findings}
    assert reasons == {"lost.zarr/labels": "label without image: no image, or more than one, is called 'lost.zarr'."}
    (finding, image) = read(tmp_path / "a.zarr", index("a.zarr"), labels=["cells"]).findings
    assert finding.reason == "expected label images called cells; it lists nuclei."
    assert (image.file, image.action) == ("a.zarr", "skipped")


def test_a_background_alone_is_an_image_without_cells_and_doubts_are_told(tmp_path):
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI * 0)
    scattered = np.zeros((8, 10), np.int32)
    scattered[::2, ::2] = 3
    add_labels(tmp_path / "b.zarr", "nuclei", scattered)
    conversion = read_annotations(tmp_path, index("a.zarr", "b.zarr"))
    assert conversion.annotations.names == ["a.zarr", "b.zarr"]
    assert [(f.file, f.action) for f in conversion.findings] == [("b.zarr/labels/nuclei", "suspect")]


def test_an_installation_without_zarr_says_what_to_install(tmp_path, monkeypatch):
    add_labels(tmp_path / "a.zarr", "nuclei", NUCLEI)
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert detect(tmp_path)
    with pytest.raises(AnnotationFormatError, match=r"reading OME-Zarr needs .*pip install 'cell-pipelines\[zarr\]'"):
        read(tmp_path, index("a.zarr"))
    with pytest.raises(AnnotationFormatError, match=r"writing OME-Zarr needs .*pip install 'cell-pipelines\[zarr\]'"):
        write(AnnotationBuilder().build(), tmp_path / "out")
