import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.metadata import metadata_findings
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.pipelines.fish import nodes
from cell_pipelines.pipelines.fish.parameters import FishParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.origin import Origin

ORIGIN = Origin("truth")
NO_FINDINGS = metadata_findings([], pattern=None, table=pd.DataFrame(), key="image")
TRACED = ["source", "model_run_id", "thresholds", "source_images"]


def study(folder, found, *, grey=False):
    """Return cells and images of `found`: by image, the class of each nucleus, each with a red and two green dots."""
    builder, images = AnnotationBuilder(("whole", "destroyed")), {}
    rows, columns = np.mgrid[:48, :96]
    for name, classes in found.items():
        row = builder.add_image(name, width=96, height=48)
        light = np.full((48, 96, 3), 10.0)
        for place, category in enumerate(classes):
            left = 6 + 44 * place
            builder.add_box(row, category, (left, 6, left + 36, 42))
            for channel, dots in ((0, [(24, 10)]), (1, [(14, 24), (34, 24)])):
                for dot_row, dot_column in dots:
                    squared = (rows - dot_row) ** 2 + (columns - left - dot_column) ** 2
                    light[..., channel] += 180 * np.exp(-squared / (2 * 1.5**2))
        light += np.random.default_rng(0).normal(0, 1, light.shape)
        pixels = light.clip(0, 255).astype(np.uint8)
        write_image(pixels[..., 0] if grey else pixels, folder / name)
        images[name] = ImageFile(folder / name)
    return builder.build(), images


def facts_of(cells, **columns):
    return pd.DataFrame({"image": pd.Series(cells.names, dtype="str"), **columns})


def found_in(cells, images, parameters=None, **columns):
    return nodes.find_spots(cells, images, facts_of(cells, **columns), ORIGIN, parameters or FishParameters())


def test_signals_of_each_nucleus_are_counted_by_channel(tmp_path):
    _, _, nuclei = found_in(*study(tmp_path, {"x/a.png": ["whole", "destroyed"], "y/a.png": ["whole"]}))
    assert nuclei[["image", "nucleus", "category", "pattern"]].to_numpy().tolist() == [
        ["x/a.png", 1, "whole", "1:2"],
        ["x/a.png", 2, "destroyed", "1:2"],
        ["y/a.png", 1, "whole", "1:2"],
    ]


@pytest.mark.parametrize("found", [{}, {"a.png": []}, {"a.png": [], "b.png": ["whole"]}])
def test_every_table_can_be_traced_and_written_however_little_there_is(tmp_path, found):
    cells, images = study(tmp_path, found)
    spots, signals, nuclei = found_in(cells, images)
    tables = nodes.tabulate(nuclei, ORIGIN, FishParameters())
    scores = nodes.score(pd.DataFrame(), signals, cells, ORIGIN, FishParameters())
    for table in (spots, signals, nuclei, *tables, scores):
        assert list(table.columns[-4:]) == TRACED
        table.to_parquet(tmp_path / "table.parquet")
    assert nodes.log_metrics(nuclei, scores)["fish_nuclei"]["value"] == len(nuclei)


def test_a_column_that_no_image_tells_makes_one_unit_of_all(tmp_path):
    parameters = FishParameters(unit="patient", cluster="slide", control_column="kind")
    _, _, nuclei = found_in(*study(tmp_path, {"a.png": ["whole"], "b.png": ["whole"]}), parameters)
    patterns, states, thresholds = nodes.tabulate(nuclei, ORIGIN, parameters)
    assert set(patterns["patient"]) == set(states["patient"]) == {"all"} and thresholds.empty


def test_an_image_of_one_channel_is_refused_unless_one_is_asked_for(tmp_path):
    cells, images = study(tmp_path, {"a.png": ["whole"]}, grey=True)
    with pytest.raises(ValueError, match=r"a\.png: `image` must have the shape .* channel number 1 for green"):
        found_in(cells, images)
    _, _, nuclei = found_in(cells, images, FishParameters(channels={"red": 0}))
    assert nuclei["pattern"].tolist() == ["1:?"]


def test_a_distance_in_micrometres_needs_a_pixel_size(tmp_path):
    with pytest.raises(ValueError, match=r"a\.png: the pixel size must be known for `fish.merge_um`"):
        found_in(*study(tmp_path, {"a.png": ["whole"]}), FishParameters(merge_um=1.0))


