"""Score the detected spots or signals of one image against the true ones, channel by channel."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from cell_pipelines.analysis.fish.mosaicism import CHANNELS, require_columns
from cell_pipelines.metrics.centroids import match_centroids

_TYPES: Final = {"channel": "str", "tp": "int64", "fp": "int64", "fn": "int64"}


def score_spots(
    true: pd.DataFrame, found: pd.DataFrame, *, max_distance_px: float, channels: Sequence[str] = CHANNELS
) -> pd.DataFrame:
    """Count found, made-up and missed signals of one image by matching their places one to one.

    Args:
        true: One row per true signal: `channel`, `row`, `column` in pixels.
        found: One row per found signal or spot, the same; with a column `kept`, only the kept ones count.
        max_distance_px: Largest distance of a match in pixels, above 0.
        channels: The channels to count, a row each.

    Returns:
        `channel`, `tp`, `fp`, `fn`: counts to be summed over images and divided by `metrics.ratios`.
    """
    for table, name in ((true, "true"), (found, "found")):
        require_columns(table, name, ("channel", "row", "column"))
    kept = found[found["kept"]] if "kept" in found.columns else found
    rows = []
    for channel in channels:
        places = [
            table.loc[(table["channel"] == channel).to_numpy(dtype=bool), ["row", "column"]].to_numpy(dtype=float)
            for table in (true, kept)
        ]
        matching = match_centroids(*places, max_distance=max_distance_px)
        rows.append({"channel": channel, "tp": matching.tp, "fp": matching.fp, "fn": matching.fn})
    return pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)
