import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.metadata import metadata_findings
from cell_pipelines.analysis.viability.regions import REGION_COLUMNS
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile, read_image, write_image
from cell_pipelines.pipelines.viability import nodes
from cell_pipelines.pipelines.viability.parameters import ViabilityParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.report.page.tables import defined, readable
from cell_pipelines.report.pages import viability
from cell_pipelines.workflows.origin import Origin

ORIGIN = Origin("yolo", model_run_id="r1", thresholds="{}")
NO_FINDINGS = metadata_findings([], pattern=None, table=pd.DataFrame(), key="image")
TRACED = ["source", "model_run_id", "thresholds", "source_images"]
TWO_CLASSES = ViabilityParameters(living="live", dead="dead")
TWO_CHANNELS = ViabilityParameters(nuclei="live", dead="dead")


def cells_of(found, *, geometry="box", categories=("live", "dead")):
    """Return a set of `found`: by image, the class and centre of each cell."""
    builder = AnnotationBuilder(categories)
    for name, own in found.items():
        row = builder.add_image(name, width=40, height=40)
        for category, x, y in own:
            reach = 0 if geometry == "point" else 4
            builder.add_object(row, category, geometry, (x - reach, y - reach, x + reach, y + reach))
    return builder.build()


def facts_of(cells, **columns):
    return pd.DataFrame({"image": pd.Series(cells.names, dtype="str"), **columns})


def all_tables(cells, facts, parameters=TWO_CLASSES, images=None):
    fields, states = nodes.count(cells, facts, ORIGIN, parameters)
    comparisons = nodes.compare(fields, ORIGIN, parameters)
    responses, *doses = nodes.fit_doses(fields, ORIGIN)
    summaries = nodes.summarise(fields, ORIGIN)
    regions = nodes.count_within_regions(cells, facts, states, ORIGIN, images or {}, parameters)
    return responses, [fields, *summaries, comparisons, states, regions], doses


NONE, LIVE, DEAD = {"a.png": []}, {"a.png": [("live", 9, 9)]}, {"a.png": [("dead", 9, 9)]}


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        *((TWO_CLASSES, found) for found in ({}, NONE, LIVE, DEAD)),
        *((TWO_CHANNELS, found) for found in ({}, NONE, LIVE)),
    ],
)
def test_every_table_can_be_traced_and_written_however_little_there_is(tmp_path, found, parameters):
    cells = cells_of(found)
    _, tables, doses = all_tables(cells, facts_of(cells), parameters)
    for table in (*tables, *doses):
        assert list(table.columns[-4:]) == TRACED
        table.to_parquet(tmp_path / "table.parquet")
        assert list(pd.read_parquet(tmp_path / "table.parquet").columns) == list(table.columns)


def test_dead_cells_without_the_channel_of_nuclei_are_refused():
    cells = cells_of(DEAD)
    with pytest.raises(ValueError, match="without the other channel: a.png"):
        nodes.count(cells, facts_of(cells), ORIGIN, TWO_CHANNELS)


def test_tables_of_counts_have_the_same_columns_with_and_without_cells():
    some, none = cells_of({"a.png": [("live", 9, 9), ("dead", 30, 9)]}), cells_of({})
    full, empty = (all_tables(cells, facts_of(cells))[1] for cells in (some, none))
    for one, other in zip(full, empty, strict=True):
        assert one.dtypes.to_dict() == other.dtypes.to_dict()


def test_every_definition_of_the_page_is_of_a_column_and_every_state_has_a_meaning():
    cells = cells_of({"a.png": [("live", 9, 9)]})
    _, tables, _ = all_tables(cells, facts_of(cells))
    columns = pd.DataFrame(columns=[name for table in tables for name in table])
    for definitions in (viability._DEFINITIONS, viability._COMPARED, viability._REGIONS):
        assert defined(columns, definitions) == definitions
    assert tuple(viability._STATES) == nodes.STATES


def test_no_node_changes_its_facts_or_fields():
    cells = cells_of({"a.png": [("live", 9, 9)], "b.png": [("dead", 9, 9)]})
    facts = facts_of(cells, condition=["k", "l"], dose=[0.0, 1.0])
    kept = facts.copy(deep=True)
    fields, _ = nodes.count(cells, facts, ORIGIN, TWO_CLASSES)
    before = fields.copy(deep=True)
    nodes.summarise(fields, ORIGIN), nodes.compare(fields, ORIGIN, TWO_CLASSES), nodes.fit_doses(fields, ORIGIN)
    pd.testing.assert_frame_equal(facts, kept)
    pd.testing.assert_frame_equal(fields, before)


def test_a_class_that_no_image_can_show_is_refused_by_name():
    cells = cells_of({"a.png": [("live", 9, 9)]}, categories=("live",))
    with pytest.raises(ValueError, match="categories dead .`dead`., their categories are live"):
        nodes.count(cells, facts_of(cells), ORIGIN, TWO_CLASSES)


def test_boxes_and_points_are_counted_alike():
    found = {"a.png": [("live", 9, 9), ("live", 30, 30), ("dead", 10, 9)]}
    near = replace(TWO_CHANNELS, max_distance_px=3.0)
    counts = []
    for geometry in ("box", "point"):
        cells = cells_of(found, geometry=geometry)
        counts.append(nodes.count(cells, facts_of(cells), ORIGIN, near)[0][["live", "dead", "matched"]])
    assert counts[0].to_numpy().tolist() == [[1, 1, 1]]
    pd.testing.assert_frame_equal(*counts)


