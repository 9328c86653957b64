import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.metadata import metadata_findings
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.morphology import nodes
from cell_pipelines.pipelines.morphology.parameters import MorphologyParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.origin import Origin

ORIGIN = Origin("truth")
NO_FINDINGS = metadata_findings([], pattern=None, table=pd.DataFrame(), key="image")
TRACED = ["source", "model_run_id", "thresholds", "source_images"]
FORM = MorphologyParameters.model_validate({"measure": {"intensity": False}})


def cells_of(found, *, geometry="polygon", sizes=None):
    """Return a set of `found`: by image, the side of each square cell; `sizes` are pixel sizes by image."""
    builder = AnnotationBuilder(("cell",))
    for name, sides in found.items():
        high, wide = (sizes or {}).get(name, (None, None))
        row = builder.add_image(name, width=60, height=60, pixel_height_um=high, pixel_width_um=wide)
        for place, side in enumerate(sides):
            low, left = 5.0, 5.0 + 18 * place
            corners = np.array([[left, low], [left + side, low], [left + side, low + side], [left, low + side]])
            if geometry == "polygon":
                builder.add_polygon(row, "cell", [corners])
            else:
                builder.add_object(row, "cell", geometry, (*corners.min(axis=0), *corners.max(axis=0)))
    return builder.build()


def facts_of(cells, **columns):
    return pd.DataFrame({"image": pd.Series(cells.names, dtype="str"), **columns})


def no_images(cells):
    return dict.fromkeys(cells.names)


def measured(cells, **columns):
    return nodes.measure(cells, no_images(cells), facts_of(cells, **columns), ORIGIN, FORM)


def test_cells_are_measured_in_micrometres_where_all_pixel_sizes_are_known_and_not_square():
    table = measured(cells_of({"a.png": [10]}, sizes={"a.png": (0.5, 2.0)}))
    assert table["area_um2"].tolist() == [100.0] and "area_px2" not in table


def test_cells_are_measured_in_pixels_where_one_image_tells_no_size(caplog):
    table = measured(cells_of({"a.png": [10], "b.png": [10]}, sizes={"a.png": (0.5, 0.5)}))
    assert table["area_px2"].tolist() == [100.0, 100.0] and "area_um2" not in table
    assert "all cells are measured in pixels" in caplog.text


@pytest.mark.parametrize("geometry", ["box", "point"])
def test_what_has_no_outline_is_refused_with_the_name_of_its_image(geometry):
    with pytest.raises(ValueError, match="a.png: .*"):
        measured(cells_of({"a.png": [10]}, geometry=geometry))


def test_images_without_cells_give_empty_tables_with_all_columns(tmp_path):
    none, some = measured(cells_of({"a.png": []})), measured(cells_of({"a.png": [10]}))
    assert list(none.columns) == list(some.columns) and list(none.columns[-4:]) == TRACED
    groups, comparisons, _ = nodes.compare(none, ORIGIN, FORM)
    for table in (none, groups, comparisons):
        table.to_parquet(tmp_path / "table.parquet")
    assert nodes.log_metrics(none) == {
        "morphology_cells": {"value": 0.0, "step": 0},
        "morphology_images": {"value": 0.0, "step": 0},
    }


def test_cells_at_the_border_stay_in_the_table_but_are_not_compared():
    table = measured(cells_of({"a.png": [10, 12]})).assign(touches_border=[True, False])
    groups, _, _ = nodes.compare(table, ORIGIN, FORM)
    assert set(groups["n_cells"]) == {1}


def test_cells_of_unknown_condition_are_a_group_and_without_any_all_are_one():
    cells = cells_of({"a.png": [10, 11], "b.png": [12, 13]})
    groups, _, _ = nodes.compare(measured(cells, condition=["k", None]), ORIGIN, FORM)
    assert set(groups["group"]) == {"k", "unknown"}
    groups, comparisons, _ = nodes.compare(measured(cells), ORIGIN, FORM)
    assert set(groups["group"]) == {"all"} and comparisons.empty


def test_series_numbered_anew_in_each_group_are_paired_only_if_said_to_be():
    cells = cells_of({f"{name}.png": [size] for name, size in zip("abcdef", (8, 9, 10, 11, 12, 13), strict=True)})
    table = measured(cells, condition=["k"] * 3 + ["l"] * 3, series=["1", "2", "3"] * 2)
    own = FORM.model_copy(update={"cluster": "series"})
    same = own.model_copy(update={"paired": True})
    for parameters, test, count in ((own, "mann_whitney", 6), (same, "wilcoxon_signed_rank", 3)):
        _, comparisons, _ = nodes.compare(table, ORIGIN, parameters)
        assert set(comparisons["image_test"]) == {test} and set(comparisons["n_images_compared"]) == {count}


