"""Choose resampling units for intervals and tests: images, or whole series of them."""

from cell_pipelines.annotations.name_groups import group_by_names
from cell_pipelines.annotations.schema import AnnotationSet

# Below this no test over groups can decide between two models: 2^(1 - 5) is above 0.05.
_FEWEST_GROUPS = 6
_IF_IN_SERIES = "If they come in series that the annotations do not name, the intervals are too narrow."


def choose_groups(evaluated: AnnotationSet, resample: str) -> tuple[dict[str, str] | None, str]:
    """Return which images are drawn together, None for each by itself, and what is drawn in a sentence.

    Args:
        evaluated: The images that models were evaluated on.
        resample: ``auto``, ``images`` or ``groups``; see `EvaluationParameters`.
    """
    groups = named_groups(evaluated)
    units = len(set(groups.values())) + evaluated.n_images - len(groups)
    if units == evaluated.n_images:
        return None, f"Intervals and tests draw {_count(units, 'image')}, each by itself. {_IF_IN_SERIES}"
    told = f"The {evaluated.n_images} test images belong to {_count(units, 'group')}, such as series or wells"
    if resample == "images" or (resample == "auto" and units == 1):
        why = ", as asked" if resample == "images" else ""
        hold = "this group" if units == 1 else "these groups"
        return None, f"{told}: intervals and tests draw single images{why} and hold for more images of {hold} only."
    text = f"{told}; intervals, tests and ranks take whole groups, as images of one group are alike."
    if units < _FEWEST_GROUPS:
        text += f" With fewer than {_FEWEST_GROUPS} groups no test can decide between models, and intervals are wide."
    return groups, text


def named_groups(evaluated: AnnotationSet) -> dict[str, str]:
    """Return the group of each image that has one."""
    column = evaluated.images["group"].to_pylist()
    return {name: str(group) for name, group in zip(evaluated.names, column, strict=True) if group}


def likely_groups(evaluated: AnnotationSet) -> dict[str, str] | None:
    """Return the group of each image that names suggest; None where they suggest none."""
    groups = group_by_names(evaluated.names).groups
    return dict(zip(evaluated.names, groups, strict=True)) if len(set(groups)) < len(groups) else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
