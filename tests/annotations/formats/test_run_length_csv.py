"""Kaggle's run lengths in both orders."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats import run_length_csv
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

HEIGHT, WIDTH = 5, 9
IMAGES = ImageIndex([ImageRecord("a.png", WIDTH, HEIGHT), ImageRecord("b.png", WIDTH, HEIGHT)])


def _encode(mask: NDArray[np.bool_], order: str) -> str:
    """Encode pixel by pixel, as slowly and plainly as can be."""
    flat = mask.ravel(order="C" if order == "rows" else "F").tolist()
    starts = [i + 1 for i, on in enumerate(flat) if on and (i == 0 or not flat[i - 1])]
    stops = [i + 1 for i, on in enumerate(flat) if on and (i + 1 == len(flat) or not flat[i + 1])]
    return " ".join(f"{start} {stop - start + 1}" for start, stop in zip(starts, stops, strict=True))


@pytest.mark.parametrize(
    ("header", "order"),
    [("id,annotation,width,height,cell_type", "rows"), ("ImageId,EncodedPixels,w,h,class", "columns")],
)
def test_each_known_table_is_read_in_its_own_order(tmp_path: Path, header: str, order: str) -> None:
    rng = np.random.default_rng(1)
    masks = [rng.random((HEIGHT, WIDTH)) < 0.5 for _ in range(20)]
    rows = [f"a,{_encode(mask, order)},{WIDTH},{HEIGHT},shsy5y" for mask in masks]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, f"b,,{WIDTH},{HEIGHT},"]))
    conversion = run_length_csv.read(tmp_path, IMAGES)
    assert conversion.annotations.names == ["a.png", "b.png"]
    assert conversion.annotations.objects["counts"].to_pylist() == [mask_to_run_lengths(m).tolist() for m in masks]


def test_an_unknown_table_needs_the_order_to_be_said(tmp_path: Path) -> None:
    mask = np.eye(HEIGHT, WIDTH, dtype=bool)
    (tmp_path / "t.csv").write_text(f"image,rle\na.png,{_encode(mask, 'rows')}\n")
    with pytest.raises(AnnotationFormatError, match="'rows'.*'columns'"):
        run_length_csv.read(tmp_path, IMAGES)
    found = run_length_csv.read(tmp_path, IMAGES, order="rows").annotations.objects["counts"].to_pylist()
    assert found == [mask_to_run_lengths(mask).tolist()]


@pytest.mark.parametrize(
    "runs", ["1", "0 3", "44 3", "1 0", "1 -2", "a b", "1.5 2", f"1 {'9' * 30}", f"{'9' * 5000} 1"]
)
def test_runs_that_do_not_fit_the_image_are_dropped(tmp_path: Path, runs: str) -> None:
    (tmp_path / "t.csv").write_text(f"id,annotation\na,{runs}\na,1 2\n")
    conversion = run_length_csv.read(tmp_path, IMAGES)
    assert (conversion.objects_in, conversion.annotations.n_objects) == (2, 1)


def test_runs_of_another_size_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,annotation,width,height\na,1 2,704,520\n")
    conversion = run_length_csv.read(tmp_path, IMAGES)
    assert "704x520" in conversion.findings[0].reason
    assert conversion.annotations.n_objects == 0
