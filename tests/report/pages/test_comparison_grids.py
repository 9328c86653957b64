"""Figures of many trials can be read for two, eight and forty, and say what is missing."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cell_pipelines.model_titles import model_title
from cell_pipelines.report.figures.comparison_grid import plot_grid
from cell_pipelines.report.figures.comparison_intervals import plot_intervals
from cell_pipelines.report.figures.comparison_losses import plot_losses, total_loss

Check = Callable[[Figure], None]
NETWORKS = ("unet", "unetpp", "manet", "linknet", "fpn", "deeplabv3", "deeplabv3plus", "pan")
ENCODERS = ("inceptionresnetv2", "timm-resnest269e", "resnet152", "resnext101_32x32d", "vgg19")


def trials(networks: int = 8, encoders: int = 5) -> pd.DataFrame:
    rows = []
    for place, (network, encoder) in enumerate(itertools.product(NETWORKS[:networks], ENCODERS[:encoders])):
        value = 0.8 + 0.002 * place
        rows.append({"trial": f"{network}_{encoder}", "model": network, "encoder": encoder, "status": "finished",
                     "pixel_iou": value, "pixel_iou_low": value - 0.02, "pixel_iou_high": value + 0.01})  # fmt: skip
    return pd.DataFrame(rows)


def histories(table: pd.DataFrame, epochs: int = 20) -> dict[str, pd.DataFrame]:
    epoch = np.arange(1, epochs + 1)
    return {
        name: pd.DataFrame({"epoch": epoch, "train_loss": 0.5 + place / epoch, "val_loss": 0.6 + place / epoch})
        for place, name in enumerate(table["trial"], start=1)
    }


@pytest.mark.parametrize(("networks", "encoders"), [(1, 2), (8, 1), (8, 5)])
def test_a_grid_of_any_size_can_be_read(networks: int, encoders: int, assert_readable: Check) -> None:
    figure = plot_grid(trials(networks, encoders), "pixel_iou", "IoU of the data set", columns="encoder")
    assert_readable(figure)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:2] == ["0.8000", "0.8020"]
    (frame,) = figure.axes[0].patches
    assert frame.get_x() == pytest.approx(encoders - 1 - 0.47), "the best is the last"


def test_cells_without_a_number_say_why() -> None:
    table = trials(2, 3)
    table["status"] = ["finished", "failed", "impossible", "waiting", "running", "finished"]
    table.loc[table["status"] != "finished", "pixel_iou"] = np.nan
    figure = plot_grid(table.iloc[:5], "pixel_iou", "IoU", columns="encoder")
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "0.8000", "failed", "impossible", "waiting", "running", ""
    ]  # fmt: skip


def test_of_several_seeds_the_best_is_shown_and_told() -> None:
    table = pd.concat([trials(1, 2), trials(1, 2).assign(pixel_iou=0.9, status=["finished", "failed"])])
    figure = plot_grid(table, "pixel_iou", "IoU", columns="encoder")
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.9000", "0.8020"]
    assert "best of up to 2 trials" in figure.get_suptitle()
    worst = plot_grid(table, "pixel_iou", "MAE", columns="encoder", higher_is_better=False)
    assert worst.axes[0].texts[0].get_text() == "0.80"


@pytest.mark.parametrize("table", [trials(0), trials(1).drop(columns="encoder"), trials(1).drop(columns="pixel_iou")])
def test_a_grid_of_nothing_says_so(table: pd.DataFrame) -> None:
    assert not plot_grid(table, "pixel_iou", "IoU", columns="encoder").axes


def test_a_grid_in_which_nothing_is_finished_has_no_best() -> None:
    table = trials(1, 2).assign(status="waiting", pixel_iou=np.nan)
    assert not plot_grid(table, "pixel_iou", "IoU", columns="encoder").axes[0].patches


@pytest.mark.parametrize("count", [1, 2, 8, 40])
def test_intervals_of_any_number_of_trials_can_be_read(count: int, assert_readable: Check) -> None:
    figure = plot_intervals(trials().head(count), "pixel_iou", "IoU of the data set", name="trial")
    assert_readable(figure)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == model_title(trials()["trial"].iloc[count - 1]), "the best on top"
    assert len(axes.texts) == count


def test_of_errors_the_least_is_on_top_and_unknown_ones_are_below() -> None:
    table = trials(1, 4).assign(count_mae=[3.0, np.nan, 1.0, 2.0])
    (axes,) = plot_intervals(table, "count_mae", "MAE", name="encoder", higher_is_better=False).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [ENCODERS[i] for i in (2, 3, 0, 1)]
    assert [text.get_text() for text in axes.texts] == ["1.00", "2.00", "3.00", "–"]
    assert not plot_intervals(table, "dice", "Dice").axes
    assert not plot_intervals(trials(0), "pixel_iou", "IoU").axes


@pytest.mark.parametrize("side", ["train", "val"])
def test_losses_of_a_grid_are_a_panel_a_network(side: str, assert_readable: Check) -> None:
    table = trials()
    keys = [dict(zip(table["trial"], table[key], strict=True)) for key in ("model", "encoder")]
    figure = plot_losses(histories(table), side, panel=keys[0], line=keys[1])  # type: ignore[arg-type]
    assert_readable(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [model_title(name) for name in NETWORKS]
    assert {len(axes.lines) for axes in figure.axes} == {40}, "the others are pale behind"
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(ENCODERS)


def test_one_line_a_network_is_one_panel(assert_readable: Check) -> None:
    table = trials(8, 1)
    figure = plot_losses(histories(table), "val", panel=dict(zip(table["trial"], table["model"], strict=True)))
    assert_readable(figure)
    assert len(figure.axes) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [model_title(name) for name in NETWORKS]


def test_trials_without_losses_are_named(assert_readable: Check) -> None:
    given = histories(trials(2, 1)) | {"broken": pd.DataFrame(columns=["epoch", "train_loss"])}
    figure = plot_losses(given, "train")
    assert "none of broken" in figure.get_suptitle()
    assert_readable(figure)
    assert not plot_losses({}, "train").axes
    assert_readable(plot_losses(histories(trials(1, 1), epochs=1), "train"))


def test_losses_of_a_detector_are_the_sum_of_their_parts() -> None:
    history = pd.DataFrame({"epoch": [1, 2], "train_box_loss": [1.0, 2.0], "train_cls_loss": [0.5, np.nan]})
    assert total_loss(history, "train").tolist()[0] == 1.5
    assert np.isnan(total_loss(history, "train").iloc[1]), "a part is no whole"
    assert total_loss(history, "val").isna().all()


def test_losses_far_apart_are_on_a_logarithmic_axis() -> None:
    epoch = np.arange(1, 9)
    wide = {"a": pd.DataFrame({"epoch": epoch, "train_loss": 10.0**-epoch})}
    assert plot_losses(wide, "train").axes[0].get_yscale() == "log"
    assert plot_losses(histories(trials(1, 1)), "train").axes[0].get_yscale() == "linear"
