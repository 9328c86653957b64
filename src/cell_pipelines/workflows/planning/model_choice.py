"""Choose the model by what the annotations are: boxes or outlines."""

from collections.abc import Mapping

from cell_pipelines.workflows.planning.data_facts import OUTLINES, DataFacts
from cell_pipelines.workflows.planning.plan import Decision, PlanError

#: Finds boxes, which any annotation with an extent gives.
BOX_MODEL = "yolo"
_BOX_MODELS = (BOX_MODEL, "rtdetr")
#: What outlines are learnt by, if nothing else is asked for.
OUTLINE_MODEL = "unetpp"


def choose_model(facts: DataFacts, wanted: str | None, start: str | None = None) -> Decision:
    """Return the model that fits the annotations, or check that the one asked for does.

    Args:
        facts: Facts about the data.
        wanted: Name of a model; None leaves the choice to the annotations.
        start: Name of the model that has the network of the start; None for a start from random weights.

    Raises:
        PlanError: The annotations are points, there is none, or they don't fit the model that is asked for.
    """
    _check_geometries(facts.geometries)
    counts = _in_words(facts.geometries)
    if wanted is not None:
        if wanted not in _BOX_MODELS and not facts.has_outlines:
            raise PlanError(
                f"{wanted} learns from outlines (masks or polygons), but the annotations are {counts}: train "
                f"`--model {BOX_MODEL}` on boxes, or annotate outlines."
            )
        why = "Asked for by `--model`."
        if wanted in _BOX_MODELS and facts.has_outlines:
            why += " It learns the boxes of the outlines; the outlines themselves are not used."
        return Decision("Model", wanted, why, counts)
    if facts.has_outlines:
        why = "Every annotated cell has an outline, so a network that outlines cells can be trained"
        return Decision("Model", start or OUTLINE_MODEL, f"{why}: that of the start." if start else f"{why}.", counts)
    return Decision("Model", BOX_MODEL, "The annotations are boxes, so a network that finds boxes is trained.", counts)


def _check_geometries(geometries: Mapping[str, int]) -> None:
    if not geometries:
        raise PlanError("the annotations hold no cell at all: there is nothing to learn from.")
    points = geometries.get("point", 0)
    if points:
        raise PlanError(
            f"the annotations are {_in_words(geometries)}: no model here learns from points. Annotate boxes or "
            "outlines; `kedro run --pipelines=pre_annotation` draws proposals to correct."
        )


def _in_words(geometries: Mapping[str, int]) -> str:
    """Return numbers of objects in words, outlines first.

    >>> _in_words({"box": 3, "mask": 2})
    '2 masks and 3 boxes'
    """
    plurals = {"box": "boxes"}
    order = [*OUTLINES, "box", "point"]
    return " and ".join(f"{geometries[g]} {plurals.get(g, g + 's')}" for g in order if geometries.get(g))
