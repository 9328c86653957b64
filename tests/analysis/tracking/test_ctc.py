"""The layout of the Cell Tracking Challenge: written as it must be, and scored as py-ctcmetrics scores the files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from cell_pipelines.analysis.tracking.ctc import write_ctc
from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.analysis.tracking.positions import cell_positions, true_tracks
from cell_pipelines.analysis.tracking.scoring import score_tracking
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet

Cells = Callable[..., tuple[AnnotationSet, pd.DataFrame]]


def labels(**places: int) -> np.ndarray:
    """Return an image (20, 60) with squares; the name's digits are the label, the value the column."""
    image = np.zeros((20, 60), np.int32)
    for name, column in places.items():
        image[8:14, column : column + 6] = int(name[1:])
    return image


DIVISION = [labels(c1=20), labels(c1=21), labels(c2=14, c3=28), labels(c2=12, c3=30)]
LINEAGE = pd.DataFrame({"track": [2, 3], "parent": [1, 1]})


def test_a_division_is_written_as_the_challenge_has_it(make_cells: Cells, tmp_path: Path) -> None:
    cells, facts = make_cells(DIVISION)
    linked = true_tracks(cells, facts, lineage=LINEAGE)
    table = write_ctc(linked, cells, facts, tmp_path)
    assert sorted(p.name for p in (tmp_path / "01_RES").iterdir()) == [
        "mask000.tif", "mask001.tif", "mask002.tif", "mask003.tif", "res_track.txt",
    ]  # fmt: skip
    assert (tmp_path / "01_RES/res_track.txt").read_text() == "1 0 1 0\n2 2 3 1\n3 2 3 1\n"
    for number, image in enumerate(DIVISION):
        written = tifffile.imread(tmp_path / f"01_RES/mask{number:03d}.tif")
        assert written.dtype == np.uint16 and (written == image).all()
    write_ctc(linked, cells, facts, tmp_path, truth=True)
    assert sorted(p.name for p in (tmp_path / "01_GT/SEG").iterdir())[0] == "man_seg000.tif"
    assert (tmp_path / "01_GT/TRA/man_track.txt").read_text() == "1 0 1 0\n2 2 3 1\n3 2 3 1\n"
    assert table["folder"].unique().tolist() == ["01_RES"] and table["track"].tolist() == [1, 2, 3]


def test_a_gap_and_a_frame_not_taken_split_the_track_and_leave_an_empty_image(
    make_cells: Cells, tmp_path: Path
) -> None:
    cells, facts = make_cells([labels(c7=20), labels(c7=21), labels(c7=22)], frames=[5, 6, 8])
    write_ctc(true_tracks(cells, facts), cells, facts, tmp_path)
    assert (tmp_path / "01_RES/res_track.txt").read_text() == "1 0 1 0\n2 3 3 1\n"
    assert not tifffile.imread(tmp_path / "01_RES/mask002.tif").any()
    assert tifffile.imread(tmp_path / "01_RES/mask003.tif").max() == 2


def test_a_hidden_cell_is_missing_and_points_and_sizes_are_refused(tmp_path: Path) -> None:
    builder = AnnotationBuilder()
    for name in ("a", "b"):
        row = builder.add_image(name, height=9, width=9 if name == "a" else 8)
        builder.add_object(row, "cell", "box", (0, 0, 6, 6), attributes={"label": 1})
        builder.add_object(row, "cell", "box", (1, 1, 5, 5), attributes={"label": 2})
    cells, facts = builder.build(), pd.DataFrame({"image": ["a", "b"], "frame": [0, 1], "sequence": ["x", "y"]})
    table = write_ctc(true_tracks(cells, facts), cells, facts, tmp_path)
    assert table[["sequence", "folder", "track"]].to_numpy().tolist() == [["x", "01_RES", 1], ["y", "02_RES", 1]]
    one = facts.drop(columns="sequence")
    with pytest.raises(ValueError, match=r"images of sequence 'all' must have one size, got \[\(9, 8\), \(9, 9\)\]"):
        write_ctc(true_tracks(cells, one), cells, one, tmp_path / "other")
    assert not list((tmp_path / "other").glob("*"))
    builder = AnnotationBuilder()
    builder.add_object(builder.add_image("a", height=9, width=9), "cell", "point", (3, 3, 3, 3))
    points, at = builder.build(), facts.iloc[:1]
    with pytest.raises(ValueError, match="got points, which have no pixels"):
        write_ctc(link_cells(cell_positions(points, at), LinkingSettings()), points, at, tmp_path)


def test_scores_are_those_that_the_library_reads_from_the_files(make_cells: Cells, tmp_path: Path) -> None:
    from ctc_metrics.scripts.evaluate import evaluate_sequence

    truth, facts = make_cells(DIVISION)
    # One cell moved, one lost, one false positive, and the division not seen.
    found, _ = make_cells([labels(c1=21), labels(c1=22), labels(c1=17, c4=50), labels(c1=12, c2=31)])
    true_linked, linked = true_tracks(truth, facts, lineage=LINEAGE), true_tracks(found, facts)
    row = score_tracking(true_linked, truth, linked, found, facts).iloc[0]
    write_ctc(true_linked, truth, facts, tmp_path, truth=True)
    write_ctc(linked, found, facts, tmp_path)
    wanted = ["Valid", "TRA", "DET", "SEG", "LNK"]
    library = evaluate_sequence(str(tmp_path / "01_RES"), str(tmp_path / "01_GT"), wanted, threads=1)
    for name in wanted[1:]:
        assert row[name.lower()] == pytest.approx(library[name], abs=1e-12)
    assert 0 < row["tra"] < 1 and 0 < row["seg"] < 1 and row["valid"]
    assert row["missed_cells"] == library["AOGM_FN"] and row["false_cells"] == library["AOGM_FP"]


def test_the_truth_scores_one_and_nothing_scores_zero(make_cells: Cells) -> None:
    cells, facts = make_cells(DIVISION)
    linked = true_tracks(cells, facts, lineage=LINEAGE)
    best = score_tracking(linked, cells, linked, cells, facts).iloc[0]
    assert best[["tra", "det", "seg", "lnk"]].tolist() == [1.0] * 4
    assert best[["true_cells", "true_links", "true_tracks", "tracks"]].tolist() == [6, 5, 3, 3]
    nothing, _ = make_cells([labels()] * 4)
    worst = score_tracking(linked, cells, true_tracks(nothing, facts), nothing, facts).iloc[0]
    assert worst[["tra", "det", "seg", "lnk", "missed_cells"]].tolist() == [0.0] * 4 + [6]
    unknown = score_tracking(true_tracks(nothing, facts), nothing, linked, cells, facts).iloc[0]
    assert unknown[["tra", "det", "seg", "lnk"]].isna().all() and unknown["false_cells"] == 6


def test_one_frame_has_no_links_and_other_images_are_refused(make_cells: Cells) -> None:
    cells, facts = make_cells(DIVISION[:1])
    linked = true_tracks(cells, facts)
    row = score_tracking(linked, cells, linked, cells, facts).iloc[0]
    assert row["det"] == row["seg"] == row["tra"] == 1.0 and np.isnan(row["lnk"])
    more, all_facts = make_cells(DIVISION)
    with pytest.raises(ValueError, match="must be of the same images, but differ in sequence 'all'"):
        score_tracking(linked, cells, true_tracks(more, all_facts), more, all_facts)