def test_neither_facts_nor_cells_are_changed():
    cells = cells_of({"a.png": [10], "b.png": [12]}, sizes={"a.png": (0.5, 0.5)})
    facts, before = facts_of(cells, condition=["k", "l"]), cells.fingerprint()
    kept = facts.copy(deep=True)
    table = nodes.measure(cells, no_images(cells), facts, ORIGIN, FORM)
    whole = table.copy(deep=True)
    nodes.compare(table, ORIGIN, FORM)
    pd.testing.assert_frame_equal(facts, kept)
    pd.testing.assert_frame_equal(table, whole)
    assert cells.fingerprint() == before


def test_a_measure_that_there_is_not_is_refused_by_name():
    table = measured(cells_of({"a.png": [10]}))
    for wrong in ("area_um2", "category"):
        with pytest.raises(ValueError, match=f"{wrong} is not"):
            nodes.compare(table, ORIGIN, FORM.model_copy(update={"features": (wrong,)}))


def test_brightness_is_named_by_channel_and_the_page_shows_the_cells(tmp_path):
    cells = cells_of({"x/ä b.png": [10, 12]})
    write_image(np.full((60, 60, 3), (10, 20, 30), np.uint8), tmp_path / "raw.png")
    images = {"x/ä b.png": ImageFile(tmp_path / "raw.png")}
    parameters = MorphologyParameters()
    table = nodes.measure(cells, images, facts_of(cells, condition=["50 % <b>"]), ORIGIN, parameters)
    assert table["intensity_mean_green"].tolist() == [20.0, 20.0]
    nodes.draw(cells, images, parameters)(tmp_path / "drawn")
    compared = nodes.compare(table, ORIGIN, parameters)
    drawn = tmp_path / "drawn"
    page = render_page(nodes.write_report(drawn, ORIGIN, NO_FINDINGS, parameters, table, *compared))
    assert "x/ä b.png" in page and "<b>" not in page.split("<body")[1]


def test_sources_are_compared_on_the_images_that_all_have_seen_also_without_cells():
    truth = measured(cells_of({"a.png": [10, 11], "b.png": [12, 13], "c.png": [9]}))
    model = Origin("unetpp").added_to(truth[truth["image"] == "a.png"])
    seen = [pd.DataFrame({"image": names}) for names in (["a.png", "b.png", "c.png"], ["a.png", "b.png"])]
    compared = groups, comparisons, _ = nodes.compare_sources(2)(FORM, truth, model, *seen)
    page = nodes.report_sources(2)(FORM, *compared, truth, model, *seen)
    assert page.cards == {"Sources": "2", "Images seen by all": "2", "Cells": "6"}
    assert set(groups["n_cells"]) == {4, 2} and set(groups["group"]) == {"truth", "unetpp"}
    assert set(comparisons["group_1"]) == {"truth"} and "unetpp" in render_page(page)


def test_sources_in_two_units_are_not_compared():
    px, um = measured(cells_of({"a.png": [10]})), measured(cells_of({"a.png": [10]}, sizes={"a.png": (0.5, 0.5)}))
    seen = [pd.DataFrame({"image": ["a.png"]})] * 2
    with pytest.raises(ValueError, match="must measure in one unit"):
        nodes.compare_sources(2)(FORM, px, um, *seen)


def test_no_image_gives_tables_with_all_columns():
    none = measured(cells_of({}))
    assert list(none.columns) == list(measured(cells_of({"a.png": [10]})).columns)
    assert nodes.compare(none, ORIGIN, FORM)[0].empty


def test_groups_of_numbers_are_named_as_they_are_written():
    table = measured(cells_of({"a.png": [10], "b.png": [12]}), dose=[1.0, 0.5])
    parameters = FORM.model_copy(update={"group": "dose", "reference": "1"})
    groups, comparisons, _ = nodes.compare(table, ORIGIN, parameters)
    assert set(groups["group"]) == {"1", "0.5"} and set(comparisons["group_2"]) == {"1"}
    close = measured(cells_of({"a.png": [10], "b.png": [12]}), dose=[1234567.5, 1234567.25])
    assert nodes.compare(close, ORIGIN, FORM.model_copy(update={"group": "dose"}))[0]["group"].nunique() == 2
