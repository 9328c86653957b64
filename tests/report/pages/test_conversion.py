"""The page of a conversion says what happened, however much or little there is, and stays small."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.annotations.quality.table import KINDS
from cell_pipelines.report.page.html import render_page
from cell_pipelines.report.pages.conversion import ConversionOverview, ConversionTables, conversion_page


def render_conversion_report(title: str, overview: ConversionOverview, tables: ConversionTables) -> str:
    return render_page(conversion_page(title, overview, tables))


FINDINGS = ["file", "entry", "action", "reason", "objects"]
QUALITY = ["kind", "image", "objects", "category", "value", "sentence"]


def overview(objects_in: int = 5, dropped: int = 2, **extra: object) -> ConversionOverview:
    evidence = "labels.json is a JSON file with images, annotations and categories"
    return ConversionOverview("coco", evidence, 3, 2, objects_in, objects_in - dropped, dropped, **extra)


def tables(**changed: object) -> ConversionTables:
    everything = {
        "categories": ("cell", "debris", "never seen"),
        "images": pd.DataFrame({"image": ["a.png", "b.png"], "split": ["val", "train"]}),
        "objects": pd.DataFrame(
            {"image": ["a.png"] * 3, "category": ["cell", "cell", "debris"], "area": [90.0, 110.0, np.nan]}
        ),
        "findings": pd.DataFrame(
            [
                ("labels.json", "object 1", "dropped", "zero width or height: (1, 2, 1, 4).", 1),
                ("labels.json", "object 7", "dropped", "zero width or height: (9, 2, 9.5e3, 4).", 1),
                ("c.png", "", "skipped", "'c.png' can't be read.", 0),
            ],
            columns=FINDINGS,
        ),
        "quality": pd.DataFrame(
            [("tiny", "a.png", "2", "cell", 1.0, "cell (row 2) has an area of 1 px².")], columns=QUALITY
        ),
        "losses": pd.DataFrame({"format": ["yolo"], "lost": ["2 polygons become boxes"]}),
    }
    return ConversionTables(**{**everything, **changed})


def words(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def test_the_page_says_what_came_in_what_was_lost_and_why() -> None:
    page = render_conversion_report("My conversion", overview(unlabelled=["c.png"]), tables())
    text = words(page)
    for said in (
        "My conversion", "Read as coco: labels.json is a JSON file", "5 objects in = 3 out + 2 dropped",
        "Annotated and readable: 2 of 3 images.", "1 image no label is known", "never seen",
        "zero width or height: (…, …, …, …).",
        "labels.json, object 1; labels.json, object 7", "'c.png' can't be read.", "tiny",
        "a.png: cell (row 2) has an area of 1 px².", "2 polygons become boxes", "findings.csv", "quality.csv",
    ):  # fmt: skip
        assert said in text, said
    assert page.count("<img") == 3


def test_findings_that_differ_only_in_names_and_numbers_are_one_row_with_their_sums() -> None:
    page = words(render_conversion_report("t", overview(), tables()))
    assert re.search(r"dropped zero width or height: \(…, …, …, …\)\. 2 2 ", page)
    assert page.index("dropped zero") < page.index("skipped 'c.png'")


def test_nothing_found_is_said() -> None:
    nothing = tables(
        findings=pd.DataFrame(columns=FINDINGS), quality=pd.DataFrame(columns=QUALITY), losses=pd.DataFrame()
    )
    text = words(render_conversion_report("t", overview(3, 0), nothing))
    assert "Nothing was dropped, changed or skipped." in text
    assert "No check has a finding." in text
    assert "What other formats" not in text
    assert "no label is known" not in text
    held = tables(losses=pd.DataFrame(columns=["format", "lost"]))
    assert "Every format can hold all of this." in words(render_conversion_report("t", overview(), held))


def test_a_set_without_images_objects_or_classes_has_a_page_too() -> None:
    empty = ConversionTables(
        (), pd.DataFrame(columns=["image", "split"]), pd.DataFrame(columns=["image", "category", "area"]),
        pd.DataFrame(columns=FINDINGS), pd.DataFrame(columns=QUALITY),
    )  # fmt: skip
    text = words(render_conversion_report("t", overview(0, 0), empty))
    assert "0 objects in = 0 out + 0 dropped" in text
    only_images = tables(objects=pd.DataFrame(columns=["image", "category", "area"]))
    assert render_conversion_report("t", overview(0, 0), only_images).count("<img") == 3


def test_a_hundred_thousand_findings_leave_the_page_small() -> None:
    rng = np.random.default_rng(0)
    count = 100_000
    reasons = [
        f"({x:.2f}, 3) lies outside the image of {w}x480 pixels." for x, w in rng.uniform(1, 9e3, (count, 2)).tolist()
    ]
    letters = ["".join(chr(97 + c) for c in row) for row in rng.integers(0, 26, (500, 12)).tolist()]
    findings = pd.DataFrame(
        {
            "file": [f"f{i}.xml" for i in range(count)], "entry": "object 1", "action": "dropped", "objects": 1,
            "reason": [*reasons[:-500], *(f"unknown word {word}" for word in letters)],
        }
    )  # fmt: skip
    quality = pd.DataFrame(
        {
            "kind": np.resize(list(KINDS), count), "image": [f"{i}.png" for i in range(count)], "objects": "1",
            "category": "cell", "value": 1.0, "sentence": "is odd " * 100,
        }
    )  # fmt: skip
    names = [f"image {i}.png" for i in range(5_000)]
    page = render_conversion_report(
        "t", overview(count, count, unlabelled=names), tables(findings=findings, quality=quality)
    )
    text = words(page)
    assert len(page) < 600_000
    assert "99 500" in text
    assert "rarer kinds of finding stand only there" in text
    assert "4990 more" in text


def test_many_classes_are_drawn_up_to_a_number_and_all_listed() -> None:
    names = [f"class {i}" for i in range(60)]
    objects = pd.DataFrame({"image": "a.png", "category": names + names[40:], "area": 5.0})
    text = words(render_conversion_report("t", overview(80, 0), tables(categories=names, objects=objects)))
    assert "35 rarer classes left out" in text
    assert all(name in text for name in names)


def test_names_stay_text() -> None:
    evil = "<script>alert('x')</script>$\\frac{$"
    objects = pd.DataFrame({"image": [evil], "category": [evil], "area": [4.0]})
    images = pd.DataFrame({"image": [evil], "split": [evil]})
    findings = pd.DataFrame([(evil, evil, "dropped", evil, 1)], columns=FINDINGS)
    quality = pd.DataFrame([("tiny", evil, "0", evil, 1.0, evil)], columns=QUALITY)
    changed = tables(categories=(evil,), images=images, objects=objects, findings=findings, quality=quality)
    page = render_conversion_report(evil, overview(unlabelled=[evil]), changed)
    assert "<script" not in page


def test_images_without_a_split_are_one_bar_a_class() -> None:
    without = tables(images=pd.DataFrame({"image": ["a.png", "b.png"]}))
    unknown = tables(images=pd.DataFrame({"image": ["a.png", "b.png"], "split": [None, None]}))
    some = tables(images=pd.DataFrame({"image": ["a.png", "b.png"], "split": [None, "test"]}))
    for shown in (without, unknown, some):
        assert render_conversion_report("t", overview(), shown).count("<img") == 3


def test_an_account_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`objects_in` must be .* got 5 and 2 \+ 2"):
        ConversionOverview("coco", "e", 1, 1, 5, 2, 2)


def test_the_tables_are_not_changed() -> None:
    given = tables()
    render_conversion_report("t", overview(), given)
    for name in ("images", "objects", "findings", "quality", "losses"):
        pd.testing.assert_frame_equal(getattr(given, name), getattr(tables(), name))
