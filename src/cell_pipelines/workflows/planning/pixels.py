"""Choose how images are read: channels, intensities, the size of tiles, and the network's input."""

from dataclasses import replace

import numpy as np

from cell_pipelines.workflows.planning.data_facts import DataFacts, Diameters
from cell_pipelines.workflows.planning.plan import Decision, PlanError

# Cells across a tile: enough of their neighbourhood, and few enough steps for a whole image.
_CELLS_ACROSS = 8
_TILE_STEP = 32
_SMALLEST_TILE, _LARGEST_TILE = 128, 512
# A YOLO sees small objects at strides of 8 pixels: below this many pixels it misses them.
_SMALLEST_SEEN_PX = 12.0
_LARGEST_INPUT = 640
_LEAST_INPUT = 96
# Images up to so many times the largest input are taken as they are.
_HARDLY_LARGER = 1.3


def choose_colour(facts: DataFacts) -> Decision:
    """Return what a segmentation network makes of the channels.

    Raises:
        PlanError: The images have different numbers of channels, not only one and three.
    """
    numbers = f"channels: {', '.join(map(str, sorted(facts.channels)))}"
    if facts.are_grey and set(facts.channels) != {1}:
        return _colour("grey", "Images are grey: where they have several channels, these are equal.", numbers)
    if set(facts.channels) == {1}:
        return _colour("grey", "All images have one channel.", numbers)
    if set(facts.channels) <= {1, 3}:
        mixed = " Images with one channel have it repeated." if 1 in facts.channels else ""
        return _colour("rgb", f"Images have red, green and blue.{mixed}", numbers)
    if len(facts.channels) == 1:
        return _colour("channels", "All images have the same channels, which the network takes as they are.", numbers)
    raise PlanError(
        f"all images must have the same channels; they have {', '.join(map(str, sorted(facts.channels)))}. Train on "
        "those of one kind."
    )


def _colour(value: str, why: str, numbers: str) -> Decision:
    return Decision("Channels", value, why, numbers, {"segmentation.colour": value})


def choose_normalisation(facts: DataFacts, *, is_detector: bool) -> Decision:
    """Return how intensities are scaled: by each image's own range, whatever the bits."""
    group = "data_preparation" if is_detector else "segmentation"
    return Decision(
        "Intensities",
        "percentile",
        "Each image is scaled by its own 0.1 to 99.9 percent, so that a scene looks alike in 8, 12 or 16 bits.",
        f"pixels: {', '.join(facts.dtypes)}",
        {f"{group}.normalisation": "percentile"},
    )


def choose_scale(facts: DataFacts) -> Decision:
    """Return the diameter that images are rescaled to, with the distribution of the cells' sizes."""
    between = facts.image_diameters
    why = "Images are taken as they are; a number of pixels here is what their median cell is rescaled to."
    numbers = f"{_diameters(facts)}; median cells of single images {between.small:.0f} to {between.large:.0f} px"
    if facts.sources:
        numbers += "; " + ", ".join(f"{name} {one.small:.0f} to {one.large:.0f} px, median {one.median:.0f} px"
                                    for name, one in facts.sources.items())  # fmt: skip
    return Decision("Cell diameter", "none", why, numbers, {"segmentation.cell_diameter_px": None})


def rescale_facts(facts: DataFacts, diameter_px: float | None) -> DataFacts:
    """Return the facts with sizes in the pixels that the network sees, where images are rescaled to a diameter."""
    if not diameter_px:
        return facts
    factor, d = diameter_px / facts.diameters.median, facts.diameters
    sizes = tuple((max(1, round(h * factor)), max(1, round(w * factor))) for h, w in facts.sizes)
    return replace(facts, sizes=sizes, diameters=Diameters(d.small * factor, d.median * factor, d.large * factor))


def choose_tile(facts: DataFacts) -> Decision:
    """Return the side of the tiles that a segmentation network is trained on."""
    wanted = _round_up(_CELLS_ACROSS * float(np.nan_to_num(facts.diameters.median)))
    largest = max(_SMALLEST_TILE, min(_LARGEST_TILE, _round_up(facts.shortest_side)))
    tile = min(max(wanted, _SMALLEST_TILE), largest)
    why = f"About {_CELLS_ACROSS} cells fit across a tile."
    if tile > wanted:
        why = f"Cells are small; a tile has at least {_SMALLEST_TILE} px."
    elif tile < wanted:
        limit = f"{_LARGEST_TILE} px" if largest == _LARGEST_TILE else "the size of the images"
        why = f"{_CELLS_ACROSS} cells across would be {wanted} px; a tile has at most {limit}."
    return Decision("Tile", f"{tile} px", why, _diameters(facts), {"segmentation.tiles.size": tile})


def choose_input(facts: DataFacts, model: str) -> list[Decision]:
    """Return the size of a YOLO's input, and of the tiles of large images with small cells."""
    side, small = facts.longest_side, facts.diameters.small
    largest = _LARGEST_INPUT if side > _HARDLY_LARGER * _LARGEST_INPUT else _round_up(side)
    size = max(_LEAST_INPUT, min(largest, _round_up(side)))
    seen = small * size / side
    numbers = f"longest side {side} px; {_diameters(facts)}"
    setting = {f"{model}.image_size": size}
    if seen >= _SMALLEST_SEEN_PX or side <= size:
        why = "Whole images, as large as they are." if side <= size else (
            f"Whole images are reduced to this; the smallest cells keep {seen:.0f} px.")  # fmt: skip
        return [Decision("Network's input", f"{size} px", why, numbers, setting)]
    overlap = min(_LARGEST_INPUT // 2, max(64, _round_up(2 * facts.diameters.large)))
    return [
        Decision("Network's input", f"{size} px", "As large as the tiles.", numbers, setting),
        Decision(
            "Tiles", f"{_LARGEST_INPUT} px, overlap {overlap} px",
            f"In whole images of {size} px the smallest cells would have {seen:.0f} px, too few to be detected.",
            numbers,
            {"data_preparation.tiling.size": _LARGEST_INPUT, "data_preparation.tiling.overlap": overlap},
        ),
    ]  # fmt: skip


def _diameters(facts: DataFacts) -> str:
    d = facts.diameters
    return f"cell diameters {d.small:.0f} to {d.large:.0f} px, median {d.median:.0f} px"


def _round_up(value: float) -> int:
    """Return the next multiple of 32.

    >>> _round_up(129), _round_up(128)
    (160, 128)
    """
    return int(-(-value // _TILE_STEP) * _TILE_STEP)
