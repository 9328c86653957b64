"""The table of quality findings: one row per finding, and what each kind of finding is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cell_pipelines.annotations.schema import AnnotationSet

COLUMNS: Final = ("kind", "image", "objects", "category", "value", "sentence")

# In the order in which they are listed.
KINDS: Final = MappingProxyType(
    {
        "broken_shape": "Objects that can't be drawn: no ring of three vertices, coordinates that are no numbers.",
        "empty_mask": "Masks without a pixel.",
        "mask_size": "Masks made for an image of another size; value: pixels of the mask.",
        "duplicate": "Objects of one class given twice; value: IoU.",
        "same_point": "Points of one class in one place; value: distance in pixels.",
        "overlap": "Objects that cover each other more than cells do; value: covered share of the smaller one.",
        "outside": "Objects that reach out of their image; value: by how many pixels.",
        "self_intersecting": "Polygons whose outline crosses itself.",
        "crossing_rings": "Polygons of rings that cross, such as a hole that reaches out of its cell.",
        "self_touching": "Polygons whose outline touches itself; they can be drawn, but strict tools refuse them.",
        "tiny": "Objects far smaller than others of their class, as a slipped mouse draws them; value: area in px².",
        "empty_image": "Images without objects: is there nothing in them, or were they never annotated?",
        "unused_class": "Classes without an object.",
        "class_imbalance": "The rarest class has too small a share to be learned like the most frequent; value: ratio.",
    }
)


@dataclass(frozen=True, eq=False)
class Found:
    """Findings of one kind about objects.

    Attributes:
        kind: One of `KINDS`.
        rows: (F,) row of the object of each finding.
        values: (F,) the number that speaks against it, NaN where there is none.
        sentences: (F,) what is wrong, without the object's name.
        others: (F,) row of the object it clashes with; None where it is about one object.
    """

    kind: str
    rows: npt.NDArray[np.int64]
    values: npt.NDArray[Any] | Sequence[float]
    sentences: Sequence[str]
    others: npt.NDArray[np.int64] | None = None


def to_quality_table(
    annotations: AnnotationSet, found: Iterable[Found], others: Sequence[tuple[str, str, str, float, str]] = ()
) -> pd.DataFrame:
    """Return all findings as one table, by kind, then by image, then by object.

    Args:
        annotations: The set the findings are about.
        found: Findings about objects.
        others: Findings about images and classes, as kind, image, category, value and sentence.

    Returns:
        Columns kind, image, objects (their rows, the one that was there first first), category, value, sentence.
    """
    names, classes = np.array([*annotations.names, ""], object), np.array([*annotations.categories, ""], object)
    images, categories = annotations.image_index, annotations.category
    parts = [_empty()]
    for one in found:
        if len(one.rows):
            parts.append(_rows_of(one, names[images[one.rows]], classes[categories[one.rows]]))
    if others:
        frame = pd.DataFrame(list(others), columns=["kind", "image", "category", "value", "sentence"])
        parts.append(frame.assign(objects="", _order=range(len(others))))
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    place = {name: i for i, name in enumerate(dict.fromkeys([*annotations.names, *table["image"]]))}
    order = np.lexsort([table["_order"], table["image"].map(place), table["kind"].map(list(KINDS).index)])
    return table.iloc[order].reset_index(drop=True)[list(COLUMNS)]


def _rows_of(found: Found, images: npt.NDArray[Any], categories: npt.NDArray[Any]) -> pd.DataFrame:
    rows = found.rows.tolist()
    if found.others is None:
        objects = [str(row) for row in rows]
    else:
        objects = [f"{other}, {row}" for other, row in zip(found.others.tolist(), rows, strict=True)]
    named = zip(categories.tolist(), rows, found.sentences, strict=True)
    return pd.DataFrame(
        {
            "kind": found.kind, "image": images, "objects": objects, "category": categories,
            "value": np.asarray(found.values, dtype=np.float64),
            "sentence": [f"{category} (row {row}) {text}" for category, row, text in named],
            "_order": found.rows,
        }
    )  # fmt: skip


def _empty() -> pd.DataFrame:
    columns: dict[str, Any] = {name: pd.Series([], dtype=str) for name in COLUMNS}
    return pd.DataFrame({**columns, "value": np.empty(0), "_order": np.empty(0, np.int64)})
