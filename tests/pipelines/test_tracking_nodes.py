import numpy as np
import pandas as pd
import PIL.Image
import pytest

from cell_pipelines.analysis.metadata import metadata_findings
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.selection import select_images, select_objects
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inside_paths import UnsafePathError
from cell_pipelines.pipelines.tracking import nodes
from cell_pipelines.pipelines.tracking.parameters import TrackingParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.origin import Origin
from cell_pipelines.workflows.pixel_sizes import common_pixel_size

ORIGIN = Origin("truth")
NO_FINDINGS = metadata_findings([], pattern=None, table=pd.DataFrame(), key="image")
TRACED = ["source", "model_run_id", "thresholds", "source_images"]
PLAIN = TrackingParameters()
KNOWN = TrackingParameters(truth_attribute="label")


def film(frames, *, geometry="box", cells=2, pixel=None):
    """Return cells that go to the right, by frame number, and what is known of their images."""
    builder = AnnotationBuilder(("cell",))
    for frame in frames:
        row = builder.add_image(f"a/t{frame}.png", width=80, height=60, pixel_height_um=pixel, pixel_width_um=pixel)
        for cell in range(cells):
            x, y, reach = 10.0 + 2 * frame, 12.0 + 30 * cell, 0 if geometry == "point" else 5
            box = (x - reach, y - reach, x + reach, y + reach)
            builder.add_object(row, "cell", geometry, box, attributes={"label": cell + 1})
    found = builder.build()
    facts = {"image": pd.Series(found.names, dtype="str"), "frame": np.array(list(frames), dtype=float)}
    return found, pd.DataFrame(facts)


@pytest.mark.parametrize("geometry", ["box", "point"])
def test_boxes_and_points_are_tracked_alike_and_have_no_shapes(geometry):
    cells, facts = film(range(4), geometry=geometry)
    linked = nodes.link(cells, facts, ORIGIN, PLAIN)
    tracks = nodes.measure(linked, cells, ORIGIN, PLAIN)[0]
    assert tracks["path_length_px"].tolist() == [6.0, 6.0]
    assert "perimeter_px" not in nodes.follow_shapes(linked, cells, ORIGIN)


@pytest.mark.parametrize(("frames", "cells"), [([], 0), ([0, 1], 0), ([3], 2), ([0, 1], 2)])
def test_every_table_can_be_traced_and_written_however_little_there_is(tmp_path, frames, cells):
    found, facts = film(frames, cells=cells)
    linked = nodes.link(found, facts, ORIGIN, PLAIN)
    scores = nodes.score(found, pd.DataFrame(), linked, found, facts, ORIGIN, KNOWN)
    measured = nodes.measure(linked, found, ORIGIN, PLAIN)
    for table in (linked, *measured, nodes.follow_shapes(linked, found, ORIGIN), scores):
        assert set(TRACED) <= set(table.columns)
        table.to_parquet(tmp_path / "table.parquet")
    assert nodes.log_metrics(measured[0], scores)["tracking_tracks"]["value"] == cells


def test_a_frame_that_was_not_taken_is_a_gap():
    cells, facts = film([0, 1, 3, 4])
    tracks = nodes.measure(nodes.link(cells, facts, ORIGIN, PLAIN), cells, ORIGIN, PLAIN)[0]
    assert tracks["gaps"].tolist() == [1, 1] and tracks["missing_frames"].tolist() == [1, 1]


def test_two_images_of_one_frame_and_images_without_frame_are_refused():
    cells, facts = film(range(2))
    with pytest.raises(ValueError, match="each frame of a sequence must be one image"):
        nodes.link(cells, facts.assign(frame=0.0), ORIGIN, PLAIN)
    with pytest.raises(ValueError, match="`frame` must be a whole number for every image"):
        nodes.link(cells, facts.assign(frame=[0.0, np.nan]), ORIGIN, PLAIN)
    with pytest.raises(ValueError, match="must have a `frame`"):
        nodes.link(cells, facts[["image"]], ORIGIN, PLAIN)


def test_a_distance_in_micrometres_needs_one_pixel_size_of_all(caplog):
    far = TrackingParameters(max_distance_um=10.0)
    with pytest.raises(ValueError, match="give `tracking.linking.max_distance_px`"):
        nodes.link(*film(range(2)), ORIGIN, far)
    cells, facts = film(range(2), pixel=0.5)
    assert common_pixel_size(cells) == (0.5, 0.5)
    assert len(nodes.link(cells, facts, ORIGIN, far)) == 4
    assert common_pixel_size(cells.with_image_column("pixel_width_um", [0.5, 0.7])) is None
    assert "measured in pixels" in caplog.text


