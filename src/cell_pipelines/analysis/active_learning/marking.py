"""Annotations with their suspects marked, for a person's program: as attributes, or as classes of their own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from cell_pipelines.annotations.schema import AnnotationSet, with_object_columns
from cell_pipelines.annotations.selection import object_places

Mark = Literal["attribute", "category"]


def mark_suspects(
    truth: AnnotationSet, suspects: pd.DataFrame, proposals: Mapping[int, AnnotationSet], *, mark: Mark = "attribute"
) -> AnnotationSet:
    """Return labels and proposals for missing ones, with what is suspected of each.

    Args:
        truth: The labels of the images to be corrected.
        suspects: The table of suspects; of images that are not in `truth` it is passed over.
        proposals: For the `rank` of each suspected missing label the one object, in one image, that is proposed.
        mark: ``attribute``: each suspect has the attributes ``suspect`` (its kind), ``suspicion`` and ``reason``, and
            keeps its class. ``category``: its class becomes ``<class> suspected <kind>``, for formats without
            attributes.

    Returns:
        The images of `truth`; its objects in their order, then the proposals.
    """
    row = {name: number for number, name in enumerate(truth.names)}
    known = suspects[suspects["image"].isin(row)]
    marks = _by_object(truth, known, row)
    added = known[(known["kind"] == "missing_label") & known["rank"].isin(list(proposals))]
    classes = list(dict.fromkeys([*truth.categories, *(c for one in proposals.values() for c in one.categories)]))
    tables = [truth.objects]
    for suspect in added.to_dict(orient="records"):
        one = proposals[int(suspect["rank"])]
        marks[sum(table.num_rows for table in tables)] = {str(key): value for key, value in suspect.items()}
        category = classes.index(one.categories[int(one.category[0])])
        tables.append(with_object_columns(one.objects, image=[row[str(suspect["image"])]], category=[category]))
    objects = pa.concat_tables(tables)
    return _marked(AnnotationSet(truth.images, objects, tuple(classes)), marks, mark)


def _by_object(truth: AnnotationSet, known: pd.DataFrame, row: Mapping[str, int]) -> dict[int, dict[str, Any]]:
    """Return the suspect that each object is, by the object's row."""
    keys = zip(truth.image_index.tolist(), object_places(truth).tolist(), strict=True)
    place = {key: number for number, key in enumerate(keys)}
    labelled = known[known["label"].notna()]
    return {
        place[row[str(suspect["image"])], int(suspect["label"])]: {str(key): value for key, value in suspect.items()}
        for suspect in labelled.to_dict(orient="records")
    }


def _marked(annotations: AnnotationSet, marks: Mapping[int, Mapping[str, Any]], mark: Mark) -> AnnotationSet:
    if mark == "attribute":
        texts = annotations.objects["attributes"].to_pylist()
        for number, suspect in marks.items():
            told = {key: suspect[key] for key in ("suspicion", "reason")}
            told["suspicion"] = round(float(told["suspicion"]), 3)
            texts[number] = json.dumps({**json.loads(texts[number] or "{}"), "suspect": suspect["kind"], **told})
        return replace(annotations, objects=with_object_columns(annotations.objects, attributes=texts))
    classes, codes = list(annotations.categories), annotations.category.copy()
    for number, suspect in marks.items():
        name = f"{annotations.categories[codes[number]]} suspected {suspect['kind']}"
        if name not in classes:
            classes.append(name)
        codes[number] = classes.index(name)
    objects = with_object_columns(annotations.objects, category=codes.astype(np.int32))
    return AnnotationSet(annotations.images, objects, tuple(classes))
