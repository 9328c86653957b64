from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import shapely
from correcting_user import KINDS, CorrectingUser, tabulate_work

from cell_pipelines.analysis.annotating.corrections import compare_corrections
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.app.corrections import ImageCorrections

_SIDE = 100
_TRUE = [(46, 46, 56, 56), (30, 30, 40, 40), (10, 60, 20, 70), (20, 60, 30, 70), (70, 10, 90, 20), (60, 80, 80, 90)]
# The first is as it should be; then one is missed, two are one, one is two, one lies beside its cell, one is none.
_PROPOSED = [(46, 46, 56, 56), (10, 60, 30, 70), (70, 10, 80, 20), (80, 10, 90, 20), (65, 80, 80, 90), (5, 5, 12, 12)]


def _cells(boxes: list[tuple[int, int, int, int]]) -> AnnotationSet:
    builder = AnnotationBuilder(["nucleus"])
    image = builder.add_image("a.png", width=_SIDE, height=_SIDE)
    for box in boxes:
        ring = shapely.get_coordinates(shapely.box(*box).exterior)[:-1]
        builder.add_polygon(image, "nucleus", [ring])
    return builder.build()


class _Count:
    """What corrections ask of a count."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, None
        self.model = SimpleNamespace(categories=("nucleus",))
        self.scores = pd.DataFrame({"image": ["a.png"], "width": [_SIDE], "height": [_SIDE]})

    def cells(self, _: Any, __: str) -> AnnotationSet:
        return _cells(_PROPOSED)


def _user(folder: Path) -> CorrectingUser:
    return CorrectingUser(ImageCorrections(_Count(folder), "a.png"), _cells(_TRUE), redraw_below=0.8)


def test_a_corrected_image_holds_the_true_cells_and_the_changes_are_counted_by_kind(tmp_path: Path) -> None:
    work = _user(tmp_path).work()
    changes = compare_corrections(work.annotations, _cells(_TRUE)).total().iloc[0]
    assert (changes["kept"], changes["corrected"], work.annotations.n_objects) == (6, 6, 6)
    assert work.changes == dict.fromkeys(KINDS, 1)
    assert (work.corrected, work.finished, work.share) == (5, True, 1.0)


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_what_was_not_looked_at_is_ignored_and_what_was_is_right(tmp_path: Path, most: int) -> None:
    work = _user(tmp_path).work(most)
    cells, crowd = work.annotations, work.annotations.crowd
    truth, _ = objects_to_labels(_cells(_TRUE))
    whole, _ = objects_to_labels(cells)
    taught = {row + 1 for row in range(cells.n_objects) if not crowd[row]}
    seen = (whole == 0) | pd.Series(whole.ravel()).isin(taught).to_numpy().reshape(whole.shape)
    assert ((whole > 0) == (truth > 0))[seen].all()
    assert 0 < work.share < 1
    assert work.share == pytest.approx(seen.mean(), abs=0.02)
    assert (work.corrected, work.finished) == (most, False)


def test_work_on_several_images_adds_up(tmp_path: Path) -> None:
    works = [_user(tmp_path / "a").work(), _user(tmp_path / "b").work(2)]
    table = tabulate_work(works)
    assert table["corrected"] == 7
    assert table["images_opened"] == 2
    assert 1 < table["images_seen"] < 2
