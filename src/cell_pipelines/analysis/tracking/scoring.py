"""Score tracks by the measures of the Cell Tracking Challenge, computed by py-ctcmetrics."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.analysis.tracking.ctc import Lines, Sequence, sequences, track_images
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.metrics.label_overlap import overlap_table

_MEASURES: Final = {"TRA": "tra", "DET": "det", "SEG": "seg", "LNK": "lnk"}
_COUNTS: Final = {
    "AOGM_NS": "merged_cells", "AOGM_FN": "missed_cells", "AOGM_FP": "false_cells",
    "AOGM_ED": "false_links", "AOGM_EA": "missed_links", "AOGM_EC": "wrong_links",
}  # fmt: skip
_MATCH: Final = ("labels_ref", "labels_comp", "mapped_ref", "mapped_comp", "ious")  # as py-ctcmetrics calls it
_COLUMNS: Final = {
    "sequence": "str", **dict.fromkeys(_MEASURES.values(), "float64"), "valid": "bool",
    **dict.fromkeys(("true_cells", "true_links", "true_tracks", "tracks", *_COUNTS.values()), "int64"),
}  # fmt: skip


def score_tracking(
    true_linked: pd.DataFrame,
    true_cells: AnnotationSet,
    linked: pd.DataFrame,
    cells: AnnotationSet,
    facts: pd.DataFrame,
) -> pd.DataFrame:
    """Compare tracks with true ones as the Cell Tracking Challenge does.

    Args:
        true_linked: True tracks, as `true_tracks` returns them.
        true_cells: The true cells.
        linked: Tracks found.
        cells: The cells found, on the same images.
        facts: As for `cell_positions`.

    Returns:
        One row per sequence:

        * `tra`, `det`, `lnk`: how few corrections the graph of cells and links, the cells, and the links need (Matula
          et al. 2015, PLoS ONE 10(12)); `seg`: mean IoU of the true cells, 0 for those not found. All 0 to 1. Without
          a true cell all are nan, without a true link `lnk` is;
        * `valid`, whether the tracks found keep the challenge's rules; where not, the measures are nan;
        * `true_cells`, `true_links`, `true_tracks`, `tracks` (tracks with gaps count once for each part);
        * the corrections: `merged_cells` (one found for several), `missed_cells`, `false_cells`, `false_links`,
          `missed_links`, `wrong_links` (a division for a link, or the other way round).

    Raises:
        ValueError: Truth and tracks are of different images, or as `write_ctc` says.
    """
    truth = {sequence.name: sequence for sequence in sequences(true_cells, facts)}
    found = {sequence.name: sequence for sequence in sequences(cells, facts)}
    for name in sorted(truth.keys() | found.keys()):
        if name not in truth or name not in found or truth[name].cells.names != found[name].cells.names:
            raise ValueError(f"`true_cells` and `cells` must be of the same images, but differ in sequence {name!r}.")
    rows = [{"sequence": name, **_score(true_linked, truth[name], linked, found[name])} for name in sorted(truth)]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _score(true_linked: pd.DataFrame, truth: Sequence, linked: pd.DataFrame, found: Sequence) -> dict[str, Any]:
    true_lines, lines = _Counted(), _Counted()
    both = zip(track_images(true_linked, truth, true_lines), track_images(linked, found, lines), strict=True)
    frames = [_match(true_labels, labels) for (_, true_labels), (_, labels) in both]
    told = {
        "true_cells": true_lines.cells, "true_links": true_lines.links,
        "true_tracks": len(true_lines.rows), "tracks": len(lines.rows),
    }  # fmt: skip
    if not true_lines.rows or not lines.rows:
        return told | _without_tracks(true_lines, lines)
    if len(frames) == 1:  # an empty frame changes no measure, and the library needs two
        frames.append({key: [] for key in _MATCH})
    matches = {key: [frame[key] for frame in frames] for key in _MATCH}
    return told | _measure(true_lines, lines, matches)


class _Counted(Lines):
    """Lines that know how many cells and links they stand for."""

    @property
    def cells(self) -> int:
        return sum(end - begin + 1 for _, begin, end, _, _ in self.rows)

    @property
    def links(self) -> int:
        return sum(end - begin + (parent > 0) for _, begin, end, parent, _ in self.rows)

    @property
    def array(self) -> npt.NDArray[np.int64]:
        return np.array([row[:4] for row in self.rows], dtype=np.int64)


def _match(true_labels: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> dict[str, list[Any]]:
    """Return what py-ctcmetrics' own `match` does, which takes much longer: who covers half of whom.

    A true cell is found by the one cell that covers more than half of it (Matula et al. 2015).
    """
    table = overlap_table(true_labels, labels)
    covers = 2 * table.shared > table.true_areas[table.true_index]
    true, predicted = table.true_index[covers], table.predicted_index[covers]
    values = (
        table.true_ids, table.predicted_ids, table.true_ids[true], table.predicted_ids[predicted], table.iou[covers]
    )  # fmt: skip
    return {key: value.tolist() for key, value in zip(_MATCH, values, strict=True)}


def _without_tracks(truth: _Counted, found: _Counted) -> dict[str, Any]:
    """Return what the library can't tell: nothing is true, or nothing is found."""
    value = 0.0 if truth.rows else np.nan
    measures = {**dict.fromkeys(_MEASURES.values(), value), "lnk": 0.0 if truth.links else np.nan}
    corrections = {"missed_cells": truth.cells, "false_cells": found.cells, "missed_links": truth.links}
    return {**dict.fromkeys(_COUNTS.values(), 0), **measures, **corrections, "valid": True}


def _measure(truth: _Counted, found: _Counted, matches: dict[str, list[Any]]) -> dict[str, Any]:
    from ctc_metrics.metrics import valid
    from ctc_metrics.scripts.evaluate import calculate_metrics

    wanted = ["Valid", *(name for name in _MEASURES if name != "LNK" or truth.links)]
    # It prints what it does, and warns of frames without cells, which are allowed.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        keeps_rules = valid(list(range(len(matches["labels_comp"]))), found.array, matches["labels_comp"])
        # All cells are drawn in full, so they serve for the segmentation measure as well.
        results = calculate_metrics(found.array, truth.array, dict(matches), matches, wanted, keeps_rules)
    measures = {ours: np.nan if results.get(name) is None else results[name] for name, ours in _MEASURES.items()}
    counts = {ours: int(results.get(name) or 0) for name, ours in _COUNTS.items()}
    return {**measures, **counts, "valid": bool(keeps_rules)}
