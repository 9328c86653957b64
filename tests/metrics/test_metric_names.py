"""What is to be known of a metric stands in its row; no other module lists metrics by hand."""

import ast
from pathlib import Path

from cell_pipelines.metrics.evaluated import METRICS

PACKAGE = Path(__file__).parents[2] / "src" / "cell_pipelines"
NAMES = {f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")}
_CURVE = "columns of a curve's table, which has one row per threshold, overlap or recall"
_SWEEP = "columns of the table of thresholds, and the objectives that a study may name"
_NUMBER_FORMAT = "the numerical precision of a network"
#: For each file the names that it may have, and why.
ALLOWED = {
    "analysis/annotating/correction_tables.py": ("f1 precision recall", "columns of the table of corrections"),
    "analysis/benchmark.py": ("precision", _NUMBER_FORMAT),
    "analysis/evaluation/summaries.py": ("f1 panoptic_quality precision recall", _CURVE),
    "analysis/evaluation/standard_error.py": ("count_mae f1", _SWEEP),
    "analysis/evaluation/threshold_choice.py": ("count_bias count_mae f1 precision recall", _SWEEP),
    "inference/model_choice.py": ("f1", "a key of the validation record in a model file"),
    "losses/registry.py": ("dice", "the name of a loss"),
    "pipelines/evaluation/nodes.py": ("ap50", "the legend of precision over recall, whose area it is"),
    "pipelines/experiments/search.py": ("f1", "a key of the validation record in a model file"),
    "pipelines/fish/nodes.py": ("f1 precision recall", "columns of the table of spots"),
    "pipelines/learning_curve/parameters.py": (
        "ap50 ap50_95 count_mae f1 instance_f1 precision recall", "the default of a parameter, in the paper's order",
    ),
    "pipelines/reporting/card.py": ("count_bias", "a sentence that says what this metric means for the user"),
    "pipelines/reporting/facts.py": ("precision", _NUMBER_FORMAT),
    "pipelines/threshold_optimisation/nodes.py": ("f1", "a key of the validation record in a model file"),
    "report/figures/comparison.py": ("f1 panoptic_quality", _CURVE),
    "report/figures/curves.py": ("precision recall", "columns of histories of trainings"),
    "report/figures/learning_curve.py": ("precision recall", "titles of columns of histories of trainings"),
    "report/figures/thresholds.py": ("count_bias count_mae f1 precision recall", _SWEEP),
    "report/pages/benchmark.py": ("precision", _NUMBER_FORMAT),
    "report/pages/comparison_tables.py": (
        "ap50_95 dice pixel_iou precision recall", "tables with the columns of the papers' tables",
    ),
    "report/pages/fish.py": ("precision recall", "columns of the table of spots"),
    "run_summary.py": ("count_mae", "a sentence of its own for this metric"),
    "training/detection/train.py": ("precision", _NUMBER_FORMAT),
    "training/segmentation/callbacks.py": ("precision", _NUMBER_FORMAT),
    "training/segmentation/fitting.py": ("precision", _NUMBER_FORMAT),
    "workflows/engine_choice.py": ("precision", _NUMBER_FORMAT),
    "workflows/curve_columns.py": ("precision recall", _CURVE),
    "workflows/evaluation.py": ("ap50 ap50_95 precision recall", f"where average precision is computed; {_CURVE}"),
    "workflows/parameters/thresholds.py": ("count_bias count_mae", _SWEEP),
}  # fmt: skip


def _named_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return NAMES & texts


def test_metrics_are_named_outside_of_their_rows_only_where_a_reason_is_given() -> None:
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "metrics"]
    found = {path.relative_to(PACKAGE).as_posix(): _named_in(path) for path in paths}
    allowed = {file: set(names.split()) for file, (names, _) in ALLOWED.items()}
    others = {file: names - allowed.get(file, set()) for file, names in found.items()}
    assert not {file: names for file, names in others.items() if names}, "derive them from the rows, or say why not"
