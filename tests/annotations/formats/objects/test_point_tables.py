"""Points in napari's tables, in plain lists and in TrackMate's spot tables."""

import os
import shutil
from pathlib import Path

import PIL.Image
import pytest

from cell_pipelines.annotations.formats import napari_points, point_list, trackmate_csv
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

DATA = (
    Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[4] / ".." / "shared" / "data")) / "annotation_formats"
)
ONE = ImageIndex([ImageRecord("cells.tif", 400, 700)])
TWO = ImageIndex([ImageRecord("a.png", 100, 80), ImageRecord("b.png", 100, 80)])

real_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no public files in {DATA}; CELL_REAL_DATA names their folder"
)


def test_napari_gives_row_before_column_and_pixel_centres(tmp_path: Path) -> None:
    (tmp_path / "Points.csv").write_text("index,axis-0,axis-1,axis-2,class,size\n0.0,4,10.0,20.0,RBC,7\n")
    conversion = napari_points.read(tmp_path, ONE)
    assert conversion.annotations.boxes.tolist() == [[20.5, 10.5, 20.5, 10.5]]
    assert conversion.annotations.categories == ("RBC",)
    assert conversion.annotations.objects["attributes"].to_pylist() == ['{"axis-0": 4, "size": 7}']


def test_one_table_of_several_needs_the_name_of_its_image(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("index,axis-0,axis-1\n0,1,2\n")
    (tmp_path / "Points.csv").write_text("index,axis-0,axis-1\n0,1,2\n0,1,2\n")
    conversion = napari_points.read(tmp_path, TWO)
    assert (conversion.objects_in, conversion.annotations.names) == (3, ["a.png"])
    (tmp_path / "a.csv").unlink()
    assert napari_points.read(tmp_path, TWO, image="b.png").annotations.names == ["b.png"]


@pytest.mark.parametrize("text", ["3 4 RBC\n5 6 RBC", "3,4,RBC\n5,6,RBC", "# x y\n3\t4\tRBC\n\n5\t6\tRBC\n"])
def test_a_list_of_whole_numbers_means_the_centres_of_pixels(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "README.txt").write_text("lists of points")
    conversion = point_list.read(tmp_path, TWO)
    assert conversion.annotations.boxes[:, :2].tolist() == [[3.5, 4.5], [5.5, 6.5]]
    assert conversion.annotations.names == ["a.png", "b.png"]
    corner = point_list.read(tmp_path, TWO, origin="corner").annotations.boxes[:, :2].tolist()
    assert corner == [[3, 4], [5, 6]]


def test_yolo_labels_are_no_points(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert point_list.detect(tmp_path) is None


def test_a_table_may_name_images_or_rows_and_columns(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("image;r;c;label\na.png;1;2;RBC\nb.png;3;4;WBC\nc.png;3;4;WBC\n")
    conversion = point_list.read(tmp_path, TWO)
    assert conversion.annotations.boxes[:, :2].tolist() == [[2.5, 1.5], [4.5, 3.5]]
    assert conversion.objects_in == 3


@pytest.mark.real_data
@real_data
def test_the_red_cells_of_chula_are_all_there() -> None:
    folder = DATA / "points_class_txt_chula"
    paths = sorted(folder.rglob("*.jpg"))
    records = []
    for path in paths:
        with PIL.Image.open(path) as picture:
            records.append(ImageRecord(path.relative_to(folder).as_posix(), *picture.size))
    conversion = point_list.read(folder, ImageIndex(records))
    lines = sum(len(path.read_text().split()) // 3 for path in folder.glob("Label/*.txt"))
    assert conversion.objects_in == conversion.annotations.n_objects == lines == 271
    assert conversion.annotations.n_images == 6


@pytest.mark.real_data
@real_data
@pytest.mark.parametrize(("name", "spots"), [("7.0-", 11), ("7.0+", 4), ("7.7+", 6)])
def test_all_versions_of_trackmate_are_read(tmp_path: Path, name: str, spots: int) -> None:
    shutil.copy(DATA / "trackmate_and_manual_spot_csv_deepblink" / f"input_trackmate_{name}.csv", tmp_path)
    assert trackmate_csv.detect(tmp_path)
    assert point_list.detect(tmp_path) is None
    conversion = trackmate_csv.read(tmp_path, ONE)
    assert conversion.objects_in == conversion.annotations.n_objects == spots
    assert conversion.annotations.categories == ("cell",)
    assert any("`pixel_size_um`" in f.reason for f in conversion.findings) == (name != "7.0+")


def test_micron_become_pixels_by_the_size_that_is_given_or_that_the_image_knows(tmp_path: Path) -> None:
    (tmp_path / "cells_spots.csv").write_text(
        "LABEL,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME\nLabel,Spot ID,Track ID,X,Y,Frame\n"
        ",,,(micron),(micron),\nID1,1,None,10,20,0\nID2,2,7,x1,20,0\n"
    )
    known = ImageIndex([ImageRecord("cells.tif", 400, 700, pixel_size_um=(0.5, 0.5)), ImageRecord("b.tif", 9, 9)])
    for conversion in (trackmate_csv.read(tmp_path, known), trackmate_csv.read(tmp_path, ONE, pixel_size_um=0.5)):
        assert conversion.annotations.boxes[:, :2].tolist() == [[20.5, 40.5]]
        assert conversion.annotations.objects["attributes"].to_pylist() == ['{"FRAME": 0}']
        assert conversion.objects_in == 2
    with pytest.raises(ValueError, match="positive"):
        trackmate_csv.read(tmp_path, ONE, pixel_size_um=0)


def test_the_label_of_imagejs_results_is_the_title_of_an_image_and_no_class(tmp_path: Path) -> None:
    rows = "1,a.png:0001-0007,1.5,2.5\n2,b.png:12-9,3.5,4.5\n3,b.png,5.5,6.5\n"
    (tmp_path / "Results.csv").write_text(f" ,Label,X,Y\n{rows}")
    conversion = point_list.read(tmp_path, TWO)
    assert conversion.annotations.categories == ("cell",)
    assert conversion.annotations.image_index.tolist() == [0, 1, 1]
    assert not conversion.findings
    (tmp_path / "Results.csv").write_text(" ,Label,X,Y\n1,cells.tif:0001-0007,1.5,2.5\n")
    alone = point_list.read(tmp_path, ONE).annotations
    assert (alone.categories, alone.n_objects) == (("cell",), 1)
