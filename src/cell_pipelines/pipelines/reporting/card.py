"""The node that writes the model card."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.strata_tables import tabulate_density, tabulate_size
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.invocation import Invocation
from cell_pipelines.metrics.choices import main_f1, metrics_by_kind
from cell_pipelines.metrics.ratios import recall
from cell_pipelines.pipelines.reporting import facts
from cell_pipelines.pipelines.reporting.choice import Choice
from cell_pipelines.pipelines.reporting.model_inputs import by_model
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters

#: What the card needs of each model, in this order.
CARD_INPUTS = (
    "evaluation_classes", "evaluation_images", "evaluation_cells", "error_kinds", "count_coverage", "history",
    "thresholds", "model",
)  # fmt: skip


def describe_model(models: tuple[str, ...]) -> Callable[..., str]:
    """Return the node's function for these models."""

    def describe(
        truth: AnnotationSet, summary: pd.DataFrame, splits: pd.DataFrame, choice: Choice, invocation: Invocation,
        evaluation: EvaluationParameters, parameters: ReportingParameters, *tables: Any,
    ) -> str:  # fmt: skip
        """Return the card; `tables` are those of `CARD_INPUTS` for each model."""
        from cell_pipelines.models.model_file import read_training_record
        from cell_pipelines.report.pages.model_card import ModelCard, write_model_card

        one = by_model(models, CARD_INPUTS, tables)[choice.model]
        record = read_training_record(one["model"])
        notes = [text] if (text := facts.training_notes(record)) else []
        strata = {
            "By the number of cells in an image": tabulate_density(one["evaluation_images"]),
            "By the size of a cell in pixels": tabulate_size(one["evaluation_cells"]),
        }
        seeds = {"training": (record.get("training") or {}).get("seed"), "evaluation": evaluation.seed}
        return write_model_card(
            ModelCard(
                model=choice.model,
                title=parameters.title,
                verdict=choice.sentence,
                purpose=list(_purpose(truth, splits, summary)),
                details=facts.training_facts(choice.model, record, one["history"]),
                thresholds=_thresholds(one["thresholds"]),
                data=_data(truth, summary),
                splits=splits,
                results=one["evaluation_classes"],
                weaknesses=[*notes, *_weaknesses(one, strata)],
                limits=list(_limits(truth)),
                tables={**strata, **_kinds(one["error_kinds"]), **_intervals(one["count_coverage"])},
                commands=_use(choice.model, one["model"], invocation),
                licence=parameters.licence,
                origin=facts.study_origin(truth, {choice.model: one["model"]}, seeds, invocation.project),
            )
        )

    return describe


def _purpose(truth: AnnotationSet, splits: pd.DataFrame, summary: pd.DataFrame) -> Iterator[str]:
    classes = ", ".join(truth.categories)
    yield f"Finding and counting cells ({classes}) in images taken as those of this study were."
    yield "Research. It is no medical device, and no diagnosis may rest on it."
    yield (
        "Not for other stains, microscopes, magnifications or kinds of cells without evaluation on annotated images of "
        "them first."
    )


def _data(truth: AnnotationSet, summary: pd.DataFrame) -> dict[str, str]:
    row = summary.iloc[0]
    return {
        "source format": str(row["source_format"]),
        "objects": f"{row['objects_in']} came in, {row['objects_dropped']} were dropped",
        "study": facts.data_sentence(truth),
        "SHA-256 of images and annotations": truth.fingerprint(),
    }


def _thresholds(thresholds: Mapping[str, Any]) -> pd.DataFrame:
    chosen = Thresholds.from_plain(thresholds)
    sizes = asdict if chosen.decoded else lambda one: {"score": one.score}
    return pd.DataFrame([{"class": name, **sizes(one)} for name, one in chosen.classes.items()])


def _kinds(kinds: pd.DataFrame) -> dict[str, pd.DataFrame]:
    from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds

    return {"Kinds of errors": summarise_error_kinds(kinds)} if len(kinds) else {}