def test_tracks_are_scored_on_the_frames_that_a_model_has_seen():
    truth, facts = film(range(5))
    seen = select_images(truth, [0, 1, 2])
    linked = nodes.link(seen, facts, ORIGIN, PLAIN)
    scores = nodes.score(truth, pd.DataFrame(), linked, seen, facts, ORIGIN, KNOWN)
    assert scores[["tra", "det", "true_cells"]].to_numpy().tolist() == [[1.0, 1.0, 6]]


def test_new_images_have_no_true_tracks():
    cells, facts = film(range(2))
    linked = nodes.link(cells, facts, ORIGIN, PLAIN)
    other, _ = film(range(5, 7))
    assert nodes.score(other, pd.DataFrame(), linked, cells, facts, ORIGIN, KNOWN).empty


def test_a_true_cell_without_the_number_of_its_track_is_named():
    cells, facts = film(range(2))
    linked = nodes.link(cells, facts, ORIGIN, PLAIN)
    with pytest.raises(ValueError, match="a/t0.png: the attribute 'track' must be a track's number"):
        wrong = TrackingParameters(truth_attribute="track")
        nodes.score(cells, pd.DataFrame(), linked, cells, facts, ORIGIN, wrong)


def test_films_exports_and_page_of_a_sequence_whose_name_has_a_space(tmp_path):
    cells, facts = film(range(3))
    facts, images = facts.assign(sequence="dish β 1"), {}
    for name in cells.names:
        write_image(np.zeros((60, 80), np.uint8), tmp_path / "raw" / name)
        images[name] = ImageFile(tmp_path / "raw" / name)
    linked = nodes.link(cells, facts, ORIGIN, KNOWN)
    whole = linked.copy(deep=True)
    tracks, _, displacements, persistence = nodes.measure(linked, cells, ORIGIN, KNOWN)
    scores = nodes.score(cells, pd.DataFrame(), linked, cells, facts, ORIGIN, KNOWN)
    (tmp_path / "export").mkdir()
    nodes.export(linked, cells, facts, KNOWN)(tmp_path / "export")
    nodes.draw(linked, cells, facts, images, KNOWN)(tmp_path / "films")
    assert {path.name for path in (tmp_path / "films").iterdir()} == {"dish β 1.gif", "dish β 1.png"}
    figures = nodes.plot(tracks, displacements, persistence, linked, cells)
    tables = linked, tracks, displacements, persistence, scores
    page = nodes.write_report(tmp_path / "films", ORIGIN, NO_FINDINGS, KNOWN, *tables, *figures)
    assert "dish β 1: the last frame" in render_page(page)
    assert "linked to the next frame up to 20.0 px in 1 sequence (the default, since it could not" in render_page(page)
    pd.testing.assert_frame_equal(linked, whole)


def test_frames_without_cells_are_in_the_film_and_names_stay_in_their_folder(tmp_path):
    cells, facts = film(range(4))
    kept = select_objects(cells, np.isin(cells.image_index, (0, 2)))
    images = {}
    for name in cells.names:
        write_image(np.zeros((60, 80), np.uint8), tmp_path / "raw" / name)
        images[name] = ImageFile(tmp_path / "raw" / name)
    linked = nodes.link(kept, facts, ORIGIN, PLAIN)
    nodes.draw(linked, kept, facts, images, PLAIN)(tmp_path / "films")
    with PIL.Image.open(tmp_path / "films" / "all.gif") as drawn:
        assert drawn.n_frames >= 3  # GIF joins frames that are alike
    facts = facts.assign(sequence="../up")
    with pytest.raises(UnsafePathError, match="leads elsewhere"):
        nodes.draw(nodes.link(kept, facts, ORIGIN, PLAIN), kept, facts, images, PLAIN)(tmp_path / "films")


def test_frames_of_two_sizes_are_no_time_lapse():
    cells, facts = film(range(2))
    with pytest.raises(ValueError, match="frames of sequence 'all' must have one size, got 60x80 and 61x80"):
        nodes.link(cells.with_image_column("height", [60, 61]), facts, ORIGIN, PLAIN)


def test_tracks_of_points_are_exported_for_trackmate_alone_and_not_scored(tmp_path, caplog):
    cells, facts = film(range(3), geometry="point")
    linked = nodes.link(cells, facts, ORIGIN, PLAIN)
    nodes.export(linked, cells, facts, PLAIN)(tmp_path)
    assert list((tmp_path / "trackmate").iterdir()) and not list((tmp_path / "cell_tracking_challenge").iterdir())
    assert nodes.score(cells, pd.DataFrame(), linked, cells, facts, ORIGIN, KNOWN).empty
    assert "which needs the pixels of cells" in caplog.text
