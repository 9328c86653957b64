import numpy as np
import pandas as pd
import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import create_format
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, write_image
from cell_pipelines.pipelines.annotation_conversion.nodes import convert_annotations, survey_images
from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("names: [cell]")
    for name in ("a", "b"):
        write_image(rng.integers(0, 255, (20, 30), dtype=np.uint8), tmp_path / "images" / f"{name}.png")
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    return tmp_path


def files(folder):
    return {p.name: ImageFile(p) for p in sorted((folder / "images").iterdir())}


def convert(folder, **parameters):
    chosen = ConversionParameters(**parameters)
    table = survey_images(files(folder), chosen)

    def read(index):
        return create_format("yolo").read(folder, index)

    return convert_annotations(read, table, chosen)


def test_good_files_survive_a_truncated_one(folder):
    path = folder / "images" / "b.png"
    path.write_bytes(path.read_bytes()[:200])
    annotations, findings, summary, classes = convert(folder)
    assert annotations.names == ["a.png"]
    assert summary.iloc[0][["objects_in", "objects_out", "objects_dropped"]].tolist() == [2, 1, 1]
    assert findings["file"].tolist().count("b.png") == 1
    assert classes.set_index("category")["objects_in"].to_dict() == {"cell": 1, "(unknown class)": 1}


def test_strict_refuses_with_the_file_s_name(folder):
    path = folder / "images" / "b.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(AnnotationFormatError, match=r"b\.png"):
        convert(folder, strict=True)


def test_no_readable_image_at_all_is_an_error(folder):
    for path in (folder / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ImageFormatError, match=r"a\.png"):
        convert(folder)


def test_the_survey_tells_size_depth_and_content(folder):
    table = survey_images(files(folder), ConversionParameters())
    assert table[["width", "height"]].to_numpy().tolist() == [[30, 20], [30, 20]]
    assert table["sha256"].nunique() == 2
    assert isinstance(table, pd.DataFrame)
