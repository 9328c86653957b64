"""Counting in Python: whatever stands for images, one result, and files only where they were asked for."""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cell_pipelines
from cell_pipelines import count, load_model
from cell_pipelines.annotations.formats.registry import FORMATS, read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFormatError, list_image_files, write_image
from cell_pipelines.inference.symmetries import ALL_SYMMETRIES, Symmetry
from cell_pipelines.workflows.regions import read_regions


@pytest.fixture
def folder(tmp_path, squares_image):
    place = tmp_path / "my cells, Köln"
    for n in range(4):
        write_image(squares_image(n), place / f"{n} ü.png")
    return place


@pytest.fixture
def result(folder, squares_model):
    return count(folder, squares_model)


def test_the_package_names_its_functions_and_loads_them_when_they_are_asked_for():
    assert set(cell_pipelines.__all__) <= set(dir(cell_pipelines))
    assert all(callable(getattr(cell_pipelines, name)) for name in cell_pipelines.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'cuont'"):
        _ = cell_pipelines.cuont


def test_what_counts_cells_loads_nothing_of_what_trains_compares_or_draws():
    program = (
        "import sys\n"
        "from cell_pipelines import count\n"
        "heavy = {'torch', 'kedro', 'mlflow', 'ultralytics', 'lightning', 'matplotlib', 'numba', 'scipy.stats',\n"
        "         'scipy.optimize', 'sklearn', 'segmentation_models_pytorch', 'xlsxwriter'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_folder_gives_one_row_per_image_and_one_row_per_cell(result):
    assert result.table["image"].tolist() == [f"{n} ü.png" for n in range(4)]
    assert result.table["total"].tolist() == [0, 1, 2, 3]
    assert result.cells.groupby("image").size().to_dict() == {f"{n} ü.png": n for n in (1, 2, 3)}
    first = result.cells.iloc[0]
    assert (first["center_x_px"], first["center_y_px"]) == pytest.approx((10, 10), abs=2)
    assert first["area_px2"] == pytest.approx(144, rel=0.3)


@pytest.mark.parametrize("kind", ["array", "list", "path", "text", "pattern", "paths", "home"])
def test_whatever_stands_for_images_gives_the_same_count(kind, folder, squares_image, squares_model, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    given = {
        "array": squares_image(3), "list": [squares_image(3)], "path": folder / "3 ü.png",
        "text": str(folder / "3 ü.png"), "pattern": str(folder / "3*.png"), "paths": [folder / "3 ü.png"],
        "home": "~/my cells, Köln/3 ü.png",
    }[kind]  # fmt: skip
    assert count(given, squares_model).table["total"].tolist() == [3]


@pytest.mark.parametrize("make", [
    lambda image: image[..., None], lambda image: np.repeat(image[..., None], 3, axis=2),
    lambda image: image.astype(np.uint16) * 257, lambda image: image.astype(np.float32) / 255,
    lambda image: image.astype(np.float64) / 255, lambda image: image > 100, lambda image: image[::-1].T,
], ids=["one channel", "three channels", "16 bit", "float", "double", "bool", "not contiguous"])  # fmt: skip
def test_arrays_of_every_shape_and_type_give_the_same_count(make, squares_image, squares_model):
    assert count(make(squares_image(3)), squares_model).table["total"].tolist() == [3]


def test_an_array_counts_as_its_file_does_and_is_left_as_it_was(folder, squares_image, squares_model, result):
    array = squares_image(3)
    other = count(array, squares_model)
    assert (array == squares_image(3)).all()
    columns = [name for name in other.cells if name != "image"]
    expected = result.cells[result.cells["image"] == "3 ü.png"][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(other.cells[columns], expected)


def test_one_channel_of_several_is_taken_by_its_number(squares_image, squares_model):
    image = np.stack([np.zeros((64, 64), np.uint8), squares_image(3)], axis=-1)
    assert count(image, squares_model, channel=1).table["total"].tolist() == [3]
    assert count(image, squares_model, channel=0).table["total"].tolist() == [0]


def test_the_threshold_is_that_of_the_call_and_the_table_says_so(folder, squares_model):
    table = count(folder, squares_model, threshold=0.75).table
    assert table["thresholds"].str.contains("0.75").all()
    assert not table["warning"].str.contains("defaults").any()


def test_a_network_is_averaged_over_turns_and_mirror_images_where_that_is_asked_for(
    squares_image, squares_model, monkeypatch
):
    plain, seen, apply = count(squares_image(3), squares_model), [], Symmetry.apply
    monkeypatch.setattr(Symmetry, "apply", lambda self, maps: seen.append(self) or apply(self, maps))
    averaged = count(squares_image(3), squares_model, test_time_augmentation=True)
    assert set(seen) == set(ALL_SYMMETRIES)
    assert averaged.table["total"].tolist() == plain.table["total"].tolist()


def test_what_cannot_be_averaged_is_said(squares_image, squares_model):
    detector = replace(load_model(squares_model), kind="yolo")
    with pytest.raises(MistakeError, match="`test_time_augmentation` is of segmentation networks .* not of yolo"):
        count(squares_image(3), detector, test_time_augmentation=True)


def test_an_image_that_cannot_be_read_has_a_row_and_the_others_are_counted(folder, squares_model):
    (folder / "broken.png").write_bytes(b"no image")
    result = count(folder, squares_model)
    assert result.failed["image"].tolist() == ["broken.png"]
    assert result.table["total"].fillna(-1).tolist() == [0, 1, 2, 3, -1]


def test_scores_are_removed_from_the_temporary_folder(folder, squares_model, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    count(folder, squares_model)
    assert not list(place.iterdir())


def test_all_is_written_into_a_new_folder(folder, squares_model, tmp_path):
    result = count(folder, squares_model, out=tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "counts.csv")
    assert written["total"].tolist() == result.table["total"].tolist()
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 4
    assert {"cells.csv", "counts.xlsx", "report.html", "annotations"} <= {p.name for p in (tmp_path / "out").iterdir()}
    with pytest.raises(MistakeError, match="it holds something"):
        count(folder, squares_model, out=tmp_path / "out")


def write_regions(folder, *names):
    """Write a region at the top of each image that is named, as QuPath does."""
    ring = [[0, 0], [64, 0], [64, 20], [0, 20], [0, 0]]
    region = {
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "name": "top", "classification": {"name": "stroma"}},
    }  # fmt: skip
    folder.mkdir()
    for name in names:
        text = json.dumps({"type": "FeatureCollection", "features": [region]})
        (folder / f"{name}.geojson").write_text(text, encoding="utf-8")


def test_cells_are_counted_within_regions_and_the_page_has_them(folder, squares_model, tmp_path):
    write_regions(tmp_path / "regions", "2 ü", "3 ü")
    result = count(folder, squares_model, regions=tmp_path / "regions", pixel_size=0.5, out=tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "regions.csv")
    tops = (result.cells["center_y_px"] < 20).groupby(result.cells["image"]).sum()
    assert table["total"].tolist() == [tops["2 ü.png"], tops["3 ü.png"]]
    assert table["cells_per_mm2"].tolist() == pytest.approx((table["total"] / (64 * 20 * 0.25e-6)).tolist())
    assert result.in_regions.outside == 5 - table["total"].sum()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Counts in regions" in page
    assert f"{result.in_regions.outside} cells of these images lie in no region" in page


def test_regions_of_no_image_are_told(folder, tmp_path, caplog):
    write_regions(tmp_path / "regions", "2 ü", "of nothing")
    regions = read_regions(list_image_files(folder), tmp_path / "regions")
    assert regions.n_objects == 1
    (told,) = caplog.messages
    assert "not every region is counted in" in told
    assert "of nothing.geojson" in told and "3 ü.png" not in told


def test_missing_regions_are_a_mistake_before_anything_is_counted(folder, squares_model, tmp_path, monkeypatch):
    monkeypatch.setattr("cell_pipelines.api.find_cells", lambda *_: pytest.fail("cells before the mistake"))
    with pytest.raises(MistakeError, match="expected annotations; there is no regions"):
        count(folder, squares_model, regions=tmp_path / "regions")


def test_what_is_written_for_qupath_reads_back_as_the_same_cells(result, tmp_path):
    result.to_qupath(tmp_path / "qupath")
    images = ImageIndex(ImageRecord(name, 64, 64) for name in result.annotations.names)
    back = read_annotations(tmp_path / "qupath", images).annotations
    assert back.n_objects == result.annotations.n_objects


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.quick(format=("coco", "label_image", "yolo"))
def test_cells_are_written_in_every_format(format, result, tmp_path):
    result.to(format, tmp_path / "written")
    assert any((tmp_path / "written").rglob("*"))


def test_a_notebook_shows_the_table_and_the_first_image(result):
    shown = result._repr_html_()
    assert "6 cells in 4 images" in shown
    assert shown.count("<tr") == 5
    assert 'src="data:image/jpeg;base64,' in shown
    assert "max-width: 100%" in shown  # on a narrow screen, too


def test_counts_stay_whole_numbers_beside_an_image_that_cannot_be_read(folder, squares_model):
    (folder / "z.png").write_bytes(b"no image")
    shown = count(folder, squares_model).shown_table()
    assert shown["total"].tolist() == [0, 1, 2, 3, ""]
    assert [type(value) for value in shown["total"][:4]] == [int] * 4


def test_names_of_images_do_nothing_on_the_page_of_a_notebook(squares_image, squares_model, tmp_path):
    write_image(squares_image(1), tmp_path / "<b>x&y.png")
    assert "<b>" not in count(tmp_path, squares_model)._repr_html_()


def test_an_overlay_is_the_image_with_a_legend(result, folder):
    picture = result.overlay("3 ü.png")
    assert picture.dtype == np.uint8 and picture.ndim == 3
    assert (result.overlay() == result.overlay("0 ü.png")).all()
    with pytest.raises(MistakeError, match=r"`name` must be one of the counted images \(0 ü.png"):
        result.overlay("nothing.png")


def test_a_model_is_loaded_once_and_used_again(folder, squares_model):
    model = load_model(squares_model)
    assert load_model(model) is model
    assert count(folder, model).table["total"].sum() == 6


MISTAKES = {
    "a path that is not there": (lambda f: count(f / "4 ü.png"), ImageFormatError, "no 4 ü.png in .* Did you mean"),
    "a folder misspelt": (
        lambda f: count(f.parent / "my cell, Köln" / "a.png"), ImageFormatError, "Did you mean my cells, Köln",
    ),
    "an empty folder": (lambda f: count(f / "empty"), ImageFormatError, "There is no file in it"),
    "a folder of other files": (lambda f: count(f / "texts"), ImageFormatError, r"1 other file \(.txt\)"),
    "a file that is no image": (lambda f: count(f / "texts/a.txt"), ImageFormatError, "expected an image ending in"),
    "a pattern of nothing": (lambda f: count(f / "*.tif"), ImageFormatError, "no image is called so"),
    "an empty list": (lambda f: count([]), ImageFormatError, "at least one image"),
    "arrays and paths": (lambda f: count([f, np.zeros((8, 8))]), ImageFormatError, "a list of both"),
    "a number": (lambda f: count(5), ImageFormatError, "must be an array, a path"),
    "channels first": (lambda f: count(np.zeros((3, 64, 64))), ImageFormatError, "channels on the last axis.*moveaxis"),
    "a stack of images": (lambda f: count(np.zeros((2, 3, 64, 64))), ImageFormatError, "several images as a list"),
    "64-bit integers": (lambda f: count(np.zeros((8, 8), int)), ImageFormatError, "expected an array of uint8.*astype"),
    "texts": (lambda f: count(np.array([["a"]])), ImageFormatError, "expected an array of uint8"),
    "an array without pixels": (lambda f: count(np.zeros((0, 8))), ImageFormatError, "got 0 x 8"),
    "a channel that is not there": (
        lambda f: count(np.zeros((8, 8, 2)), channel=2), ImageFormatError, "number from 0 to 1 .*got 2",
    ),
    "a channel below 0": (lambda f: count(f, channel=-1), ImageFormatError, "`channel`"),
    "a threshold of percent": (lambda f: count(f, threshold=50), MistakeError, "`threshold` must be .*from 0 to 1"),
    "a depth of a word": (lambda f: count(f, z="top"), ImageFormatError, "`z` must be .* 0, max, mean or each"),
    "no worker": (lambda f: count(f, workers=0), MistakeError, "`workers` must be a whole number of 1 or more, got 0"),
    "a time below 0": (lambda f: count(f, time=-1), ImageFormatError, "`time` must be a number from 0 or each"),
    "a depth of an array": (lambda f: count(np.zeros((9, 9), np.uint8), z=1), ImageFormatError, "the plane itself"),
    "a threshold of nan": (lambda f: count(f, threshold=float("nan")), MistakeError, "`threshold` must be"),
    "a diameter of a word": (lambda f: count(f, diameter="big"), MistakeError, "`diameter` must be .*got 'big'"),
    "a diameter of 0": (lambda f: count(f, diameter=0), MistakeError, "from 2 to 5000"),
    "a pixel in nanometres": (lambda f: count(f, pixel_size="325 nm"), MistakeError, "`pixel_size` must be .*'325 nm'"),
    "a pixel larger than a cell": (lambda f: count(f, pixel_size=325), MistakeError, "at most 10.*got 325"),
    "a pixel of a word": (lambda f: count(f, pixel_size="small"), MistakeError, "`pixel_size` must be"),
    "a diameter without bound": (lambda f: count(f, diameter=1e9), MistakeError, "from 2 to 5000.*got 1000000000"),
    "a diameter in inches": (lambda f: count(f, diameter="2 in"), MistakeError, "`diameter` must be"),
    "a model that is not there": (lambda f: count(f, "cellls"), MistakeError, "no model `cellls`"),
    "a model file that is not there": (lambda f: count(f, f / "a.pt"), MistakeError, "a model file; there is no"),
    "another tool's model that is not there": (lambda f: count(f, f"stardist:{f}/no"), (ValueError, OSError), "no"),
    "a folder for a model": (lambda f: count(f, f), MistakeError, "expected a model file; it is a folder"),
    "an image for a model": (lambda f: count(f, f / "1 ü.png"), ValueError, "1 ü.png: .*expected a model"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake, folder):
    (folder / "empty").mkdir()
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("text")
    call, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind, match=sentence) as caught:
        call(folder)
    assert "\n" not in str(caught.value)


OUTPUTS = {
    "a file": (lambda f: f / "1 ü.png", "it is a file"),
    "below a file": (lambda f: f / "1 ü.png" / "out", "is a file"),
    "the folder of images": (lambda f: f, "it holds something"),
    "below the folder of images": (lambda f: f / "out", "would be counted the next time"),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_cannot_be_is_refused_before_anything_is_counted(output, folder, squares_model, monkeypatch):
    monkeypatch.setattr("cell_pipelines.api.find_cells", lambda *_: pytest.fail("counted"))
    place, sentence = OUTPUTS[output]
    with pytest.raises(MistakeError, match=sentence):
        count(folder, squares_model, out=place(folder))


def test_an_unknown_format_lists_those_there_are(result, tmp_path):
    with pytest.raises(MistakeError, match=r"no annotation format `cocco`. Did you mean `coco`\? Formats: binary_mask"):
        result.to("cocco", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_names_that_are_alike_in_two_folders_stay_apart(squares_image, squares_model, tmp_path):
    for n, name in enumerate(("a", "b")):
        write_image(squares_image(n + 1), tmp_path / name / "x.png")
    table = count([tmp_path / "a", tmp_path / "b", tmp_path / "b" / "x.png"], squares_model).table
    assert dict(zip(table["image"], table["total"], strict=True)) == {"a/x.png": 1, "b/x.png": 2}


def test_no_path_of_this_test_is_taken_for_a_pattern(squares_image, squares_model, tmp_path):
    write_image(squares_image(2), tmp_path / "[1]" / "x[2].png")
    assert count(str(tmp_path / "[1]" / "x[2].png"), squares_model).table["total"].tolist() == [2]
    assert Path(tmp_path / "[1]").is_dir()


def test_areas_are_in_square_micrometres_where_the_size_of_a_pixel_is_given(squares_image, squares_model):
    plain = count(squares_image(2), model=squares_model)
    measured = count(squares_image(2), model=squares_model, pixel_size="0,5 µm")
    assert "area_um2" not in plain.cells
    assert measured.cells["area_um2"].tolist() == pytest.approx((plain.cells["area_px2"] / 4).tolist())
    assert measured.table[["pixel_width_um", "pixel_size_from"]].iloc[0].tolist() == [0.5, "given"]
    assert "Width of a pixel: 0.5 µm in 1 image as given." in measured.page()
    assert measured.table["total"].tolist() == plain.table["total"].tolist()


def test_every_slice_of_a_stack_is_counted_and_cells_are_linked_to_objects(tmp_path):
    import tifffile

    depths, rows, columns = np.indices((9, 128, 128))
    stack = np.full(depths.shape, 20, np.uint8)
    for depth, row, column in ((3, 35, 35), (5, 90, 80)):
        stack[((depths - depth) * 5) ** 2 + (rows - row) ** 2 + (columns - column) ** 2 <= 12**2] = 180
    path = tmp_path / "images" / "stack.tif"
    path.parent.mkdir()
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(path, stack, ome=True, metadata=metadata)
    result = count(path, z="each", diameter=20, out=tmp_path / "counted")
    assert result.table["image"].tolist() == [f"stack.tif/z{depth:04d}" for depth in range(9)]
    assert result.stacks.table[["stack", "slices", "objects"]].to_numpy().tolist() == [["stack.tif", 9, 2]]
    objects = pd.read_csv(tmp_path / "counted" / "objects.csv")
    assert objects["center_slice"].round().tolist() == [3, 5]
    assert (objects["volume_um3"] == objects["voxels"] * 0.5).all()
    assert "Objects in stacks" in (tmp_path / "counted" / "report.html").read_text(encoding="utf-8")
    assert count(path, z="max", diameter=20).stacks is None
