"""Check what every result of a reader must be, however damaged its source was."""

import json
import math

import numpy as np
from fuzz_sources import CANARY

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.schema import AnnotationSet


def check_conversion(conversion: Conversion) -> list[str]:
    """Say what is wrong with a result: its sum, its numbers, text that can't be written, words from outside."""
    conversion.check()
    annotations = conversion.annotations
    problems = _check_objects(annotations)
    problems += [f"a finding names no file: {f.sentence()[:200]}" for f in conversion.findings if not f.file][:1]
    sentences = [f.sentence() for f in conversion.findings]
    words = "\n".join(
        [
            *annotations.categories,
            *annotations.names,
            *filter(None, annotations.objects["attributes"].to_pylist()),
            *sentences,
        ]
    )
    try:
        words.encode()
    except UnicodeEncodeError as error:
        problems.append(f"text that can't be written: {error}")
    if CANARY in words:
        problems.append("the content of a file outside was read")
    longest = max(map(len, sentences), default=0)
    return problems + (
        [f"a finding of {longest} characters: {max(sentences, key=len)[:200]}"] if longest > 12_000 else []
    )


def _check_objects(annotations: AnnotationSet) -> list[str]:
    if not annotations.n_objects:
        return []
    boxes, rows = annotations.boxes, annotations.image_index
    sides = np.array([annotations.images[s].to_pylist() for s in ("width", "height")], float).T[rows]
    inside = np.isfinite(boxes).all() and (boxes >= 0).all() and (boxes <= np.tile(sides, 2)).all()
    problems = (
        [] if inside and (boxes[:, 2:] >= boxes[:, :2]).all() else [f"boxes out of their images: {boxes.tolist()[:5]}"]
    )
    scores = annotations.scores.astype(float)
    if not ((scores >= 0) & (scores <= 1) | np.isnan(scores)).all():
        problems.append(f"scores out of 0..1: {scores[:5]}")
    for text in filter(None, annotations.objects["attributes"].to_pylist()):
        json.dumps(json.loads(text, parse_constant=_no_constant))
    for rings in filter(None, annotations.objects["rings"].to_pylist()):
        if not all(len(r) >= 6 and len(r) % 2 == 0 and all(map(math.isfinite, r)) for r in rings):
            problems.append(f"rings that are none: {str(rings)[:200]}")
    areas = (sides[:, 0] * sides[:, 1]).tolist()
    if any(c is not None and sum(c) != areas[i] for i, c in enumerate(annotations.objects["counts"].to_pylist())):
        problems.append("a mask of another size than its image")
    return problems


def _no_constant(name: str) -> float:
    raise ValueError(f"an attribute holds {name}, which is no JSON")