def test_metrics_leave_out_a_percentage_of_no_cells():
    cells = cells_of({"a.png": []})
    fields, _ = nodes.count(cells, facts_of(cells), ORIGIN, TWO_CLASSES)
    assert set(nodes.log_metrics(fields)) == {"viability_fields", "viability_live", "viability_dead"}


def test_a_curve_is_fitted_to_its_condition_and_the_controls_that_have_no_other_dose():
    fields = pd.DataFrame({"condition": ["ctrl", "a", "b", "a"], "dose": [0.0, 1.0, 1.0, np.nan]})
    assert nodes._fields_of(fields, "a").index.tolist() == [0, 1]
    assert nodes._fields_of(fields, "all").index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("geometry", ["box", "point"])
def test_the_page_shows_pictures_of_images_in_folders(tmp_path, geometry):
    found = {"x y/ä.png": [("live", 9, 9), ("dead", 30, 30)], "z/ä.png": [("live", 20, 20)]}
    cells = cells_of(found, geometry=geometry)
    images = {}
    for name in found:
        write_image(np.zeros((40, 40), np.uint8), tmp_path / "raw" / name)
        images[name] = ImageFile(tmp_path / "raw" / name)
    responses, tables, doses = all_tables(cells, facts_of(cells, condition=["50 % <b>", "$x_"]))
    fields, conditions, states = tables[0], tables[2], tables[5]
    nodes.draw(cells, states, images, TWO_CLASSES)(tmp_path / "drawn")
    assert read_image(tmp_path / "drawn" / "x y" / "ä.png").any()
    figures = nodes.plot(fields, conditions), tmp_path / "doses"
    nodes.plot_doses(responses)(figures[1])
    given = ORIGIN, NO_FINDINGS, TWO_CLASSES, *tables, doses[0]
    page = render_page(nodes.write_report(tmp_path / "drawn", *figures, *given))
    assert "x y/ä.png" in page and "<b>" not in page.split("<body")[1]
    assert "Every annotated region" not in page


def write_regions(folder, *squares, name="a"):
    """Write squares (x, y, side, name, class) as QuPath does for the image of `name`."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[[x, y], [x + a, y], [x + a, y + a], [x, y + a], [x, y]]]},
            "properties": {"objectType": "annotation", "name": called, "classification": {"name": kind}},
        }
        for x, y, a, called, kind in squares
    ]
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


@pytest.fixture
def two_images(tmp_path):
    """Return images a and b, of which the regions' file is about one, as files."""
    for name in ("a.png", "b.png"):
        write_image(np.zeros((40, 40), np.uint8), tmp_path / "raw" / name)
    return {name: ImageFile(tmp_path / "raw" / name) for name in ("a.png", "b.png")}


def test_regions_are_read_and_shown_with_what_their_intervals_mean(tmp_path, two_images):
    write_regions(tmp_path / "regions", (0, 0, 20, "<b>rim", "tumour"), (0, 0, 40, "all", "=stroma"))
    cells = cells_of({"a.png": [("live", 9, 9), ("dead", 30, 30), ("live", 31, 9)], "b.png": [("live", 9, 9)]})
    facts, parameters = facts_of(cells), replace(TWO_CLASSES, regions=str(tmp_path / "regions"), pictures=0)
    responses, tables, doses = all_tables(cells, facts, parameters, two_images)
    columns = ["image", "name", "class", "live", "dead"]
    assert tables[-1][columns].to_numpy().tolist() == [
        ["a.png", "<b>rim", "tumour", 1, 0], ["a.png", "all", "=stroma", 2, 1],
    ]  # fmt: skip
    assert list(tables[-1].columns[-4:]) == TRACED
    nodes.plot_doses(responses)(tmp_path / "doses")
    given = ORIGIN, NO_FINDINGS, parameters, *tables, doses[0]
    (tmp_path / "drawn").mkdir()
    page = render_page(
        nodes.write_report(tmp_path / "drawn", nodes.plot(tables[0], tables[2]), tmp_path / "doses", *given)
    )
    assert "Every annotated region" in page and "&lt;b&gt;rim" in page
    assert "for the cells of this region alone" in page and "where the size of a pixel is known" in page


def test_regions_without_a_name_are_shown_with_areas_in_micrometres_where_pixels_have_a_size():
    row = {**dict.fromkeys(REGION_COLUMNS, 1.0), "field": "f", "image": "a.png", "name": "", "class": "tumour"}
    table = pd.DataFrame([row]).astype(REGION_COLUMNS)
    shown, *said = viability._regions(table, readable(table))
    assert set(REGION_COLUMNS) - set(shown.frame) == {"name", "area_px2"} and len(said) == 1


def test_regions_of_an_image_that_is_in_no_field_are_refused_with_their_file(tmp_path, two_images):
    write_regions(tmp_path / "regions", (0, 0, 20, "rim", "tumour"), name="b")
    cells = cells_of({"a.png": [("live", 9, 9)]})
    with pytest.raises(MistakeError, match=r"regions: expected .* in no field: b\.png; take out these regions"):
        all_tables(cells, facts_of(cells), replace(TWO_CLASSES, regions=str(tmp_path / "regions")), two_images)


def test_regions_that_are_not_there_are_refused_with_their_file(tmp_path, two_images):
    cells = cells_of({"a.png": [("live", 9, 9)]})
    with pytest.raises(MistakeError, match=r"nowhere: expected .*there is no nowhere"):
        all_tables(cells, facts_of(cells), replace(TWO_CLASSES, regions=str(tmp_path / "nowhere")), two_images)
