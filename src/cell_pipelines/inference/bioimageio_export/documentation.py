"""The page of a package: what the network takes and gives, and how cells are made of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from cell_pipelines.inference.bioimageio_export.description import Facts, Origin

_NORMALISATIONS = {
    "percentile": "Intensities are scaled by the image's own 0.1 and 99.9 percent, of all channels, and clipped.",
    "percentile_1_to_99_8": "Intensities are scaled by the image's own 1 and 99.8 percent, of all channels.",
}
_WHOLE = "Intensities are divided by the largest number of {dtype}; images of another type are to be converted."


def write_readme(path: Path, facts: Facts, origin: Origin, counts: Mapping[str, int], packages: Sequence[str]) -> None:
    """Write the page.

    Args:
        path: The file.
        facts: Of the network.
        origin: Of the people.
        counts: Cells in the test image, by class.
        packages: That the decoding may need.
    """
    path.write_text("\n\n".join(_parts(facts, origin, counts, packages)) + "\n", encoding="utf-8")


def _parts(facts: Facts, origin: Origin, counts: Mapping[str, int], packages: Sequence[str]) -> list[str]:
    record = facts.record
    chosen = record["representation"]
    stride = int(record["stride"])
    grid = f", for every {stride}nd row and column" if stride == 2 else f", for every {stride}th" if stride > 1 else ""
    found = ", ".join(f"{count} {name}" for name, count in counts.items())
    licence = (
        f"The weights' licence is {origin.licence}." if origin.licence else "No licence was stated for the weights."
    )
    return [
        f"# {facts.name}",
        f"A segmentation network for {', '.join(record['categories'])}, trained with cell_pipelines. {licence}",
        "## Images",
        " ".join([*_sizes(facts), _normalisation(facts)]),
        "## Output",
        f"Activated scores of the representation `{chosen['name']}` with the options "
        f"`{json.dumps(chosen.get('options', {}))}`{grid}: the channels {', '.join(facts.channels)} for each class.",
        "## Cells",
        "`python decode.py output.npy labels.npz` makes label images of an output, one for each class, by the "
        "thresholds in `decoding.json`. It runs without cell_pipelines, whose modules it takes from `decoding.zip`; it "
        "needs Python "
        f"3.11 or newer and, depending on the representation, some of {', '.join(packages)}. "
        f"In the test image it finds {found}.",
        "The script and its modules have the licence AGPL-3.0-or-later, whatever that of the weights is.",
    ]


def _sizes(facts: Facts) -> list[str]:
    _, height, width = facts.shape
    sizes = f"multiples of {facts.step} pixels, {facts.least} or more" if facts.step else f"{height} and {width} pixels"
    parts = [f"Height and width are {sizes}."]
    if facts.record.get("resize"):
        parts.append("In training whole images were resized to this size; resize yours, and their labels back.")
    if diameter := facts.record.get("cell_diameter_px"):
        parts.append(f"It knows cells with a diameter of {diameter:g} pixels: bring images to that scale first.")
    parts += ["It was trained on the mean of all channels."] if facts.record.get("colour") == "grey" else []
    return parts


def _normalisation(facts: Facts) -> str:
    name = facts.record["normalisation"]
    name = "percentile" if name == "percentile_above_8_bit" and facts.dtype != "uint8" else name
    return _NORMALISATIONS.get(name, _WHOLE.format(dtype=facts.dtype))
