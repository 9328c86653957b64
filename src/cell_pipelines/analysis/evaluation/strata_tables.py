"""Stratify the quality of a model: sparse and crowded images, small and large cells."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.summaries import ALL, by_class
from cell_pipelines.metrics.choices import metrics_by_kind
from cell_pipelines.metrics.evaluated import METRICS
from cell_pipelines.metrics.ratios import f1, precision, recall, share
from cell_pipelines.metrics.strata import stratify

_KINDS: Final = ("box", "centroid", "mask")
_DENSITY: Final = (
    *(metrics_by_kind(f1)[kind] for kind in _KINDS),
    *(metric for metric in METRICS.values() if metric.kind == "count" and metric.over == "each image"),
)
#: For each side of `ImageEvaluation.cells` the share of matched cells by each kind of matching.
_SIZE: Final = {"true": metrics_by_kind(recall), "predicted": metrics_by_kind(precision)}


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
    return pd.DataFrame(rows, columns=["cells", "images", "objects", *(m.name for m in _DENSITY)])


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
    names = [metrics[kind].name for metrics in _SIZE.values() for kind in _KINDS]
    return pd.DataFrame(rows, columns=["area_px", "objects", "predicted", *names])


def _density_row(images: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"images": len(images), "objects": int(images["true"].sum())}
    values = {m.name: m.of_images(images[list(m.columns)].to_numpy(dtype=float)) for m in _DENSITY}
    return row | values


def _size_row(cells: pd.DataFrame) -> dict[str, Any]:
    sides = {side: cells[cells["side"] == side] for side in _SIZE}
    row: dict[str, Any] = {"objects": len(sides["true"]), "predicted": len(sides["predicted"])}
    for side, metrics in _SIZE.items():
        for kind in _KINDS:
            matched = sides[side][f"{kind}_matched"].astype(float)
            value = np.nan if matched.isna().any() else share(float(matched.sum()), len(matched))
            row[metrics[kind].name] = value
    return row