def _intervals(coverage: pd.DataFrame) -> dict[str, pd.DataFrame]:
    shown = coverage.dropna(axis="columns", how="all")
    return {"Intervals of counts, and how often they held on test images": shown} if len(shown) else {}


def _weaknesses(one: Mapping[str, Any], strata: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Say where the model is worst, by the numbers of its test images."""
    density, size = strata.values()
    metric = main_f1(lambda name: bool(density[name].notna().any()))
    yield from _worst(density, "cells", metric, "images with {} cells", "F1 is lowest in")
    recalls = [metric.name for metric in metrics_by_kind(recall).values() if size[metric.name].notna().any()]
    for name in recalls[:1]:
        yield from _worst(size[size["objects"] > 0], "area_px", name, "cells of {} px²", "recall is lowest for")
    classes = one["evaluation_classes"].iloc[:-1]
    if len(classes) > 1:
        yield from _worst(classes, "category", metric, "the class {}", "F1 is lowest for")
    for _, row in _costly(one["error_kinds"]).iterrows():
        yield f"{row['errors']} errors of the kind {row['error']} ({row['meaning']}) cost {row['f1_lost']:.3f} of F1."
    total = one["evaluation_classes"].iloc[-1]
    if pd.notna(total["count_bias"]):
        bias, many = f"{abs(total['count_bias']):.2f}", "many" if total["count_bias"] > 0 else "few"
        if float(bias):
            yield f"It counts {bias} cells per image too {many} on average."
        else:
            yield "On average it counts neither too many nor too few cells; errors of images can cancel in this."


def _worst(table: pd.DataFrame, name: str, metric: str, form: str, words: str) -> Iterator[str]:
    known = table[table[metric].notna()]
    if len(known) > 1 and known[metric].min() < known[metric].max():
        ordered = known.sort_values(metric, kind="stable")
        row, best = ordered.iloc[0], ordered.iloc[-1]
        yield (
            f"{words[0].upper()}{words[1:]} {form.format(row[name])}: {row[metric]:.3f} ({int(row['objects'])} cells), "
            f"against {best[metric]:.3f} for {form.format(best[name])}."
        )


def _costly(kinds: pd.DataFrame) -> pd.DataFrame:
    from cell_pipelines.analysis.evaluation.error_kinds import summarise_error_kinds

    if not len(kinds):
        return pd.DataFrame()
    told = summarise_error_kinds(kinds)
    return told[told["f1_lost"] > 0].sort_values("f1_lost", ascending=False, kind="stable").head(2)


def _limits(truth: AnnotationSet) -> Iterator[str]:
    """Say within what the model was tried: sizes of images and pixels, numbers of cells."""
    images = truth.images.to_pandas()
    yield (
        f"Images of {images['height'].min()} x {images['width'].min()} to {images['height'].max()} x "
        f"{images['width'].max()} pixels."
    )
    sizes = images[["pixel_height_um", "pixel_width_um"]].to_numpy(dtype=float)
    known = sizes[np.isfinite(sizes)]
    if known.size:
        yield f"Pixels of {known.min():.3f} to {known.max():.3f} micrometres."
    else:
        yield "The size of a pixel is not known; images of another magnification are another task."
    counts = truth.counts().sum(axis=1)
    if len(counts):
        yield f"{int(counts.min())} to {int(counts.max())} cells per image; images with more are not in this study."
    yield "Intervals are over these test images; they say nothing of other laboratories."


def _use(model: str, path: Path, invocation: Invocation) -> dict[str, list[str]]:
    run, project = facts.study_command(invocation), invocation.project
    shown = path.relative_to(project) if path.is_relative_to(project) else path
    return {
        "Count the cells of a folder of images:": [
            f"{run} --pipelines=prediction --params=model={shown.as_posix()},images=/folder/of/images"
        ],
        "Make the model again, from the raw data on; parameters that were given stand in commands.csv:": [
            f"{run} --pipelines=train_{model}"
        ],
        "Evaluate it again, and write this card:": [f"{run} --pipelines=evaluation,reporting"],
    }
