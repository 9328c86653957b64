"""The pairs of images of a data set that show the same field, as a table."""

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from cell_pipelines.analysis.near_duplicates.candidates import find_candidates
from cell_pipelines.analysis.near_duplicates.registration import register
from cell_pipelines.annotations.name_groups import source_of_copy
from cell_pipelines.imaging.keypoints import Keypoints

COLUMNS = ("image", "other_image", "split", "other_split", "correlation", "overlap", "relation")


def find_pairs(
    names: Sequence[str], keypoints: Sequence[Keypoints], hashes: Sequence[str | None], splits: Sequence[str | None]
) -> pd.DataFrame:
    """Return one row per pair of images that show the same field.

    Images of equal pixels are one pair with the first of them. Others are pairs when one can be laid on the other so
    that their details correlate, see `Registration.is_copy`, or when Roboflow's names give one source for both.

    Args:
        names: Of N images.
        keypoints: Of each.
        hashes: Of each image's pixels.
        splits: What the source says of each; None for nothing.

    Returns:
        Columns `image`, `other_image`, `split`, `other_split` (empty where the source says nothing), `correlation` in
        [-1, 1] and `overlap` in [0, 1] (nan where only names or hashes tell), and `relation` in words.
    """
    numbers: dict[str | None, int] = {}
    rows: list[tuple[int, int, float | None, float | None, str]] = []
    firsts = [numbers.setdefault(value, index) if value else index for index, value in enumerate(hashes)]
    rows += [(first, index, None, None, "equal pixels") for index, first in enumerate(firsts) if first != index]
    distinct = [index for index, first in enumerate(firsts) if first == index]
    for low, high, mirrored in find_candidates([keypoints[index] for index in distinct]):
        one, other = distinct[low], distinct[high]
        found = register(keypoints[one], keypoints[other], mirrored=mirrored)
        if found is not None and found.is_copy:
            rows.append((one, other, found.correlation, found.overlap, found.sentence()))
    rows += [(one, other, None, None, "copies of one source by their names") for one, other in _copies(names)]
    seen: set[tuple[int, int]] = set()
    table = [
        (names[one], names[other], splits[one] or "", splits[other] or "", correlation, overlap, relation)
        for one, other, correlation, overlap, relation in rows
        if (one, other) not in seen and not seen.add((one, other))  # type: ignore[func-returns-value]
    ]
    return pd.DataFrame(table, columns=COLUMNS).astype({"correlation": float, "overlap": float})


def _copies(names: Sequence[str]) -> list[tuple[int, int]]:
    """Return each of Roboflow's copies with the first one of its source."""
    sources: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        source = source_of_copy(name)
        if source is not None:
            sources[source].append(index)
    return [(copies[0], other) for copies in sources.values() for other in copies[1:]]
