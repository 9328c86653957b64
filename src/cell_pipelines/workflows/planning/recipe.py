"""Choose how a network is shown the training images: one recipe for `cell-pipelines train` and for a study's `auto`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cell_pipelines.workflows.planning import effort, pixels
from cell_pipelines.workflows.planning.data_facts import DataFacts
from cell_pipelines.workflows.planning.plan import Decision

#: Begins the names of the settings.
GROUP = "segmentation."
#: Settings that a study may leave to the images, by the value ``auto``.
PLANNED = ("colour", "normalisation", "cell_diameter_px", "tiles.size", "tiles.per_epoch", "batch")


def plan_recipe(facts: DataFacts, given: Mapping[str, Any], who: str, *, is_started: bool = False) -> list[Decision]:
    """Return what the images decide about the training of a network that outlines cells.

    Args:
        facts: Facts about the data.
        given: Values by dotted names that are not chosen; what is chosen follows from them.
        who: Gave them, as a sentence begins: ``The study``.
        is_started: Whether the training starts from a trained model.

    Raises:
        PlanError: The images have different numbers of channels, not only one and three.
    """

    def settled(decision: Decision) -> Decision:
        return _settle(decision, given, who)

    scale = settled(pixels.choose_scale(facts))
    seen = pixels.rescale_facts(facts, scale.settings[f"{GROUP}cell_diameter_px"])
    tile = settled(pixels.choose_tile(seen))
    side = int(tile.settings[f"{GROUP}tiles.size"])
    return [
        settled(pixels.choose_colour(facts)),
        settled(pixels.choose_normalisation(facts, is_detector=False)),
        scale,
        tile,
        settled(effort.describe_tiles(effort.choose_tiles(seen, side))),
        settled(effort.describe_batch(side, is_started=is_started)),
    ]


def _settle(decision: Decision, given: Mapping[str, Any], who: str) -> Decision:
    """Return a decision with the values that somebody gave in place of those that the images give."""
    own = {name: given[name] for name in decision.settings if name in given}
    if not own:
        return decision
    if own == decision.settings:
        return replace(decision, why=f"{who} says so, and the images would give the same.")
    value = ", ".join(
        "none" if one is None else f"{one:g}" if isinstance(one, float) else str(one) for one in own.values()
    )
    why = f"{who} says so; the images would give {decision.value}."
    return replace(decision, value=value, why=why, settings={**decision.settings, **own})
