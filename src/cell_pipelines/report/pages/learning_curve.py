"""The page of a learning curve: what more images bring, in sentences, a figure and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cell_pipelines.report.page.embedding import Embedded
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text
from cell_pipelines.report.page.tables import defined

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_FITS: Final = {
    "limit": "what the average of the laws comes to with ever more images, with its interval over all laws",
    "amplitude, exponent": "b and c of the power law metric(n) = a - b n^-c (count errors: a + b n^-c)",
    "spread": "standard deviation of a training with the most images around the power law",
    "degrees": "degrees of freedom of the spread",
    "misfit_p": "p of the test whether the means of sizes lie on the best law; below 0.05 they do not, and this widens "
    "the intervals",
    "laws": "laws of which some curve fits not significantly worse than the best curve of any; the interval is over "
    "all of them",
    "note": "why there is no curve or no trend",
}
_SIZES: Final = {
    "share": "of the training images; subsets are nested",
    "…_sd": "standard deviation over trainings of a size",
}
_ANSWERS: Final = {
    "more": "images in addition to the most that were trained with, with its interval",
    "value": "what the metric is brought to, with its interval",
    "is_said": "whether this answers the question; the other numbers show only why it does not",
    "is_extrapolated": "whether it reaches beyond 4 times the images",
}
_WHAT_IT_MEANS: Final = (
    "An interval is a {level} interval for the curve: the mean over trainings on other images of this kind, by the "
    "same settings, evaluated on these test images. Trainings on the very same images count as one. One training lies "
    "around the curve. Which law the curve follows is not known, so the number is the average of four laws, weighted "
    "by how well they fit, and the interval also holds a curve that goes on rising as it did over the last sizes, or "
    "half as much as the average. A jump that the sizes trained so far do not show cannot be foreseen."
)


def learning_curve_cards(fits: pd.DataFrame, trainings: pd.DataFrame) -> dict[str, str]:
    """Return the numbers at the top of the page."""
    finished = int((trainings["status"] == "finished").sum())
    known = trainings["images"].dropna()
    return {
        "Trainings": f"{finished} of {len(trainings)}",
        "Sizes": str(known.nunique()),
        "Training images": f"{known.min():.0f} to {known.max():.0f}" if len(known) else "none",
        "Curves with a trend": f"{int(((fits['note'] == '') & fits['limit'].notna()).sum())} of {len(fits)}",
    }


def learning_curve_sections(
    tables: Mapping[str, pd.DataFrame], figures: Sequence[Figure | Embedded], *, alpha: float = 0.6, level: float = 0.95
) -> list[Section]:
    """Return the sections of the page.

    Args:
        tables: `trainings`, `sizes`, `fits`, `points`, `answers` and `histories`, as `analysis.learning_curve` makes
            them.
        figures: Of metrics over the number of training images, and over epochs.
        alpha: By which histories were smoothed.
        level: Of all intervals.
    """
    answers, fits = tables["answers"], tables["fits"]
    several = answers["model"].nunique() > 1
    sentences = [f"{row['model']}: {row['sentence']}" if several else row["sentence"] for _, row in answers.iterrows()]
    said: list[Item] = [Text("\n\n".join(sentences) or "No training has a metric, so nothing can be said.")]
    figure, epochs = figures
    dashed = "; dashed beyond the data" if len(tables["points"]) else ""
    caption = f"Metrics on test over the number of training images{dashed}"
    smooth = f"On validation images, exponential moving average over epochs (weight of the past {alpha:g}); faint: raw"
    lost = tables["trainings"][tables["trainings"]["status"] != "finished"]
    if answers["is_said"].any():
        said.append(Text(_WHAT_IT_MEANS.format(level=f"{100 * level:g} %")))
    answers = answers.assign(images=answers["images"].where(answers["images"] > 0))  # 0 where there is no curve
    return [
        Section("What more images bring", said),
        Section("Metrics over images", [Picture(figure, caption), *_table(tables["sizes"], "By size", _SIZES)]),
        Section("Metrics over epochs", [Picture(epochs, smooth)]),
        Section(
            "Fitted curves",
            [
                *_table(fits, "One row per metric", _FITS),
                *_table(answers.drop(columns="sentence"), "Answers", _ANSWERS),
            ],
        ),
        Section(
            "Every training",
            [
                *_table(lost[["trial", "model", "status", "error"]], "Trainings without a result, left out above", {}),
                *_table(tables["trainings"], "Metrics on test, all classes together", {}),
            ],
        ),
    ]


def _table(frame: pd.DataFrame, caption: str, definitions: Mapping[str, str]) -> list[Item]:
    """Return a table without what nobody knows; none without rows."""
    shown = frame.replace("", None).dropna(axis="columns", how="all")
    return [Table(shown, caption, defined(shown, definitions))] if len(shown) else []
