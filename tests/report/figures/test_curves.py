"""Figures of curves draw what the data holds, mark what was chosen, and let no text lie on another."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.report.figures.curves import plot_precision_recall, plot_training_history
from cell_pipelines.report.figures.distributions import plot_class_balance, plot_counts

Check = Callable[[Figure], None]
NAMES = ["RBC", "WBC", "a category with a rather long name"]


@pytest.fixture
def history() -> pd.DataFrame:
    epoch = np.arange(1, 21)
    losses = {f"{side}_{name}_loss": 3 / epoch for side in ("train", "val") for name in ("box", "cls", "dfl")}
    metrics = {f"val_{name}": 1 - 1 / epoch for name in ("precision", "recall", "ap50")}
    table = pd.DataFrame({"epoch": epoch, "seconds": 9.0 * epoch, **losses, **metrics, "learning_rate": 0.01 / epoch})
    return table.assign(val_ap50_95=np.where(epoch == 13, 0.9, 0.5))


def counts_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 40, 30)
    categories = np.resize(NAMES, 30)
    images = np.repeat(np.arange(10), 3).astype(str)
    return pd.DataFrame({"image": images, "category": categories, "true": true, "predicted": true + 2})


def titles_of(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_history_has_a_panel_for_each_quantity_and_marks_the_best_epoch(
    history: pd.DataFrame, assert_readable: Check
) -> None:
    figure = plot_training_history(history)
    assert titles_of(figure)[:4] == ["box loss", "cls loss", "dfl loss", "learning rate"]
    assert len(figure.axes) == 8
    assert [line.get_label()[0] for line in figure.axes[0].lines] == ["_"] * 5, "two curves, two points, one mark"
    assert figure.axes[0].lines[-1].get_xdata() == [13, 13]
    assert "best epoch 13" in figure.get_suptitle()
    assert "n = 20 epochs" in figure.get_suptitle()
    assert "n = 4 epochs of 16" in plot_training_history(history[history["epoch"] % 4 == 0][:4]).get_suptitle()
    assert_readable(figure)


@pytest.mark.parametrize("missing", ["val_ap50_95", "learning_rate", "train_box_loss", "val_precision"])
def test_a_column_may_be_missing(history: pd.DataFrame, missing: str) -> None:
    assert len(plot_training_history(history.drop(columns=missing)).axes) == (8 if missing == "train_box_loss" else 7)


def test_the_best_epoch_falls_back_on_what_is_there(history: pd.DataFrame) -> None:
    losses = history[["epoch", "train_box_loss", "val_box_loss"]]
    assert "best epoch 20: lowest validation loss" in plot_training_history(losses).get_suptitle()
    unknown = history.assign(val_ap50_95=np.nan)
    assert "highest AP at IoU 0.5, " in plot_training_history(unknown).get_suptitle()
    assert "best" not in plot_training_history(history[["epoch", "train_box_loss"]]).get_suptitle()


def test_a_segmentation_history_is_drawn_and_its_best_epoch_is_that_of_its_monitor(assert_readable: Check) -> None:
    epoch = np.arange(1, 9)
    losses = {"train_loss": 1 / epoch, "val_loss": np.abs(epoch - 6) + 1.0}
    rates = {"val_iou": 1 - 1 / epoch, "val_dice": np.where(epoch == 4, 0.9, 0.5), "waiting_share": 0.1 / epoch}
    table = pd.DataFrame({"epoch": epoch, "learning_rate": 0.01, **losses, **rates})
    figure = plot_training_history(table)
    assert "best epoch 6: lowest validation loss, 1.000" in figure.get_suptitle()
    assert titles_of(figure) == ["loss", "learning rate", "IoU of pixels", "Dice of pixels", "waiting for data"]
    assert_readable(figure)
    assert "best epoch 4: highest Dice" in plot_training_history(table, best_by="val_dice").get_suptitle()
    assert "best epoch 6" in plot_training_history(table, best_by="val_loss").get_suptitle()


def test_one_epoch_and_no_epoch_are_plotted_too(history: pd.DataFrame, assert_readable: Check) -> None:
    assert_readable(plot_training_history(history.iloc[:1]))
    for empty in (history.iloc[:0], pd.DataFrame(), history[["epoch", "seconds"]]):
        figure = plot_training_history(empty)
        assert not figure.axes
        assert figure.texts[0].get_text() == "No epoch of training is recorded."


def test_precision_and_recall_have_a_line_a_category_and_list_the_mean(assert_readable: Check) -> None:
    recall = np.linspace(0, 1, 101)
    curves = {name: (recall, 1 - recall / (5 + place)) for place, name in enumerate(NAMES)}
    figure = plot_precision_recall(curves, {"RBC": 0.9, "WBC": float("nan"), "all classes": 0.8})
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["RBC: AP 0.900", "WBC: AP not defined", NAMES[2], "all classes: AP 0.800"]
    assert len([line for line in figure.axes[0].lines if line.get_linestyle() != "None"]) == 3
    assert "n = 3 categories" in figure.get_suptitle()
    assert_readable(figure)


def test_undefined_precision_leaves_a_gap_and_no_category_an_empty_plot(assert_readable: Check) -> None:
    recall = np.linspace(0, 1, 5)
    assert_readable(plot_precision_recall({"a": (recall, recall * np.nan)}, {"a": float("nan")}))
    assert_readable(plot_precision_recall({}, {}))


def test_counts_are_compared_with_the_line_of_perfect_counts_and_their_bias(assert_readable: Check) -> None:
    figure = plot_counts(counts_table())
    left, right = figure.axes
    assert list(left.lines[-1].get_xdata()) == list(left.lines[-1].get_ydata())
    assert sum(len(points.get_offsets()) for points in left.collections) <= 30
    assert "bias +2.00, limits +2.00 to +2.00" in right.get_title(loc="left")
    assert "n = 10 images, 30 counts" in figure.get_suptitle()
    assert_readable(figure)


def test_limits_of_agreement_are_those_of_bland_and_altman() -> None:
    table = counts_table().assign(predicted=lambda t: t["true"] + np.resize([0, 1, 5], 30))
    difference = np.resize([0, 1, 5], 30)
    spread = 1.96 * np.std(difference, ddof=1)
    drawn = sorted(line.get_ydata()[0] for line in plot_counts(table).axes[1].lines[-3:])
    assert drawn == pytest.approx([2 - spread, 2, 2 + spread])


def test_one_count_has_no_limits_and_no_count_no_plot(assert_readable: Check) -> None:
    figure = plot_counts(counts_table().iloc[:1])
    assert "limits" not in figure.axes[1].get_title(loc="left")
    assert_readable(figure)
    assert not plot_counts(counts_table().iloc[:0]).axes


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_impossible_counts_are_refused_in_a_sentence(wrong: float) -> None:
    with pytest.raises(ValueError, match="must hold finite counts of 0 or more"):
        plot_counts(counts_table().assign(predicted=wrong))


def test_a_missing_column_of_counts_is_named() -> None:
    with pytest.raises(ValueError, match=r"\['predicted'\] are missing"):
        plot_counts(counts_table().drop(columns="predicted"))


def test_the_class_balance_has_a_bar_a_category_and_split_with_its_share(assert_readable: Check) -> None:
    table = pd.DataFrame({"train": [90, 10, 0], "val": [5, np.nan, 5]}, index=NAMES)
    figure = plot_class_balance(table)
    (axes,) = figure.axes
    assert len(axes.patches) == 6
    assert [text.get_text() for text in axes.texts][:3] == ["90 (90 %)", "10 (10 %)", "0 (0 %)"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train, n = 100", "val, n = 10"]
    assert_readable(figure)
    assert not plot_class_balance(pd.DataFrame()).axes


@pytest.mark.parametrize("name", ["$\\frac{$", "_hidden", "", "x" * 200])
def test_a_name_may_hold_any_letter(name: str) -> None:
    recall = np.linspace(0, 1, 5)
    for figure in (
        plot_precision_recall({name: (recall, recall)}, {name: 0.5}),
        plot_counts(counts_table().assign(category=name)),
        plot_class_balance(pd.DataFrame({name: [1]}, index=[name])),
    ):
        figure.draw_without_rendering()


def test_what_is_plotted_is_not_changed(history: pd.DataFrame) -> None:
    counts, before = counts_table(), history.copy()
    plot_training_history(history)
    plot_counts(counts)
    pd.testing.assert_frame_equal(history, before)
    pd.testing.assert_frame_equal(counts, counts_table())
