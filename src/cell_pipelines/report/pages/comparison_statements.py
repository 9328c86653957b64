"""State a comparison in words, tests and ranks, as sections of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cell_pipelines.metrics.choices import title_of
from cell_pipelines.model_titles import model_title
from cell_pipelines.old_names import rename_old_columns
from cell_pipelines.report.page.html import Item, Picture, Section, Table, Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ALL_PAIRS: Final = 60  # rows; a page with more of them would not be read
_COSTS: Final[Mapping[str, tuple[str, str]]] = {
    "parameters_m": ("parameters, M", "Numbers that training sets, in millions."),
    "flops_g": ("FLOPs, G", "Additions and multiplications for one image of the input size, in thousand millions."),
    "checkpoint_mb": ("file, MB", "Size of the model file, 1 MB = 1,000,000 bytes."),
    "training_seconds": ("training", "Time of training on its machine, hours:minutes:seconds."),
    "training_memory_mb": ("training memory, MB", "The most memory that training held."),
    "training_device": ("trained on", ""),
    "latency_ms": (
        "latency, ms",
        "Median time for one image by PyTorch; from and to: interquartile range or as stated.",
    ),
    "inference_memory_mb": ("inference memory, MB", "The most memory that inference held."),
    "input": ("input", "Size of the image that FLOPs and latency are of."),
    "device": ("measured on", ""),
}
_DIFFERENCE: Final = {
    "difference": "The metric of the model, or of the first, less that of the other, of counts summed over all images.",
    "p": "Wilcoxon's signed-rank test over images or groups (zeros after Pratt).",
    "p, Holm": "The same p, adjusted by Holm over all pairs of a metric; intervals are not adjusted.",
    "significant": "The interval does not contain 0, p after Holm is below 1 - its level, and so is p over the series "
    "that images may come in, where none are named.",
    "caution": "What p rests on, what it cannot decide, and why it says other than the interval.",
}
_P: Final = {"p": "p", "p_holm": "p, Holm"}
_EFFECT: Final = {
    "rank-biserial": "Ranks of the images on which the first is higher less those on which the second is, as a share "
    "of all, -1 to 1.",
}


@dataclass(frozen=True, eq=False)
class Statements:
    """Statements on the differences between models.

    Attributes:
        conclusions: One sentence per metric.
        note: What was drawn and tested.
        differences: One row per metric and model but the best: `metric`, `best`, `model`, `difference`, `low`, `high`,
            `p`, `p_holm`, `significant`, and where it is known `caution`.
        tests: One row per metric and pair: also `first`, `second`, `rank_biserial`.
        ranks: A figure of the average ranks for each metric.
        level: Of intervals and tests.
    """

    conclusions: Sequence[str]
    note: str
    differences: pd.DataFrame
    tests: pd.DataFrame
    ranks: Sequence[Figure]
    level: float = 0.95


def verdict_section(statements: Statements) -> Section:
    """Return what the comparison of each metric says, and how far models are from the highest value or lowest error."""
    items: list[Item] = [Text("\n\n".join([*statements.conclusions, statements.note]))]
    if len(statements.differences):
        frame = _readable(statements.differences, {"best": "compared with", "model": "model"})
        items.append(
            Table(
                frame,
                "Differences from the model with the highest value, or the lowest error, on the same images",
                _DIFFERENCE,
            )
        )
    return Section("Differences between models", items)


def test_sections(statements: Statements) -> list[Section]:
    """Return the ranks with their figures, and all pairs where they are few enough to be read."""
    caption = "Average ranks; a bar joins models that Nemenyi's test does not tell apart"
    pictures: list[Item] = [Picture(figure, caption) for figure in statements.ranks]
    sections = [Section("Ranks", pictures)] if pictures else []
    if 0 < len(statements.tests) <= _ALL_PAIRS:
        frame = _readable(statements.tests, {"first": "first", "second": "second"})
        frame["rank-biserial"] = statements.tests["rank_biserial"].to_numpy()
        sections.append(Section("All pairs", [Table(frame, "First less second", {**_DIFFERENCE, **_EFFECT})]))
    elif len(statements.tests):
        text = f"All {len(statements.tests)} tests of pairs are in the table of tests beside this page."
        sections.append(Section("All pairs", [Text(text)]))
    return sections


def cost_table(models: pd.DataFrame) -> Table | None:
    """Return what each model costs, None where nobody knows.

    Args:
        models: One row per model; `model` and any of `parameters_m`, `flops_g`, `checkpoint_mb`, `training_seconds`,
            `training_memory_mb`, `training_device`, `latency_ms` with `latency_low_ms` and `latency_high_ms`,
            `inference_memory_mb`, `input` and `device`.
    """
    import pandas as pd

    known = [column for column in _COSTS if column in models and models[column].notna().any()]
    if not known:
        return None
    frame: dict[str, list[Any]] = {"model": models["model"].tolist()}
    definitions: dict[str, str] = {}
    for column in known:
        title, meaning = _COSTS[column]
        frame[title] = _written(models, column)
        definitions |= {title: meaning} if meaning else {}
    return Table(pd.DataFrame(frame), "What models cost", definitions)


def _written(models: pd.DataFrame, column: str) -> list[Any]:
    values = models[column].tolist()
    if column == "training_seconds":
        return [None if np.isnan(value) else _clock(value) for value in values]
    if column != "latency_ms" or "latency_low_ms" not in models:
        return values
    ends = models[["latency_low_ms", "latency_high_ms"]].to_numpy(dtype=float)
    return [
        None if np.isnan(value) else f"{value:.1f} ({low:.1f} to {high:.1f})" if np.isfinite([low, high]).all()
        else f"{value:.1f}" for value, (low, high) in zip(values, ends, strict=True)
    ]  # fmt: skip


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _readable(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    table = rename_old_columns(table)
    ends = table[["low", "high"]].to_numpy(dtype=float)
    cautions = {"caution": table["caution"].to_numpy()} if "caution" in table and (table["caution"] != "").any() else {}
    return pd.DataFrame(
        {
            "metric": [title_of(metric) for metric in table["metric"]],
            **{title: [model_title(str(name)) for name in table[column]] for column, title in names.items()},
            "difference": [None if np.isnan(value) else _signed(value) for value in table["difference"]],
            "interval": [f"{_signed(a)} to {_signed(b)}" if np.isfinite([a, b]).all() else None for a, b in ends],
            **{title: [_p(p) for p in table[column]] for column, title in _P.items() if column in table},
            "significant": [
                None if np.isnan(difference) else "yes" if apart else "no"
                for apart, difference in zip(table["significant"], table["difference"], strict=True)
            ],
            **cautions,
        }
    )


def _p(value: float) -> str | None:
    return None if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
