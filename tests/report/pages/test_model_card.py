"""The card says what it is given, under headings that readers of cards know, in Markdown that holds any name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.pages.model_card import ModelCard, write_model_card

RESULTS = pd.DataFrame(
    {
        "category": ["a|b", "dead", "all classes"], "images": [4, 4, 4], "objects": [10, 20, 30],
        "f1": [0.9, 0.8, 0.85], "f1_low": [0.85, 0.7, 0.8], "f1_high": [0.95, 0.9, 0.9],
        "dice": [np.nan, np.nan, np.nan], "count_bias": [-1.25, np.nan, 0.5], "count_bias_low": [-2.0, np.nan, 0.1],
        "count_bias_high": [-0.5, np.nan, 0.9],
    }
)  # fmt: skip


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        model="unet",
        title="Nuclei",
        verdict="No clear winner.",
        purpose=["Counting."],
        details={"epochs": "3"},
        thresholds=pd.DataFrame({"class": ["a|b"], "cutoff": [0.5]}),
        data={"source format": "coco"},
        splits=pd.DataFrame({"split": ["train"], "images": [3]}),
        results=RESULTS,
        weaknesses=["Recall is lowest for [small] cells."],
        limits=["Images of 10 x 10 pixels."],
        commands={"Count:": ["kedro run --params=a=b"]},
        origin={"data.sha256": "ab"},
        tables={"By density": pd.DataFrame({"cells": ["below 5"], "f1": [0.5]})},
    )


def test_the_headings_of_cards_are_there_in_order(card: ModelCard) -> None:
    headings = [line for line in write_model_card(card).splitlines() if line.startswith("## ")]
    assert headings == [
        "## Model details", "## Intended use", "## How to use it", "## Training data", "## What counts as a cell",
        "## Results on test images", "## Known weaknesses", "## Limits", "## Licence", "## Origin",
    ]  # fmt: skip


def test_results_stand_with_their_intervals_and_meanings_and_without_what_is_not_known(card: ModelCard) -> None:
    text = write_model_card(card)
    assert r"| metric | a\|b | dead | all classes |" in text
    assert "| f1 | 0.900 (0.850 to 0.950) | 0.800 (0.700 to 0.900) | 0.850 (0.800 to 0.900) |" in text
    assert "| count_bias | −1.25 (−2.00 to −0.50) | – | 0.50 (0.10 to 0.90) |" in text
    assert "* f1: The harmonic mean" in text
    assert "dice" not in text


def test_one_class_is_told_once(card: ModelCard) -> None:
    text = write_model_card(replace(card, results=RESULTS.iloc[1:]))
    assert "| metric | all classes |" in text


def test_names_stay_text_and_tables_have_as_many_columns_everywhere(card: ModelCard) -> None:
    text = write_model_card(replace(card, data={"x": "<script>|*[a](b)\nc"}))
    assert "<script>" not in text.replace(r"\<script>", "")
    for block in text.split("\n\n"):
        if block.startswith("| "):
            assert len({line.replace(r"\|", "").count("|") for line in block.splitlines()}) == 1


def test_an_unsaid_licence_is_said_to_be_unsaid(card: ModelCard) -> None:
    assert "Not said" in write_model_card(card)
    assert "CC0" in write_model_card(replace(card, licence="CC0"))


def test_a_model_that_was_evaluated_on_nothing_has_a_card(card: ModelCard) -> None:
    text = write_model_card(replace(card, results=RESULTS.iloc[:0], splits=card.splits.iloc[:0], weaknesses=[]))
    assert "None." in text