def test_the_published_method_keeps_every_candidate_with_its_reason(tmp_path):
    spots, _, _ = found_in(*study(tmp_path, {"a.png": ["whole"]}), FishParameters(spots="paper"))
    assert (spots["kept"] == (spots["reason"] == "")).all()


def test_signals_are_scored_by_channel_over_all_images(tmp_path):
    cells, images = study(tmp_path, {"a.png": ["whole"], "b.png": ["whole"]})
    _, signals, _ = found_in(cells, images)
    true = [(name, "red", 24.0, 16.0) for name in cells.names] + [("a.png", "green", 14.0, 30.0)]
    truth = pd.DataFrame(true, columns=["image", "channel", "row_px", "column_px"])
    before = truth.copy(deep=True)
    elsewhere = truth.assign(image="never seen.png")
    scores = nodes.score(pd.concat([truth, elsewhere]), signals, cells, ORIGIN, FishParameters())
    assert scores[["channel", "images", "tp", "fp", "fn"]].to_numpy().tolist() == [
        ["red", 2, 2, 0, 0],
        ["green", 2, 1, 3, 0],
    ]
    assert scores["unmatched_images"].tolist() == [1, 1]
    pd.testing.assert_frame_equal(truth, before)


def test_the_page_is_made_without_any_nucleus_and_with_text_that_looks_like_markup(tmp_path):
    for found, subject in (({"a.png": []}, ["s"]), ({"x y/ä.png": ["whole"]}, ["<b>50 % $x"])):
        cells, images = study(tmp_path / subject[0][:1].strip("<"), found)
        parameters = FishParameters()
        spots, signals, nuclei = found_in(cells, images, parameters, subject=subject)
        tables = nodes.tabulate(nuclei, ORIGIN, parameters)
        scores = nodes.score(pd.DataFrame(), signals, cells, ORIGIN, parameters)
        drawn = tmp_path / f"drawn {len(nuclei)}"
        nodes.draw(cells, nuclei, signals, spots, images, parameters)(drawn)
        figures = nodes.plot_patterns(tables[0], parameters), nodes.plot_aneuploidy(tables[1], parameters)
        given = spots, nuclei, *tables, scores, *figures
        page = render_page(nodes.write_report(drawn, ORIGIN, NO_FINDINGS, parameters, *given))
        assert cells.names[0] in page and "<b>" not in page.split("<body")[1]


def test_points_have_no_inside_and_a_nucleus_under_another_can_not_be_counted(tmp_path):
    _, images = study(tmp_path, {"a.png": ["whole"]})
    builder = AnnotationBuilder(("whole", "destroyed"))
    row = builder.add_image("a.png", width=96, height=48)
    builder.add_box(row, "whole", (6, 6, 42, 42))
    builder.add_box(row, "whole", (6, 6, 42, 42))
    _, _, nuclei = found_in(builder.build(), images)
    assert nuclei["pattern"].tolist() == ["1:2", "?:?"]
    states = nodes.tabulate(nuclei, ORIGIN, FishParameters())[1]
    assert set(states["nuclei"]) == {1} and set(states["unknown"]) == {1}
    builder.add_object(row, "whole", "point", (5, 5, 5, 5))
    with pytest.raises(ValueError, match="needs the outlines of nuclei"):
        found_in(builder.build(), images)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"controls": ("contrl",)}, "`fish.controls` must be values of condition, control, got contrl"),
        ({"whole": "hole"}, "`fish.whole` must be a class of the cells, whole, destroyed, got hole"),
        ({"unit": "pattern"}, "can't group nuclei by pattern"),
    ],
)
def test_misspelt_names_are_refused_with_those_that_are_known(tmp_path, wrong, said):
    cells, images = study(tmp_path, {"a.png": ["whole"]})
    parameters = FishParameters.model_validate(wrong)
    with pytest.raises(ValueError, match=said):
        nodes.tabulate(found_in(cells, images, parameters, condition=["control"])[2], ORIGIN, parameters)


def test_a_unit_of_numbers_may_be_missing_for_some(tmp_path):
    parameters = FishParameters(unit="dose", control_column="dose", controls=("0.0",))
    cells, images = study(tmp_path, {"a.png": ["whole"], "b.png": ["whole"]})
    nuclei = found_in(cells, images, parameters, dose=[0.0, np.nan])[2]
    assert nuclei["dose"].tolist() == ["0.0", "all"]
    assert not nodes.tabulate(nuclei, ORIGIN, parameters)[2].empty
