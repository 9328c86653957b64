"""Choose how many images are for training, validation and test, so that each side has some of few images."""

from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.plan import Decision, PlanError

#: Fewer images than this can't be divided into three sides.
LEAST_IMAGES = 3
# From so many images on, a tenth is enough to choose an epoch and thresholds by.
_MANY = 100
_FEW_TEST = 10


def choose_fractions(images: int, not_annotated: int = 0) -> dict[str, float]:
    """Return the share of each side.

    A fifth is for the test, as few test images make a wide interval. Validation, which only chooses an epoch and
    thresholds, has 15 %, a tenth of 100 images or more. Whole groups are dealt out, and a side that is empty is served
    first, so each has an image of three or more groups.

    Args:
        images: Annotated images.
        not_annotated: Others, of which only the sentence tells.

    Raises:
        PlanError: There are fewer than three images.

    >>> choose_fractions(30)
    {'train': 0.65, 'val': 0.15, 'test': 0.2}
    """
    if images < LEAST_IMAGES:
        others = f"; {not_annotated} more have no annotations" if not_annotated else ""
        raise PlanError(
            f"at least {LEAST_IMAGES} annotated images are needed, one each for training, validation and test; there "
            f"{'is' if images == 1 else 'are'} {images}{others}."
        )
    val = 0.1 if images >= _MANY else 0.15
    return {"train": round(0.8 - val, 2), "val": val, "test": 0.2}


def describe_split(facts: DataFacts, fractions: dict[str, float]) -> Decision:
    """Return the split with its reason.

    Raises:
        PlanError: No cell is on the training or the validation side.
    """
    for name, word in (("train", "training"), ("val", "validation")):
        if not facts.sides[name].cells:
            raise PlanError(
                f"the {facts.sides[name].images} {word} images hold no annotated cell; annotate cells in more images."
            )
    words = dict(zip(SPLITS, ("training", "validation", "test"), strict=True))
    numbers = ", ".join(f"{words[name]} {side.images} images, {side.cells} cells" for name, side in facts.sides.items())
    value = " / ".join(str(facts.sides[name].images) for name in SPLITS)
    settings = {f"data_preparation.split.{name}": share for name, share in fractions.items()}
    why = f"Decided by {facts.split_source}."
    if facts.sides["test"].images < _FEW_TEST:
        why += f" Fewer than {_FEW_TEST} test images give a wide interval."
    return Decision("Images for training / validation / test", value, why, numbers, settings)
