"""Stratify the quality of a model: sparse and crowded images, small and large cells."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.summaries import ALL, by_class
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.ratios import f1, share
from cell_pipelines.metrics.strata import stratify

_F1: Final = {name: METRICS[name].columns for name in ("f1", "centroid_f1", "instance_f1")}
_KINDS: Final = ("box", "centroid", "mask")


def tabulate_density(counts: pd.DataFrame, *, edges: Sequence[float] | None = None, n_strata: int = 3) -> pd.DataFrame:
    """Return quality by how many cells an image holds, all classes together.

    Args:
        counts: `ImageEvaluation.counts` of all images, one below the other.
        edges: Numbers of cells at which a new group begins; None for groups of about equally many images.
        n_strata: How many groups, without `edges`.

    Returns:
        `cells` (of an image, in words), `images`, `objects`, `f1`, `centroid_f1`, `instance_f1`, `count_mae`,
        `count_bias`; groups without an image are left out.
    """
    images = by_class(counts)[ALL]
    strata = stratify(images["true"].to_numpy(dtype=float), edges=edges, n_strata=n_strata)
    rows = [
        {"cells": name, **_density_row(images[strata.index == place])}
        for place, name in enumerate(strata.names)
        if (strata.index == place).any()
    ]
    return pd.DataFrame(rows, columns=["cells", "images", "objects", *_F1, "count_mae", "count_bias"])


def tabulate_size(cells: pd.DataFrame, *, edges: Sequence[float] | None = None, n_strata: int = 4) -> pd.DataFrame:
    """Return how many cells of which size are found, and how many predictions of that size are right.

    Args:
        cells: `ImageEvaluation.cells` of all images, one below the other.
        edges: Areas in px² at which a new group begins; None for groups of about equally many true cells.
        n_strata: How many groups, without `edges`.

    Returns:
        `area_px` (in words), `objects`, `predicted`, `recall`, `centroid_recall`, `instance_recall`, `precision`,
        `centroid_precision`, `instance_precision`. Objects without an area, such as points, are left out. Of masks the
        area is that of the mask, so predicted boxes are larger than the cells that they frame.
    """
    known = cells[cells["area_px"].notna()]
    true = known[known["side"] == "true"]
    borders = stratify(true["area_px"].to_numpy(dtype=float), edges=edges, n_strata=n_strata).edges
    strata = stratify(known["area_px"].to_numpy(dtype=float), edges=borders.tolist())
    rows = [
        {"area_px": name, **_size_row(known[strata.index == place])}
        for place, name in enumerate(strata.names)
        if (strata.index == place).any()
    ]
    names = [f"{prefix}{ratio}" for ratio in ("recall", "precision") for prefix in ("", "centroid_", "instance_")]
    return pd.DataFrame(rows, columns=["area_px", "objects", "predicted", *names])


def _density_row(images: pd.DataFrame) -> dict[str, Any]:
    error = (images["predicted"] - images["true"]).to_numpy(dtype=float)
    row: dict[str, Any] = {"images": len(images), "objects": int(images["true"].sum())}
    for name, columns in _F1.items():
        totals = [float(images[column].sum(skipna=False)) for column in columns]
        row[name] = np.nan if np.isnan(totals).any() else f1(*totals)
    return row | {"count_mae": float(np.abs(error).mean()), "count_bias": float(error.mean())}


def _size_row(cells: pd.DataFrame) -> dict[str, Any]:
    true, predicted = (cells[cells["side"] == side] for side in ("true", "predicted"))
    row: dict[str, Any] = {"objects": len(true), "predicted": len(predicted)}
    for kind, prefix in zip(_KINDS, ("", "centroid_", "instance_"), strict=True):
        for side, ratio in ((true, "recall"), (predicted, "precision")):
            matched = side[f"{kind}_matched"].astype(float)
            row[f"{prefix}{ratio}"] = np.nan if matched.isna().any() else share(float(matched.sum()), len(matched))
    return row
