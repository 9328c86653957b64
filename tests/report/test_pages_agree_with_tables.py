"""Every number in the cards, captions and sentences of a study's pages is a cell of its tables."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds
from cell_pipelines.analysis.evaluation.strata_tables import tabulate_density, tabulate_size
from cell_pipelines.analysis.model_comparison.model_tables import ModelTables
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.metrics.definitions import DEFINITIONS
from cell_pipelines.models import model_file
from cell_pipelines.pipelines.prediction.nodes import report_new
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.card import describe_model
from cell_pipelines.pipelines.reporting.choice import Choice, choose_model
from cell_pipelines.pipelines.reporting.nodes import (
    describe_data,
    describe_errors,
    describe_evaluation,
    headlines,
    write_report,
)
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.reporting.study import describe_study
from cell_pipelines.report.page import embedding
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page, embedded_page, render_page, render_report
from cell_pipelines.report.pages.comparison import comparison_cards
from cell_pipelines.workflows.comparison import ModelComparison, compare_tables, describe_comparison
from cell_pipelines.workflows.evaluation import evaluate
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.prediction import PredictionParameters

EVALUATION = EvaluationParameters(resamples=100)
COMPARING, REPORTING = ComparisonParameters(), ReportingParameters(title="Study")
FIGURE = Embedded("data:image/png;base64,", 1, 1, is_figure=True)
HISTORY = pd.DataFrame({"epoch": [1, 2], "seconds": [30.0, 60.0], "val_loss": [1.0, 0.5]})
# Written as part of a rule or a name, not as a result.
FIXED = {"0", "0.5", "0.001", "0.1", "1", "95", "30"}
NUMBER = re.compile(r"(?<![\w.])\d[\d\u202f]*(?:\.\d+)?(?![\w])")
PRAISE = re.compile(r"\b(is best|best model|best f1|which is best|differences to the best)\b", re.IGNORECASE)
Sets = tuple[AnnotationSet, dict[str, AnnotationSet]]


@dataclass(frozen=True, eq=False)
class Model:
    """Tables of the evaluation of one model."""

    classes: pd.DataFrame
    images: pd.DataFrame
    cells: pd.DataFrame
    curves: pd.DataFrame
    instances: pd.DataFrame
    kinds: pd.DataFrame
    confusions: pd.DataFrame

    def tables(self) -> list[pd.DataFrame]:
        kinds = [summarise_error_kinds(self.kinds)] if len(self.kinds) else []
        return [self.classes, self.images, *kinds, tabulate_density(self.images), tabulate_size(self.cells)]


@dataclass(frozen=True, eq=False)
class Study:
    """All tables of a study and what its pages say."""

    truth: AnnotationSet
    models: Mapping[str, Model]
    choice: Choice
    comparison: ModelComparison
    pages: Mapping[str, str]
    card: str

    @property
    def has_winner(self) -> bool:
        """Whether one model differs from all others in some metric."""
        differences = self.comparison.differences
        return any(rows["significant"].all() for _, rows in differences.groupby("metric"))


class Said(HTMLParser):
    """Cards, sentences, captions and remarks of a page, without tables, definitions, commands and contents."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("p", "figcaption", "dd", "dt", "dl", "nav", "style", "script", "h2", "h3", "summary"):
            self._open.append("skipped" if given.get("class") == "definitions" or tag in ("nav", "style") else tag)
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag in (self._open[-1], "dl", "nav", "style"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and "skipped" not in self._open and self._open[-1] not in ("dl", "script"):
            self.texts[-1] += data


def _build(images: list[list[tuple[str, int]]], score: float | None, ignored: int = 0) -> AnnotationSet:
    builder = AnnotationBuilder(tuple(dict.fromkeys(["cell", *(name for cells in images for name, _ in cells)])))
    for number, cells in enumerate(images):
        row = builder.add_image(f"field{number}.png", width=100, height=100, split="test")
        for category, place in cells:
            x, y = 12 * (place % 8), 12 * (place // 8)
            builder.add_box(row, category, (x, y, x + 9.0, y + 9.0), score=score)
        for place in range(ignored):
            builder.add_box(row, "cell", (12 * place, 60, 12 * place + 30, 90), crowd=True)
    return builder.build()


def _cells(images: int, places: range, classes: tuple[str, ...] = ("cell",)) -> list[list[tuple[str, int]]]:
    return [[(classes[(p + n) % len(classes)], p) for p in places] for n in range(images)]


def _some(images: int, share: float, seed: int = 0) -> list[list[tuple[str, int]]]:
    drawn = np.random.default_rng(seed).random((images, 10)) < share
    return [[("cell", int(p)) for p in np.flatnonzero(row)] for row in drawn]


def _sets(truth: list[list[tuple[str, int]]], *models: list[list[tuple[str, int]]], ignored: int = 0) -> Sets:
    return _build(truth, None, ignored), {f"m{'abc'[i]}": _build(cells, 0.9) for i, cells in enumerate(models)}


CLASSES = tuple(f"type{letter}" for letter in "abcdefg")
#: What a model file says must be known of its training.
NOTE = "Test images look the same as an image of the start's training."
STUDIES: dict[str, Sets] = {
    "a clear winner": _sets(_cells(24, range(10)), _some(24, 0.3), _some(24, 0.95)),
    "one model of one class": _sets(_cells(9, range(5)), _some(9, 0.4)),
    "many classes": _sets(
        _cells(9, range(8), CLASSES), _cells(9, range(8), CLASSES[::-1]), _cells(9, range(7), CLASSES)
    ),
    "no cells at all": _sets([[]] * 8, [[]] * 8, [[]] * 8),
    "no cells but predictions": _sets([[]] * 8, _some(8, 0.3)),
    "no predictions": _sets(_cells(8, range(4)), [[]] * 8, [[]] * 8),
    "F1 of 0.03": _sets(_cells(1, range(1)) + [[]] * 7, _cells(1, range(64)) + [[]] * 7),
    "equal models": _sets(_cells(20, range(6)), _some(20, 0.7), _some(20, 0.7), _some(20, 0.7)),
    "models alike": _sets(_cells(12, range(10)), _some(12, 0.7), _some(12, 0.72, 1)),
    "one image": _sets(_cells(1, range(6)), _some(1, 0.5), _some(1, 0.8)),
    "ignored regions": _sets(_cells(8, range(5)), _cells(8, range(48)), ignored=3),
}  # fmt: skip


def _evaluate(truth: AnnotationSet, predictions: AnnotationSet) -> Model:
    return Model(*evaluate(truth, predictions, {}, EVALUATION))


def _data(truth: AnnotationSet) -> tuple[pd.DataFrame, pd.DataFrame, list[Any]]:
    counts = dict(zip(truth.categories, truth.counts().sum(axis=0), strict=True))
    images = truth.n_images
    splits = pd.DataFrame([{"split": "test", "images": images, "groups": images, **counts}])
    summary = pd.DataFrame(
        [{"source_format": "coco", "images_in": images, "images_out": images, "objects_in": truth.n_objects,
          "objects_out": truth.n_objects, "objects_dropped": 0}]
    )  # fmt: skip
    findings = pd.DataFrame(columns=["file", "entry", "action", "reason", "objects"])
    quality = pd.DataFrame(columns=["kind", "image", "objects", "category", "value", "sentence"])
    return summary, splits, describe_data(summary, findings, quality, splits, REPORTING)


def _compare(truth: AnnotationSet, models: Mapping[str, Model]) -> tuple[ModelComparison, Page]:
    given = {name: ModelTables(one.classes, one.images, one.instances) for name, one in models.items()}
    found = compare_tables(given, truth, EVALUATION, COMPARING)
    return found, embedded_page("Compared", comparison_cards(found.table), describe_comparison(found, given))


def _render(name: str, folder: Path) -> Study:
    truth, predictions = STUDIES[name]
    models = {model: _evaluate(truth, cells) for model, cells in predictions.items()}
    names, every = tuple(models), list(models.values())
    choice = choose_model(names)(
        truth, EVALUATION, REPORTING, COMPARING, *chain.from_iterable((m.classes, m.images) for m in every)
    )
    summary, splits, data = _data(truth)
    comparison, compared = _compare(truth, models)
    file = folder / "model.pt"
    file.write_bytes(b"weights")
    log = pd.DataFrame(columns=["command", "pipeline"])
    pages, reported, carded = {"comparison": render_page(compared)}, [], []
    command = Invocation(Path.cwd(), "base")
    for model, one in models.items():
        results = describe_evaluation(one.classes, one.images, one.cells, EVALUATION, FIGURE, FIGURE, FIGURE)
        errors = describe_errors(one.kinds, one.confusions, one.classes, FIGURE)
        report = write_report(one.classes, truth, command, REPORTING, data, results, [], errors)
        pages[model] = render_page(report)
        reported += [one.classes, one.kinds, report, file]
        carded += [one.classes, one.images, one.cells, one.kinds, pd.DataFrame(), HISTORY, {"cell": 0.5}, file]
    first = [compared] if len(names) > 1 else []
    pages["study"] = render_page(
        describe_study(names)(
            truth, data, choice, {}, {"commands": log}, command, EVALUATION, REPORTING, *first, *reported
        )
    )
    by_count = ReportingParameters(title="Study", main_metric="count_mae")
    fewest = choose_model(names)(
        truth, EVALUATION, by_count, COMPARING, *chain.from_iterable((m.classes, m.images) for m in every)
    )
    pages["study by counts"] = render_page(
        describe_study(names)(
            truth, data, fewest, {}, {"commands": log}, command, EVALUATION, by_count, *first, *reported
        )
    )
    card = describe_model(names)(truth, summary, splits, choice, command, EVALUATION, REPORTING, *carded)
    return Study(truth, models, choice, comparison, pages, card)


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(model_file, "read_training_record", lambda _: {"training_notes": [NOTE]})
        patched.setattr(facts, "machine", dict)
        patched.setattr(embedding, "_embed_figure", lambda _: embedding.embed(np.zeros((4, 4, 3), np.uint8)))
        yield _render(request.param, tmp_path_factory.mktemp("study"))


def _written(values: Iterator[float]) -> set[str]:
    """Return numbers as pages may round them, without their sign."""
    return {f"{abs(value):.{decimals}f}" for value in values if np.isfinite(value) for decimals in range(4)}


def _table_numbers(tables: list[pd.DataFrame]) -> set[str]:
    return _written(float(value) for t in tables for value in t.select_dtypes("number").to_numpy().ravel())


def _allowed(study: Study) -> set[str]:
    found, counts = study.comparison, study.truth.counts()
    tables = [table for one in study.models.values() for table in one.tables()]
    tables += [found.table, found.differences, found.compared.estimates, found.compared.tests, found.compared.ranks]
    # Numbers of rows, models, images and cells, and bounds of classes, which tables hold as text.
    rows = [len(table) for table in tables]
    sizes = [len(study.models), study.truth.n_images, study.truth.n_objects, *counts.sum(axis=1), counts.sum(), 100]
    bounds = [float(n) for t in tables for column in t.select_dtypes(["object", "str"]) for text in t[column]
              for n in NUMBER.findall(str(text))]  # fmt: skip
    return FIXED | _table_numbers(tables) | _written(float(value) for value in [*rows, *sizes, *bounds])


def _strangers(texts: list[str], allowed: set[str]) -> list[tuple[str, str]]:
    """Return the numbers of texts that no table holds, with the text."""
    known = [text for text in texts if text not in DEFINITIONS.values()]
    plain = ((text, text.replace("AP50", "").replace("\u202f", "")) for text in known)
    return [(number, text) for text, searched in plain for number in NUMBER.findall(searched) if number not in allowed]


def _card_texts(card: str) -> list[str]:
    """Return the card's verdict and what follows its results, without tables and definitions."""
    verdict, results = card.split("## Model details")[0], card.split("## Results on test images")[1]
    lines = [*verdict.splitlines(), *results.split("## Licence")[0].splitlines()]
    return [line for line in lines if not line.startswith("| ") and not _is_definition(line)]


def _is_definition(line: str) -> bool:
    name = line.removeprefix("* ").partition(":")[0]
    return name in DEFINITIONS or name.startswith("in brackets")


def test_every_number_of_every_page_is_in_a_table(study: Study) -> None:
    allowed = _allowed(study)
    for name, page in study.pages.items():
        assert _strangers(Said(page).texts, allowed) == [], name
    assert _strangers(_card_texts(study.card), allowed) == []


def test_no_page_says_best_without_a_clear_winner(study: Study) -> None:
    texts = {**{name: " ".join(Said(page).texts) for name, page in study.pages.items()}, "card": study.card}
    praising = [name for name, text in texts.items() if PRAISE.search(text)]
    assert not praising or (study.has_winner and len(study.models) > 1)


def test_headline_cards_are_cells_of_the_table_of_classes(study: Study) -> None:
    titles = {
        "Test F1, boxes": ("f1", 3),
        "Test AP50, boxes": ("ap50", 3),
        "Count MAE, cells per image": ("count_mae", 2),
    }
    for one in study.models.values():
        total, cards = one.classes.iloc[-1], headlines(one.classes)
        expected = {t: f"{total[c]:.{d}f}" for t, (c, d) in titles.items() if pd.notna(total[c])}
        assert {title: value for title, value in cards.items() if title in titles} == expected
        assert cards["Test images"] == str(study.truth.n_images)
        tp, fp, fn = one.images[["tp", "fp", "fn"]].sum()
        f1 = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan
        assert total["f1"] == pytest.approx(f1, nan_ok=True)


def test_the_chosen_model_has_the_highest_value_of_its_metric(study: Study) -> None:
    values = {name: one.classes[study.choice.metric].iloc[-1] for name, one in study.models.items()}
    known = [value for value in values.values() if pd.notna(value)]
    assert not known or values[study.choice.model] == max(known)


def test_sentences_name_the_highest_value_or_lowest_error_with_its_interval(study: Study) -> None:
    found = study.comparison.compared
    for metric, rows in found.estimates[found.estimates["value"].notna()].groupby("metric"):
        is_error = str(metric).startswith("count")
        best = rows.loc[rows["value"].idxmin() if is_error else rows["value"].idxmax()]
        value, low, high = (f"{best[column]:.{2 if is_error else 3}f}" for column in ("value", "low", "high"))
        has_interval = np.isfinite([best["low"], best["high"]]).all()
        # Of models with the same number each has an interval of its own.
        alone = (rows["value"].round(2 if is_error else 3) == float(value)).sum() == 1
        interval = f"{value} ({low} to {high})" if has_interval and alone else value
        assert f", {interval}" in found.conclusions[str(metric)]


def test_an_interval_that_says_other_than_the_verdict_has_its_sentence(study: Study) -> None:
    tests = study.comparison.compared.tests
    known = tests[np.isfinite(tests[["low", "high", "p_holm"]]).all(axis=1)]
    for row in known.to_dict("records"):
        excludes = not row["low"] <= 0 <= row["high"]
        if excludes != row["significant"] or excludes != (row["p_holm"] < 0.05):
            assert re.search("The interval|over .* p could not|over .* it is", row["caution"])


def test_a_card_of_an_error_names_the_model_with_the_lowest(study: Study) -> None:
    texts = [text for text in Said(study.pages["study by counts"]).texts if text.strip()]
    errors = {name: one.classes["count_mae"].iloc[-1] for name, one in study.models.items()}
    if len(errors) > 1:
        named = texts[texts.index("Lowest count MAE, cells per image") + 1]
        assert errors[named] == min(errors.values())
    assert not any(text.startswith("Highest count") for text in texts)


def test_intervals_are_announced_where_there_are_any(study: Study) -> None:
    has_interval = study.comparison.compared.estimates["low"].notna().any()
    assert ("Each model with its 95 % interval" in study.pages["comparison"]) == has_interval


def test_splits_without_series_are_not_said_to_keep_series_on_one_side(study: Study) -> None:
    page = study.pages["study"]
    assert "no series, wells or recordings are known" in page
    assert "none stands on two sides" not in page


def test_a_number_that_no_table_holds_is_noticed() -> None:
    page = render_report("t", {"Test F1, boxes": "0.613"}, [])
    table = pd.DataFrame({"f1": [0.513]})
    assert [number for number, _ in _strangers(Said(page).texts, FIXED | _table_numbers([table]))] == ["0.613"]
    assert PRAISE.search("F1: m is best, 0.03")


NewCounts = Callable[[pd.DataFrame, dict[str, Any]], list[str]]


@pytest.fixture
def counted(pretend_detector: Callable[..., None]) -> NewCounts:
    def render(counts: pd.DataFrame, record: dict[str, Any]) -> list[str]:
        pretend_detector(record, ("cell",))
        page, _ = report_new(counts, _build([[("cell", 0)]], 0.9), {}, Path("model.pt"), PredictionParameters())
        return Said(render_page(page)).texts

    return render


def _counts(totals: list[float], warnings: list[str], errors: list[str]) -> pd.DataFrame:
    images = [f"new{'abcdef'[i]}.png" for i in range(len(totals))]
    return pd.DataFrame({"image": images, "cell": totals, "total": totals, "warning": warnings, "error": errors})


def test_counts_of_zero_with_warnings_are_said_with_both(counted: NewCounts) -> None:
    table = _counts([0, 0, 7, np.nan], ["dark", "dark", "", ""], ["", "", "", "damaged"])
    texts = [text for text in counted(table, {"training_images": {"images": 1}}) if text.strip()]
    cards = dict(zip(texts[::2], texts[1::2], strict=False))
    expected = {"Images": "4", "Cells": "7", "Images with warnings": "2", "Images not read": "1"}
    assert {name: cards[name] for name in expected} == expected
    assert any(text.startswith("2 of 3 images carry a warning") for text in texts)


def test_images_that_were_compared_with_nothing_are_not_said_to_be_like_training(counted: NewCounts) -> None:
    said = {known: " ".join(counted(_counts([3], [""], [""]), {"training_images": known})) for known in (None, "some")}
    assert "No image differs" in said["some"]
    assert "No image differs" not in said[None] and "were not compared" in said[None]
    unread = " ".join(counted(_counts([np.nan], [""], ["damaged"]), {"training_images": "some"}))
    assert "No image could be read." in unread and "No image differs" not in unread


def test_what_must_be_known_of_a_training_stands_in_short_and_on_the_card(study: Study) -> None:
    first = study.pages["study"].split("In short", 2)[-1].split("</section>")[0]
    assert NOTE in unescape(first)
    assert NOTE in study.card
