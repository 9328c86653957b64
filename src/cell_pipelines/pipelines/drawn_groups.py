"""What is drawn for intervals and tests: images, or whole series of them."""

from cell_pipelines.annotations.schema import AnnotationSet

# Below this no test over groups can tell two models apart: 2^(1 - 5) is above 0.05.
_FEWEST_GROUPS = 6


def choose_groups(judged: AnnotationSet, resample: str) -> tuple[dict[str, str] | None, str]:
    """Return which images are drawn together, None for each by itself, and what is drawn in a sentence.

    Args:
        judged: The images that models were judged on.
        resample: ``auto``, ``images`` or ``groups``; see `EvaluationParameters`.
    """
    column = judged.images["group"].to_pylist()
    groups = {name: str(group) for name, group in zip(judged.names, column, strict=True) if group}
    units = len(set(groups.values())) + judged.n_images - len(groups)
    if units == judged.n_images:
        return None, f"Intervals and tests draw {_count(units, 'image')}, each by itself."
    told = f"The {judged.n_images} test images belong to {_count(units, 'group')}, such as series or wells"
    if resample == "images" or (resample == "auto" and units < _FEWEST_GROUPS):
        why = "" if resample == "images" else f", too few to draw ({_FEWEST_GROUPS} are needed)"
        return (
            None,
            f"{told}{why}: intervals and tests draw single images and hold for more images of these groups only.",
        )
    return groups, f"{told}; intervals, tests and ranks take whole groups, as images of one group are alike."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
