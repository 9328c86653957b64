"""Say of plates what was measured, what it was compared with and where the measurements come from."""

from collections.abc import Mapping

import pandas as pd

from cell_pipelines.analysis.plates.rules import NEGATIVE, PlateRules
from cell_pipelines.workflows.origin import Origin

#: Columns of the table of counts that say by what was counted.
_TRACED = ("model_run_id", "model_sha256", "thresholds")


def describe_plates(rules: PlateRules) -> str:
    """Return what was measured and compared, in sentences."""
    measure = f"the mean of {rules.measure} over its sites"
    if rules.relative_to:
        measure = f"the part of {rules.measure} in {rules.relative_to}, in per cent"
    reference = "the negative controls" if rules.reference == NEGATIVE else "the samples"
    position = (
        "Effects of rows and columns were taken from the values by median polish of what treatments leave."
        if rules.correct == "median_polish"
        else "Effects of the position are shown, and not taken from the values."
    )
    effect = f" and by {rules.least_effect_percent:g} percentage points" if rules.least_effect_percent else ""
    return (
        f"The value of a well is {measure}. A hit differs from {reference} of its plate at a false discovery rate of "
        f"{rules.false_discovery_rate:g}{effect}. {position}"
    )


def measured_by(measurements: pd.DataFrame, code: Mapping[str, str]) -> Origin:
    """Return where measurements come from, with the warnings about their images, as far as their table says."""
    known = {
        name: "; ".join(map(str, measurements[name].dropna().unique())) for name in _TRACED if name in measurements
    }
    warnings: dict[str, str] = {}
    if {"image", "warning"} <= set(measurements):
        rows = measurements[measurements["warning"].notna() & (measurements["warning"] != "")]
        warnings = dict(zip(rows["image"].astype("str"), rows["warning"].astype("str"), strict=True))
    images = str(measurements["image"].nunique()) if "image" in measurements else None
    return Origin("measurements", **known, images=images, code=code, warnings=warnings)
