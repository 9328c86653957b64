"""Pictures that strangers sent in: each gives the cells that are in it, a question, or a doubt."""

import os
from pathlib import Path
from typing import Any

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.imaging.reading import list_image_files

CASES = Path(os.environ.get("CELL_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases"))
CELLS = 35

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}; CELL_CASES names their folder")


def _suspect(conversion: Conversion) -> list[str]:
    return [f.reason for f in conversion.findings if f.action == "suspect"]


def _case(name: str, images: str = "images", labels: str = "", **options: Any) -> Conversion:
    folder = CASES / name
    infos = {key: file.info() for key, file in list_image_files(folder / images).items()}
    return read_annotations(
        folder / labels, ImageIndex(ImageRecord(key, i.width, i.height) for key, i in infos.items()), **options
    )


@pytest.mark.parametrize("name", ["classes_0_1_2", "ilastik_1_2", "through_jpeg"])
def test_the_cases_of_class_maps(name: str) -> None:
    place = f"formats/semantic_map_as_instances/{name}"
    assert _case(place, format="binary_mask").annotations.n_objects == CELLS
    if name != "through_jpeg":
        with pytest.raises(AnnotationFormatError, match="map of classes"):
            _case(place)
    assert _suspect(_case(place, format="label_image"))


@pytest.mark.parametrize("name", ["green", "blue", "red_control"])
def test_the_cases_of_channels(name: str) -> None:
    assert _case(f"formats/mask_in_another_channel/{name}").annotations.n_objects == CELLS


@pytest.mark.parametrize("name", ["cell_segmentation", "dataset"])
def test_the_cases_of_photographs(name: str) -> None:
    place = "formats/photo_taken_for_its_own_label"
    with pytest.raises(AnnotationFormatError, match="only images lie here"):
        _case(f"{place}/photos_only/{name}", "")
    assert _case(f"{place}/photos_only/{name}", "", format="label_image").annotations.n_objects == 0
    assert _case(f"{place}/coco/{name}").annotations.n_objects == 1


@pytest.mark.parametrize(("name", "objects"), [("minus_one", 1), ("suffix-labelled", 2), ("suffix-lbl", 2)])
def test_the_cases_of_label_pictures(name: str, objects: int) -> None:
    images = "images" if name == "minus_one" else ""
    assert _case(f"formats/label_picture_not_understood/{name}", images).annotations.n_objects == objects


def test_the_case_of_labels_in_pieces() -> None:
    conversion = _case("data/labels_in_pieces")
    assert len(_suspect(conversion)) == 2
