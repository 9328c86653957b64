"""The page of counts shows some images with their cells, and neither many images nor large ones make it large."""

import re

import numpy as np
import pandas as pd
import pytest

from cell_pipelines import count
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.imaging.array_image import array_image
from cell_pipelines.workflows.count_page import choose_examples, totals_by_folder
from cell_pipelines.workflows.drawing import draw_preview


def counts(totals, warnings=None, names=None):
    names = [f"{number}.png" for number in range(len(totals))] if names is None else names
    warnings = [""] * len(totals) if warnings is None else warnings
    return pd.DataFrame({"image": names, "total": totals, "warning": warnings, "error": ""})


def test_the_first_the_most_the_fewest_and_the_most_warned_image_are_shown_once_each():
    table = counts([5, 9, 0, 3], ["", "a", "a", "a; b"])
    shown = choose_examples(table)
    assert shown == {"0.png": "first image", "1.png": "most cells", "2.png": "fewest cells", "3.png": "most warnings"}
    assert choose_examples(counts([9, 1])) == {"0.png": "first image, most cells", "1.png": "fewest cells"}
    assert choose_examples(counts([4])) == {"0.png": ""}
    assert choose_examples(counts([])) == {}


def test_images_that_were_not_read_are_no_examples():
    table = counts([np.nan, 2.0, 3.0])
    table.loc[0, "error"] = "damaged"
    assert set(choose_examples(table)) == {"1.png", "2.png"}


def test_totals_of_folders_add_up_and_one_folder_needs_none():
    table = counts([1, 2, 4], names=["a/x.png", "b/c/x.png", "a/y.png"])
    folders = totals_by_folder(table, ["total"])
    assert folders.to_dict("list") == {"folder": ["a", "b/c"], "images": [2, 1], "total": [5, 2]}
    assert totals_by_folder(counts([1, 2]), ["total"]) is None


def test_a_page_has_pictures_and_its_size_does_not_grow_with_the_number_of_images(squares_image, squares_model):
    pages, shown = {}, []
    for n in (6, 40):
        result = count([squares_image(i % 5) for i in range(n)], model=squares_model)
        pages[n] = result.page()
        pictures = re.findall(r'<img src="data:image/\w+;base64,[^"]+" [^>]*alt="([^"]+)"', pages[n])
        shown.append(len(pictures))
        assert "0 cells" in pictures[0] and "4 cells (most cells" in pictures[1]
    assert shown[0] == shown[1] <= 4
    assert len(pages[40]) - len(pages[6]) < 34 * 400, "rows of two tables, and no picture"


def test_rows_beyond_those_of_a_page_are_said_to_be_in_the_table():
    from cell_pipelines.report.page.html import render_report
    from cell_pipelines.report.pages.new_counts import count_sections

    page = render_report("a", {}, count_sections(counts(range(1000)), ["total"], compared=True))
    assert "The first 200 of 1000 rows" in page and "199.png" in page and "200.png" not in page


@pytest.mark.parametrize("place", [(0, 0), (2800, 3900), (1500, 40)])
def test_of_a_large_image_the_part_with_most_cells_is_shown(place):
    image = np.zeros((2900, 4000), np.uint8)
    builder = AnnotationBuilder(["cell"])
    row = builder.add_image("a", width=4000, height=2900)
    for shift in range(5):
        top, left = place[0] + 12 * shift, place[1] + 12 * shift
        image[top : top + 8, left : left + 8] = 255
        builder.add_box(row, "cell", (left, top, left + 8, top + 8))
    builder.add_box(row, "cell", (2000, 1400, 2008, 1408))
    picture, part = draw_preview(array_image(image, "a"), builder.build(), 640)
    assert max(picture.shape[:2]) <= 640 and picture.max() > 200
    assert "1000 x 1000 pixels" in part


def test_a_picture_has_a_legend_where_there_are_several_classes_and_none_for_one(squares_image):
    sizes = []
    for classes in (["cell"], ["live", "dead"]):
        builder = AnnotationBuilder(classes)
        builder.add_box(builder.add_image("a", width=64, height=64), classes[0], (1, 1, 9, 9))
        sizes.append(draw_preview(array_image(squares_image(1), "a"), builder.build(), 400)[0].shape)
    assert sizes[0] == (400, 400, 3) and sizes[1][0] > 400
