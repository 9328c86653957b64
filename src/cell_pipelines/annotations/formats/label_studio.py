"""Label Studio: a JSON list of tasks, one an image, with annotations by people and predictions by models.

Label Studio gives places in percent of the image's width and height, counted from its upper left corner, so that a
percentage of the size is a pixel edge as ours; a rectangle turns clockwise about its upper left corner.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.capabilities import Capabilities
from cell_pipelines.annotations.formats.objects.shapes import add_shape
from cell_pipelines.annotations.formats.parts.label_studio_names import image_name
from cell_pipelines.annotations.formats.parts.label_studio_regions import (
    read_region,
    read_regions,
    stated_size,
    to_config,
    to_region,
)
from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.formats.sources.label_paths import files_below, peek, resolve_all
from cell_pipelines.annotations.formats.sources.text import read_each, read_json, read_xml
from cell_pipelines.annotations.formats.writing.written import WrittenObject, objects_by_image
from cell_pipelines.annotations.images import SPLITS, ImageIndex, split_of
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.files import atomic_path
from cell_pipelines.inside_paths import is_file_inside

SUMMARY = "Label Studio JSON (also JSON-MIN when read), with labels as annotations or as pre-annotations with scores."
CAPABILITIES = Capabilities(
    geometries=("box", "point", "polygon", "mask"), holes=False, pieces=False, splits=True, classes="all"
)

Source = Literal["auto", "annotations", "predictions"]

_TASK = re.compile(rb'"(original_width|annotations|predictions)"\s*:')
_CONFIG = "label_config.xml"
_NOT_RESULTS = ("id", "data", "annotations", "predictions", "completions")


def detect(folder: Path) -> str | None:
    """Say what speaks for this format in `folder`, or None."""
    for name, content in peek(folder, ".json"):
        tasks = b'"data"' in content and b'"result"' in content
        begin = content.lstrip()[:1]
        if begin == b"[" and (tasks or b'"original_width"' in content):
            return f"{name} is a list of tasks"
        if begin == b"{" and tasks and _TASK.search(content):
            return f"{name} is a task"
    return None


def read(folder: Path, images: ImageIndex, *, source: Source = "auto", **options: Any) -> Conversion:
    """Read every list of tasks, and every file of one task, below `folder`.

    Args:
        folder: Where the JSON files lie, at any depth; the classes of a ``label_config.xml`` come first.
        images: The images that are there; the hash that Label Studio puts before the name of an upload is left out.
        source: ``auto`` takes predictions where a task has no annotation.
        **options: As for `AnnotationCollector`: `classes`, `unlabelled`.

    Raises:
        ValueError: `source` is unknown.
    """
    if source not in get_args(Source):
        raise ValueError(f"`source` must be one of {', '.join(get_args(Source))}, got {source!r}.")
    tasks: list[tuple[str, int, Mapping[str, Any]]] = []
    problems: dict[str, str] = {}
    for file, content in read_each(folder, files_below(folder, ".json"), read_json, problems.__setitem__):
        # Other JSON, such as settings, may lie beside.
        listed = _as_list(content) or []
        tasks += [(file, number, task) for number, task in enumerate(listed) if isinstance(task, Mapping)]
    if options.get("classes") is None:
        options["classes"] = list(dict.fromkeys([*_configured(folder), *_used(tasks, source)])) or None
    collector = AnnotationCollector(images, **options)
    for problem in problems.items():
        collector.skip_file(*problem)
    for file, number, task in tasks:
        _read_task(collector, file, number, task, source)
    return collector.finish("label_studio")


def _as_list(content: Any) -> list[Any]:
    """Return the tasks of a file: a list, one task, or one annotation with its task, as storage is synchronised."""
    if isinstance(content, list) or not isinstance(content, Mapping):
        return content if isinstance(content, list) else []
    task = content.get("task")
    if isinstance(task, Mapping) and isinstance(task.get("data"), Mapping) and isinstance(content.get("result"), list):
        return [{"id": task.get("id"), "data": task["data"], "annotations": [content]}]
    return (
        [content] if isinstance(content.get("data"), Mapping) and {"annotations", "predictions"} & set(content) else []
    )


def _configured(folder: Path) -> list[str]:
    """Return the classes of the label configuration, if it lies there."""
    try:
        root = read_xml(folder / _CONFIG) if is_file_inside(folder, folder / _CONFIG) else None
    except ValueError:
        return []
    found = [element.get("value", "") for element in root.iter("Label")] if root is not None else []
    return [name for name in found if name.strip()]


def _used(tasks: Sequence[tuple[str, int, Mapping[str, Any]]], source: Source) -> Iterator[str]:
    names: dict[str, None] = {}
    for _, _, task in tasks:
        for region in read_regions(_results(task, source)[0] or []):
            if isinstance(region.label, str):
                names[region.label] = None
    yield from sorted(names)


def _results(task: Mapping[str, Any], source: Source) -> tuple[list[Any] | None, str]:
    """Return the results that count, None where the task is not labelled, and a word about those that don't."""
    if not isinstance(task.get("data"), Mapping):
        return _short_results(task), ""
    annotations = [a for a in _entries(task, "annotations", "completions") if not a.get("was_cancelled")]
    predictions = _entries(task, "predictions")
    chosen = annotations if source == "annotations" or (source == "auto" and annotations) else predictions
    if not chosen:
        return None, ""
    first = next((a for a in chosen if a.get("ground_truth") is True), chosen[0])
    left = f"{len(chosen) - 1} more answers to the task are left out." if len(chosen) > 1 else ""
    results = first.get("result")
    return (results if isinstance(results, list) else []), left


