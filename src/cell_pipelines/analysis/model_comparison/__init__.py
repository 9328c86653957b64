"""Models evaluated on the same images set against each other: by how much they differ, and whether that is real."""

from cell_pipelines.analysis.model_comparison.aligned_counts import AlignedCounts, align_counts
from cell_pipelines.analysis.model_comparison.comparing import (
    ComparedModels,
    ComparisonSettings,
    compare_models,
)
from cell_pipelines.analysis.model_comparison.conclusions import FEWEST_UNITS, caution, conclude, least_units

__all__ = [
    "FEWEST_UNITS", "AlignedCounts", "ComparedModels", "ComparisonSettings",
    "align_counts", "caution", "compare_models", "conclude", "least_units",
]  # fmt: skip
