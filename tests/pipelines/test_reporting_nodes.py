"""The nodes of the reports: which model is chosen, what is known of a study, which pages it takes over."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.analysis.evaluation.image_evaluation import EvaluationSettings, ImageEvaluation
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.analysis.evaluation.summaries import summarise
from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.metrics.evaluated import COUNTS
from cell_pipelines.models import model_file
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.choice import choose_model, main_metric
from cell_pipelines.pipelines.reporting.model_inputs import by_model, model_inputs
from cell_pipelines.pipelines.reporting.nodes import describe_errors, describe_training, headlines
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.reporting.pictures import describe_pictures
from cell_pipelines.pipelines.reporting.study import other_pages
from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Page
from cell_pipelines.workflows.evaluation import evaluate
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters

FIGURE = Embedded("data:image/png;base64,", 1, 1, is_figure=True)
EVALUATION = EvaluationParameters(resamples=100)
BOXES = [(2, 2, 12, 12), (20, 4, 30, 14), (6, 20, 16, 30)]


def _set(found: int, score: float | None) -> AnnotationSet:
    builder = AnnotationBuilder(("cell",))
    for number in range(8):
        row = builder.add_image(f"{number}.png", height=40, width=40, split="test")
        for box in BOXES[: found - (number % 2 if score else 0)]:
            builder.add_box(row, "cell", box, score=score)
    return builder.build()


TRUTH = _set(3, None)


def _tables(found: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    pairing = pair(TRUTH, _set(found, 0.9), "test")
    settings = EvaluationSettings.for_pairing(pairing)
    counts = pd.concat([ImageEvaluation(one, settings).counts for one in pairing.pairs()], ignore_index=True)
    table = summarise(counts, n_resamples=100)
    table.insert(3, "ap50", 0.5)
    return table, counts


def _choose(parameters: ReportingParameters, *found: int) -> Any:
    names = tuple("abc"[: len(found)])
    tables = [_tables(number) for number in found]
    given = [table for pair_of_tables in tables for table in pair_of_tables]
    return choose_model(names)(TRUTH, EVALUATION, parameters, ComparisonParameters(), *given)


def test_the_best_model_is_chosen_by_the_metric_that_all_have() -> None:
    choice = _choose(ReportingParameters(), 1, 3)
    assert (choice.model, choice.metric, choice.is_named) == ("b", "f1", False)
    assert "b" in choice.sentence


def test_equal_models_have_no_winner() -> None:
    assert "no clear winner" in _choose(ReportingParameters(), 2, 2).sentence


def test_a_single_model_is_chosen_without_a_comparison() -> None:
    choice = _choose(ReportingParameters(), 2)
    assert choice.model == "a"
    assert "nothing to compare" in choice.sentence


def test_a_named_model_is_taken_and_an_unknown_one_refused() -> None:
    assert _choose(ReportingParameters(chosen_model="a"), 1, 3).model == "a"
    with pytest.raises(ValueError, match="`reporting.chosen_model` must be one of a, b, got 'z'"):
        _choose(ReportingParameters(chosen_model="z"), 1, 3)


def test_fewest_errors_are_best() -> None:
    assert _choose(ReportingParameters(main_metric="count_mae"), 3, 1).model == "a"


def test_the_main_metric_is_what_every_model_has() -> None:
    masks, boxes = (
        pd.DataFrame({"f1": [0.5], "instance_f1": [0.5]}),
        pd.DataFrame({"f1": [0.5], "instance_f1": [np.nan]}),
    )
    assert main_metric({"a": masks}) == "instance_f1"
    assert main_metric({"a": masks, "b": boxes}) == "f1"


def test_kinds_of_errors_agree_with_the_evaluation_and_are_told() -> None:
    *_, kinds, confusions = evaluate(TRUTH, _set(2, 0.9), {"cell": 0.5}, EVALUATION)
    table, counts = _tables(2)
    assert kinds[["tp", "fp", "fn"]].sum().tolist() == counts[["tp", "fp", "fn"]].sum().tolist()
    (section,) = describe_errors(kinds, confusions, table, FIGURE)
    assert section.title == "Kinds of errors"
    assert len(section.items) == 2, "no masks, so nothing is split or merged; one class, so none is taken for another"


def test_points_have_no_kinds_of_errors() -> None:
    builder = AnnotationBuilder(("cell",))
    row = builder.add_image("a.png", height=9, width=9, split="test")
    builder.add_object(row, "cell", "point", (3.0, 3.0, 3.0, 3.0), score=0.9)
    points = builder.build()
    *_, kinds, confusions = evaluate(points, points, {}, EVALUATION)
    assert kinds.empty and confusions.empty
    table = pd.DataFrame({"category": ["cell"], **{key: [np.nan] for key in COUNTS}})
    assert describe_errors(kinds, confusions, table, FIGURE) == []


@pytest.mark.parametrize(
    ("weight_map", "recipe", "titles"),
    [("none", {}, []), ("border", {}, ["Weight map"]),
     ("none", {"recipe": [{"what": "Tile", "value": "160 px", "why": "Eight fit.", "numbers": ""}]}, [])],
)  # fmt: skip
def test_weights_of_pixels_and_choices_are_shown_where_the_training_had_some(
    weight_map: str, recipe: dict[str, Any], titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"training": {"weight_map": weight_map}, **recipe}
    monkeypatch.setattr(model_file, "read_training_record", lambda _: record)
    history = pd.DataFrame({"epoch": [1], "seconds": [3.0]})
    samples, settings = np.zeros((4, 4, 3), np.uint8), (ThresholdParameters(), ReportingParameters())
    sections = describe_training("unet")(history, Path("m.pt"), samples, *settings, FIGURE, FIGURE, FIGURE)
    chosen = ["What was chosen and why"] if recipe else []
    expected = ["How it was trained", *chosen, "Training samples", *titles, "Training", "Thresholds"]
    assert [section.title for section in sections] == expected


def _pictures(parameters: ReportingParameters) -> list[Any]:
    image = np.zeros((40, 40), np.uint8)
    images = {f"{number}.png": (lambda: image) for number in range(8)}
    return describe_pictures(TRUTH, _set(2, 0.9), {"cell": 0.5}, images, EVALUATION, parameters)  # type: ignore[arg-type]


def test_the_worst_images_come_first_then_the_best() -> None:
    (section,) = _pictures(ReportingParameters(overlays=4))
    scores = [float(item.caption.split("F1 ")[1].split(";")[0]) for item in section.items]
    assert len(scores) == 4
    assert scores == sorted(scores)
    assert [layer.label for layer in section.items[0].layers] == ["Truth 3", "Missed 2", "Found 1", "False 0"]


def test_no_picture_is_made_where_none_is_wanted() -> None:
    assert _pictures(ReportingParameters(pictures=False)) == []
    assert _pictures(ReportingParameters(overlays=0)) == []


def test_headlines_leave_out_what_is_not_known() -> None:
    table, _ = _tables(3)
    cards = headlines(table)
    assert "Test F1, masks" not in cards
    assert cards["Test images"] == "8"


def test_pages_of_other_parts_are_shown_and_models_comparisons_and_unknown_ones_are_not() -> None:
    places = ("unet", "comparison", "grid", "truth/viability", "unet/fish", "unet/something", "learning")
    pages = {place: Page(f"About & {place}", {}, []) for place in places}
    shown = {title: page.title for title, page in other_pages(pages).items()}
    assert shown == {
        "About & grid": "About & grid",
        "Viability by the cells of truth": "About & truth/viability",
        "FISH by the cells of unet": "About & unet/fish",
        "About & learning": "About & learning",
    }
    assert other_pages({}) == {}


def test_a_study_is_described_in_words() -> None:
    assert "8 images with 24 cells for the test" in facts.data_sentence(TRUTH)
    assert facts.study_models(["a", "b", "c"]) == "a, b and c"


def test_origin_holds_hashes_seeds_and_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "m.pt"
    file.write_bytes(b"abc")
    origin = facts.study_origin(TRUTH, {"unet": file}, {"unet": 3, "yolo": None}, Path.cwd())
    assert origin["model.unet.sha256"].startswith("ba7816bf")
    assert origin["data.sha256"] == TRUTH.fingerprint()
    assert origin["seed.unet"] == "3"
    assert "seed.yolo" not in origin
    assert int(origin["machine.cores"]) > 0


def test_training_is_told_of_networks_and_of_detectors() -> None:
    history = pd.DataFrame({"epoch": [1, 2], "seconds": [30.0, 90.0]})
    network = {
        "network": {"architecture": "unet"}, "training": {"seed": 0, "loss": "bce"}, "run_id": "r",
        "representation": {"name": "binary"}, "training_cost": {"seconds": 120.0, "device": "CPU", "memory_mb": 900.4},
    }  # fmt: skip
    told = facts.training_facts("unet", network, history)
    assert told["seed"] == "0"
    assert told["training time"] == "2.0 min"
    assert told["training memory"] == "900 MB"
    assert facts.training_facts("yolo", {"weights": "yolov8n.pt"}, history)["training time"] == "1.5 min"


@pytest.mark.parametrize(
    ("record", "key", "value"),
    [
        ({"from_scratch": True}, "started from", "random weights of the network of yolov8n.pt"),
        ({"from_scratch": False}, "started from", "yolov8n.pt"),
        ({}, "network", "yolov8n.pt"),
    ],
)
def test_what_a_training_started_from_is_told_where_the_file_says_it(record: Any, key: str, value: str) -> None:
    told = facts.training_facts(
        "yolo", {"weights": "yolov8n.pt", **record}, pd.DataFrame({"epoch": [1], "seconds": [3.0]})
    )
    assert told[key] == value
    assert len({"started from", "network"} & set(told)) == 1


def test_commands_are_those_that_were_typed_and_the_one_that_runs() -> None:
    running = Invocation(Path.cwd(), "bccd", None, ("reporting",), {"reporting": {"overlays": 2}})
    typed = ["kedro run --env=bccd", "kedro run --env=bccd --pipelines=train_unet --params=unet.encoder=vgg11"]
    log = pd.DataFrame({"command": typed, "pipeline": ["__default__", "train_unet"]})
    commands = facts.run_commands(["unet", "yolo"], log, running)
    assert commands["Train the models, from the raw data on:"] == typed[::-1]
    assert commands["Write this page:"] == ["kedro run --env=bccd --pipelines=reporting --params=reporting.overlays=2"]
    unknown = facts.run_commands(["unet"], log.iloc[:0], running)
    assert unknown["Train the models, from the raw data on:"] == ["kedro run --env=bccd --pipelines=train_unet"]


def test_tables_are_given_back_to_their_models() -> None:
    names = model_inputs(("a", "b"), ("x", "y"))
    assert by_model(("a", "b"), ("x", "y"), names) == {"a": {"x": "a.x", "y": "a.y"}, "b": {"x": "b.x", "y": "b.y"}}
    with pytest.raises(ValueError, match="2 models have 4 inputs, got 3"):
        by_model(("a", "b"), ("x", "y"), names[:3])
