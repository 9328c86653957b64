"""Write a plan out as a study's configuration: YAML files with the reason for each setting beside it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cell_pipelines.files import atomic_path
from cell_pipelines.workflows.planning.plan import Decision, Plan

_FILES = {
    "data_preparation": "parameters_data_preparation.yml",
    "segmentation": "parameters_segmentation.yml",
    "yolo": "parameters_detection.yml",
    "yolo_seg": "parameters_detection.yml",
    "rtdetr": "parameters_detection.yml",
    "threshold_optimisation": "parameters_evaluation.yml",
    "reporting": "parameters_reporting.yml",
}


def write_study(plan: Plan, study: Mapping[str, Any], folder: Path) -> None:
    """Write the configuration of a study.

    Args:
        plan: The decisions.
        study: What ``globals.yml`` says: ``study``, ``raw_images``, ``raw_annotations`` and more.
        folder: A new folder.
    """
    _write(folder / "globals.yml", ["# The study, as `cell-pipelines train` made it. All else is as in conf/base."],
           yaml_lines(study))  # fmt: skip
    for name, decisions in _by_file(plan).items():
        text = ["# Chosen by `cell-pipelines train`; change what you like and run `kedro run` again."]
        _write(folder / name, text, settings_lines(decisions))


def _write(path: Path, head: list[str], lines: list[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


def _by_file(plan: Plan) -> dict[str, list[Decision]]:
    """Return the decisions that set something, by the file that their settings belong to."""
    files: dict[str, list[Decision]] = {}
    for decision in plan.decisions:
        for name in dict.fromkeys(_file_of(key, plan.model) for key in decision.settings):
            own = {key: value for key, value in decision.settings.items() if _file_of(key, plan.model) == name}
            files.setdefault(name, []).append(replace(decision, settings=own))
    return files


def _file_of(setting: str, model: str) -> str:
    group = setting.split(".")[0]
    return _FILES["segmentation"] if group == model and model not in _FILES else _FILES[group]


def settings_lines(decisions: list[Decision]) -> list[str]:
    """Return the lines of a YAML file with the settings of some decisions; comments say what they follow from.

    Raises:
        ValueError: Two decisions set the same.
    """
    comments, flat = _comments(decisions), {k: v for d in decisions for k, v in d.settings.items()}
    if len(flat) < sum(len(d.settings) for d in decisions):
        raise ValueError("`decisions` must set different things; two set the same.")
    lines, above = [], []  # type: list[str], list[str]
    for key in sorted(flat, key=lambda key: _order(key, list(flat))):
        *parents, last = key.split(".")
        shared = next((i for i, (a, b) in enumerate(zip(parents, above, strict=False)) if a != b),
                      min(len(parents), len(above)))  # fmt: skip
        lines += [f"{'  ' * depth}{parents[depth]}:" for depth in range(shared, len(parents))]
        lines += [f"{'  ' * len(parents)}# {text}" for text in comments.get(key, ())]
        lines.append(f"{'  ' * len(parents)}{last}: {_value(flat[key])}")
        above = parents
    return lines


def _order(key: str, keys: list[str]) -> tuple[int, ...]:
    """Return where a setting stands: beside others of its group, in the order of the first of each group."""
    words = key.split(".")
    heads = [".".join(words[: depth + 1]) for depth in range(len(words))]
    return tuple(next(i for i, other in enumerate(keys) if f"{other}.".startswith(f"{head}.")) for head in heads)


def _comments(decisions: list[Decision]) -> dict[str, list[str]]:
    """Return the comment above the first setting of each decision."""
    return {
        next(iter(d.settings)): [f"{d.what}: {d.why}" + (f" ({d.numbers})" if d.numbers else "")]
        for d in decisions
        if d.settings
    }


def yaml_lines(values: Mapping[str, Any]) -> list[str]:
    """Return one line of YAML per value."""
    return [f"{key}: {_value(value)}" for key, value in values.items()]


def _value(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
