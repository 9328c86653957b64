"""Counts of evaluated images as models would have them, one class or several."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from simulated.evaluation_counts import CountModel, simulate_counts

from cell_pipelines.metrics.evaluated import COUNTS


def _table(columns: Mapping[str, Sequence[float]], category: str = "cell") -> pd.DataFrame:
    """Return one row per image named a0, a1, …; counts that are not given are nan."""
    length = len(next(iter(columns.values())))
    known = {name: np.asarray(columns[name], dtype=float) if name in columns else np.nan for name in COUNTS}
    return pd.DataFrame({"image": [f"a{i}" for i in range(length)], "category": category, **known}, index=range(length))


def _boxes(tp: Sequence[float], true: Sequence[float], fp: Sequence[float] | None = None) -> pd.DataFrame:
    """Return the counts of a detector that finds `tp` of `true` cells and makes up `fp`."""
    found, cells = np.asarray(tp, float), np.asarray(true, float)
    wrong = np.zeros(len(found)) if fp is None else np.asarray(fp, float)
    return _table({"true": cells, "predicted": found + wrong, "tp": found, "fp": wrong, "fn": cells - found})


def _drawn(images: int, models: int = 3, seed: int = 0, **settings: float) -> dict[str, pd.DataFrame]:
    counts = simulate_counts(CountModel(**settings), images, models=models, rng=np.random.default_rng(seed))  # type: ignore[arg-type]
    tables = {}
    for model in range(models):
        tp, fp, fn = np.moveaxis(counts.found[0, :, model], -1, 0)
        pixels = np.moveaxis(counts.pixels[0, :, model], -1, 0)
        parts = dict(zip(("pixel_tp", "pixel_fp", "pixel_fn"), pixels, strict=True))
        tables[f"m{model}"] = _table({"true": tp + fn, "predicted": tp + fp, "tp": tp, "fp": fp, "fn": fn, **parts})
    return tables


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """Return what makes a table of counts."""
    return _table


@pytest.fixture
def boxes() -> Callable[..., pd.DataFrame]:
    """Return what makes the counts of a detector."""
    return _boxes


@pytest.fixture
def drawn() -> Callable[..., dict[str, pd.DataFrame]]:
    """Return what draws the counts of several models on the same images."""
    return _drawn