def _entries(task: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    found: list[Any] = next((task[key] for key in keys if isinstance(task.get(key), list)), [])
    return [entry for entry in found if isinstance(entry, Mapping)]


def _short_results(task: Mapping[str, Any]) -> list[Any] | None:
    """Return the results of a task in JSON-MIN, where each stands in a list under its control's name."""
    lists = [value for key, value in task.items() if key not in _NOT_RESULTS and isinstance(value, list)]
    return [{"value": entry, **entry} for found in lists for entry in found if isinstance(entry, Mapping)]


def _read_task(collector: AnnotationCollector, file: str, number: int, task: Mapping[str, Any], source: Source) -> None:
    entry = f"task {task.get('id') if isinstance(task.get('id'), int | str) else f'at position {number}'}"
    results, left = _results(task, source)
    if results is None:
        collector.note(file, entry, "noted", "the task is not labelled.", 0)
        return
    regions = list(read_regions(results))
    data = task["data"] if isinstance(task.get("data"), Mapping) else task
    near = str(PurePosixPath(file).parent)
    name = image_name(data, task.get("file_upload"), collector.images, near)
    said = data.get("split") if data.get("split") in SPLITS else None
    size = stated_size(results)
    row = collector.image(file, name, near=near, split=said or split_of(name), size=size) if name else None
    if name is None:
        collector.skip_file(file, f"{entry}: its data name no image.")
    if row is None or collector.refuse_second_label(f"{file}, {entry}", row):
        collector.drop(file, entry, "the objects of a task that is left out.", len(regions))
        return
    if left:
        collector.note(file, entry, "noted", left, 0)
    for region in regions:
        place = file, f"{entry}, {region.entry}", row
        try:
            label, shape, extra = read_region(region, collector.size(row))
        except ValueError as error:
            collector.drop(*place[:2], str(error))
            continue
        add_shape(collector, place, label, shape, **extra)


def write(
    annotations: AnnotationSet,
    folder: Path,
    *,
    prefix: str = "/data/local-files/?d=",
    model: str = "cell-pipelines",
    target: Source = "auto",
) -> tuple[Finding, ...]:
    """Write ``tasks.json`` for import, and ``label_config.xml`` for the project's settings.

    Args:
        annotations: What to write.
        folder: Where to.
        prefix: What stands before each image's name in the address by which Label Studio loads it.
        model: Name of the model version of predictions.
        target: Whether labels are written as ``annotations``, which are finished, or ``predictions``, which Label
            Studio shows as pre-annotations with their scores; ``auto`` writes predictions where any object has a score.

    Raises:
        ValueError: An image's name leads out of a folder, or a class name can't stand in XML; nothing is written.
            `target` is unknown.
    """
    if target not in get_args(Source):
        raise ValueError(f"`target` must be one of {', '.join(get_args(Source))}, got {target!r}.")
    resolve_all(folder, annotations.names)
    scored = annotations.objects["score"].null_count < annotations.n_objects
    predicted = target == "predictions" or (target == "auto" and scored)
    tasks = []
    for number, (image, objects) in enumerate(objects_by_image(annotations), start=1):
        data = {"image": f"{prefix}{_quoted(image['name']) if prefix else image['name']}"}
        if image["split"]:
            data["split"] = image["split"]
        result = [to_region(position, one, image) for position, one in enumerate(objects)]
        answer = {"result": result, **(_prediction(objects, model) if predicted else {})}
        kinds = ("predictions", "annotations") if predicted else ("annotations", "predictions")
        tasks.append({"id": number, "data": data, kinds[0]: [answer], kinds[1]: []})
    with atomic_path(folder / _CONFIG) as temporary:
        temporary.write_bytes(to_config(annotations.categories))
    with atomic_path(folder / "tasks.json") as temporary:
        temporary.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return ()


def _quoted(name: str) -> str:
    """Return a name for an address, its letters left readable."""
    return re.sub(r"[%?#&+;]", lambda match: f"%{ord(match[0]):02X}", name)


def _prediction(objects: Sequence[WrittenObject], model: str) -> dict[str, Any]:
    scores = [one.score for one in objects if one.score is not None]
    return {"model_version": model, **({"score": sum(scores) / len(scores)} if scores else {})}
