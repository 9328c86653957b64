"""Bringing a set to what a format can hold: what has to change is changed here, once, and listed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cell_pipelines.annotations.columns import RunLengths
from cell_pipelines.annotations.findings import Action, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities, substitute
from cell_pipelines.annotations.geometry.intervals import all_run_lengths_to_intervals
from cell_pipelines.annotations.reshaping import join_rings_of, merge_touching, reshape, share_out_pixels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet, with_object_columns

ALL_CLASSES = "cell"

Step = Callable[[AnnotationSet, Capabilities], tuple[AnnotationSet, list[Finding]]]


def adapt_to_format(
    annotations: AnnotationSet, capabilities: Capabilities
) -> tuple[AnnotationSet, tuple[Finding, ...]]:
    """Return `annotations` as a format of these capabilities can hold them, and the account of what that changes.

    Objects keep their order. An object is dropped only where nothing of it can be held, such as a point in a format
    of boxes, or a cell wholly hidden by others in a label image.
    """
    findings: list[Finding] = []
    steps: tuple[Step, ...] = (
        _fit_empty_masks, _fit_geometry, _fit_rings, _fit_overlaps, _fit_coordinates, _fit_thin, _fit_scores,
        _fit_ignored_regions, _fit_attributes, _fit_classes, _fit_touching, _fit_images, _fit_splits,
    )  # fmt: skip
    for step in steps:
        annotations, found = step(annotations, capabilities)
        findings += found
    return annotations, tuple(findings)


def _fit_empty_masks(annotations: AnnotationSet, _: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    is_mask = annotations.objects["geometry"].to_numpy() == GEOMETRIES.index("mask")
    if not is_mask.any():
        return annotations, []
    owner, start, stop = all_run_lengths_to_intervals(RunLengths.from_arrow(annotations.objects["counts"]))
    areas = np.bincount(owner, weights=stop - start, minlength=annotations.n_objects)
    empty = np.asarray(is_mask & (areas == 0), dtype=np.bool_)
    if not empty.any():
        return annotations, []
    kept = replace(annotations, objects=annotations.objects.filter(pa.array(~empty)))
    return kept, [_finding(annotations, empty, "dropped", "the mask is empty: no pixel belongs to it.")]


def _fit_geometry(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    findings: list[Finding] = []
    codes = annotations.objects["geometry"].to_numpy()
    capabilities = capabilities.for_geometries([GEOMETRIES[code] for code in np.unique(codes)])
    targets = {name: substitute(name, capabilities) for name in GEOMETRIES}
    for name, target in targets.items():
        concerned = codes == GEOMETRIES.index(name)
        if not concerned.any():
            continue
        if target is None:
            reason = f"a {name} can't be held; the format has {_listed(capabilities.geometries)} only."
            findings.append(_finding(annotations, concerned, "dropped", reason))
        elif target != name:
            findings.append(
                _finding(annotations, concerned, "changed", f"{_plural(name)} written as {_plural(target)}.")
            )
    kept = np.array([targets[name] is not None for name in GEOMETRIES])[codes]
    if not kept.all():
        annotations = replace(annotations, objects=annotations.objects.filter(pa.array(kept)))
    reshaped, vanished = reshape(annotations, {name: target for name, target in targets.items() if target})
    if vanished.any():
        findings.append(
            _finding(annotations, vanished, "dropped", "covers the centre of no pixel, so no mask is left.")
        )
        reshaped = replace(reshaped, objects=reshaped.objects.filter(pa.array(~vanished)))
    return reshaped, findings


def _fit_rings(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    fitted, joined = join_rings_of(annotations, holes=not capabilities.holes, pieces=not capabilities.pieces)
    reason = "polygons of several rings written as one ring, joined by seams without width."
    return fitted, [_finding(annotations, joined, "changed", reason)] if joined.any() else []


def _fit_overlaps(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    if capabilities.overlaps:
        return annotations, []
    shared, hidden, left = share_out_pixels(annotations)
    findings = []
    if (hidden > 0).any():
        reason = f"pixels shared by several objects belong to the first; {int(hidden.sum())} pixels went."
        findings.append(_finding(annotations, (hidden > 0) & left, "changed", reason))
    if not left.all():
        reason = "wholly hidden by the objects before."
        findings.append(_finding(annotations, ~left, "dropped", reason))
    return shared, [f for f in findings if f.objects]


def _fit_coordinates(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    step = capabilities.coordinate_step
    if not step:
        return annotations, []
    objects = annotations.objects
    exact = np.flatnonzero(objects["geometry"].to_numpy() == GEOMETRIES.index("mask"))
    boxes = annotations.boxes
    rounded = np.round(boxes / step) * step
    rounded[exact] = boxes[exact]
    changed = np.asarray((np.abs(rounded - boxes) > 1e-9).any(axis=1), dtype=np.bool_)
    for position, name in enumerate(("x_min", "y_min", "x_max", "y_max")):
        objects = with_object_columns(objects, **{name: rounded[:, position]})
    findings = (
        [_finding(annotations, changed, "changed", f"coordinates rounded to {step:g} px.")] if changed.any() else []
    )
    return replace(annotations, objects=objects), findings


def _fit_thin(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    # As the numbers stand in a file, so that no box is kept here and refused when read.
    sides = np.round(annotations.boxes[:, 2:] - annotations.boxes[:, :2], 6)
    is_box = annotations.objects["geometry"].to_numpy() == GEOMETRIES.index("box")
    thin = np.asarray(is_box & (sides <= capabilities.thinnest_box).any(axis=1), dtype=np.bool_)
    if not thin.any():
        return annotations, []
    reason = f"a box at most {capabilities.thinnest_box:g} px wide or high reads as one without area."
    kept = replace(annotations, objects=annotations.objects.filter(pa.array(~thin)))
    return kept, [_finding(annotations, thin, "dropped", reason)]


def _fit_scores(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    given = ~np.isnan(annotations.scores)
    if capabilities.scores or not given.any():
        return annotations, []
    empty = pa.nulls(annotations.n_objects, pa.float32())
    stripped = replace(annotations, objects=with_object_columns(annotations.objects, score=empty))
    return stripped, [_finding(annotations, given, "changed", "scores left out, which the format can't hold.")]


def _fit_ignored_regions(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    crowd = annotations.crowd.astype(np.bool_)
    if capabilities.ignored_regions or not crowd.any():
        return annotations, []
    single = replace(
        annotations, objects=with_object_columns(annotations.objects, crowd=np.zeros(len(crowd), np.bool_))
    )
    return single, [
        _finding(annotations, crowd, "changed", "written as single objects: the format has no ignored regions.")
    ]


def _fit_attributes(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    column = annotations.objects["attributes"]
    if capabilities.attributes is True or column.null_count == len(column):
        return annotations, []
    kept = capabilities.attributes or ()
    before = column.to_pylist()
    after = [None if text is None else _chosen(text, kept) for text in before]
    changed = np.array([a != b for a, b in zip(before, after, strict=True)], dtype=np.bool_)
    if not changed.any():
        return annotations, []
    stripped = replace(annotations, objects=with_object_columns(annotations.objects, attributes=after))
    return stripped, [_finding(annotations, changed, "changed", "attributes left out that the format can't hold.")]


def _chosen(text: str, kept: Sequence[str]) -> str | None:
    chosen = {key: value for key, value in json.loads(text).items() if key in kept}
    return json.dumps(chosen, sort_keys=True) if chosen else None


def _fit_classes(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    used = np.unique(annotations.category)
    names = annotations.categories
    if capabilities.classes == "one":
        single = with_object_columns(annotations.objects, category=np.zeros(annotations.n_objects, np.int32))
        every = np.ones(annotations.n_objects, np.bool_)
        changed = [_finding(annotations, every, "changed", f"the format has no classes: all are {ALL_CLASSES!r}.")]
        differs = len(used) > 1 or any(names[i] != ALL_CLASSES for i in used)
        one = replace(annotations, objects=single, categories=(ALL_CLASSES,))
        return one, changed if differs else []
    if capabilities.classes == "all" or len(used) == len(names):
        return annotations, []
    position = np.zeros(len(names), np.int32)
    position[used] = np.arange(len(used))
    missing = [name for i, name in enumerate(names) if i not in set(used.tolist())]
    reason = f"classes without an object are not written: {', '.join(missing)}."
    renumbered = with_object_columns(annotations.objects, category=position[annotations.category])
    fitted = replace(annotations, objects=renumbered, categories=tuple(names[i] for i in used))
    return fitted, [Finding("all files", "", "noted", reason, 0)]


def _fit_touching(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    if capabilities.touching or not annotations.n_objects:
        return annotations, []
    merged = merge_touching(annotations)
    if merged.objects["counts"].equals(annotations.objects["counts"]):
        return annotations, []
    before, after = annotations.counts().sum(axis=1), merged.counts().sum(axis=1)
    reason = f"objects that touch become one and pieces come apart: {before.sum()} become {after.sum()}."
    every = np.ones(annotations.n_objects, np.bool_)
    return merged, [_finding(annotations, every, "changed", reason)]


def _fit_images(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    filled = np.bincount(annotations.image_index, minlength=annotations.n_images) > 0
    if capabilities.empty_images or filled.all():
        return annotations, []
    position = (np.cumsum(filled) - 1).astype(np.int32)
    images = annotations.images.filter(pa.array(filled))
    objects = with_object_columns(annotations.objects, image=position[annotations.image_index])
    first = annotations.names[int(np.argmin(filled))]
    reason = f"{int((~filled).sum())} images without objects can't be held (first {first})."
    return AnnotationSet(images, objects, annotations.categories), [Finding("all files", "", "skipped", reason, 0)]


def _fit_splits(annotations: AnnotationSet, capabilities: Capabilities) -> tuple[AnnotationSet, list[Finding]]:
    if capabilities.splits or annotations.images["split"].null_count == annotations.n_images:
        return annotations, []
    stripped = annotations.with_image_column("split", [None] * annotations.n_images)
    return stripped, [Finding("all files", "", "noted", "the format can't hold which split an image belongs to.", 0)]


def _finding(annotations: AnnotationSet, concerned: npt.NDArray[np.bool_], action: Action, reason: str) -> Finding:
    """Return one finding for all objects concerned, with the first image that has one as an example."""
    count = int(concerned.sum())
    first = annotations.names[int(annotations.image_index[int(np.argmax(concerned))])] if count else ""
    return Finding(first if count == 1 else f"{first} and others", "", action, reason, count)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(_plural(name) for name in names)


def _plural(name: str) -> str:
    return "boxes" if name == "box" else f"{name}s"
