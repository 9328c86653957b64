"""Group the nodes of a composite pipeline into stages that hand over few data sets, so that its lineage can be read.

A stage is a namespace: ``conversion``, ``preparation``, a model. Kedro-viz draws it as one box, and beside it each
data set that leaves it or that nothing in it reads. A pipeline over three models has over a hundred of these; here each
stage collects them in one, ``{stage}_results`` or ``{model}.results``, which the stages after it read.
"""

import functools
import inspect
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kedro.pipeline import Node, Pipeline

#: Node of a stage that hands over what is made in it.
COLLECTING = "collect_results"


def in_stage(pipeline: Pipeline, stage: str) -> Pipeline:
    """Return a pipeline with its nodes in the namespace `stage`; data sets and parameters keep their names."""
    with _dotted_names():
        return Pipeline(pipeline, namespace=stage, prefix_datasets_with_namespace=False)


@contextmanager
def _dotted_names() -> Iterator[None]:
    """Let nodes read data sets of other namespaces: these names do come from there, which Kedro can't see."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One or more dataset names contain")
        yield


def stage_of(node: Node) -> str:
    """Return the outermost namespace of a node; an empty text where it has none."""
    return (node.namespace or "").partition(".")[0]


def collect_results(pipeline: Pipeline, *, shown: Collection[str]) -> Pipeline:
    """Add to each stage a node that collects its results, and let nodes of other stages read these.

    Args:
        pipeline: Every node in a stage.
        shown: Data sets that stay as they are, by their names without transcoding.

    Returns:
        The pipeline, whose other nodes do the same as before.
    """
    stages = list(dict.fromkeys(stage_of(node) for node in pipeline.nodes))
    results: dict[str, str] = {}
    added: list[Node] = []
    for stage in stages:
        part = Pipeline([node for node in pipeline.nodes if stage_of(node) == stage])
        names = sorted(name for name in _leaving(part, pipeline) if name.partition("@")[0] not in shown)
        own = any(name.startswith(f"{stage}.") for name in part.datasets())
        results |= dict.fromkeys(names, f"{stage}.results" if own else f"{stage}_results")
        added += [*_collecting(stage, names, results), *_opening(stage, part)]
    added = [node.tag(_tags_of_neighbours(node, results, pipeline)) for node in added]
    with _dotted_names():
        rewired = [_read_results(node, _of_others(stage_of(node), results)) for node in pipeline.nodes]
        return Pipeline([*rewired, *added])


def _leaving(part: Pipeline, whole: Pipeline) -> set[str]:
    """Return the outputs of a stage that other stages read or nothing reads, as kedro-viz has it."""
    return part.outputs() | ((whole - part).inputs() & part.all_outputs())


def _of_others(stage: str, results: Mapping[str, str]) -> dict[str, str]:
    return {name: made for name, made in results.items() if made not in (f"{stage}.results", f"{stage}_results")}


def _collecting(stage: str, names: list[str], results: Mapping[str, str]) -> list[Node]:
    if not names:
        return []
    node = Node(
        _collect(names), inputs=names, outputs=results[names[0]], name=COLLECTING, namespace=stage
    )  # fmt: skip
    return [node]


def _collect(names: list[str]) -> Callable[..., dict[str, Any]]:
    def collect_results(*values: Any) -> dict[str, Any]:
        """Return the results of a stage by the names of their data sets."""
        return dict(zip(names, values, strict=True))

    return collect_results


def _opening(stage: str, part: Pipeline) -> list[Node]:
    """Return the node that makes the folders that a stage works in, so that they are seen within it."""
    folders = sorted(name for name in part.inputs() if name.startswith(f"{stage}."))
    if not folders:
        return []
    return [Node(_open(len(folders)), inputs=None, outputs=folders, name="open_folders", namespace=stage)]


def _open(folders: int) -> Callable[[], list[Callable[[Path], None]]]:
    def open_folders() -> list[Callable[[Path], None]]:
        """Return a function for each folder, which leaves in it what is there."""
        return [lambda folder: None] * folders

    return open_folders


def _tags_of_neighbours(node: Node, results: Mapping[str, str], pipeline: Pipeline) -> set[str]:
    """Return the tags of the nodes that read what a node makes, so that a run by tag has it, too."""
    made = {name for name, bundle in results.items() if bundle in node.outputs} | set(node.outputs)
    readers = [reader for reader in pipeline.nodes if made & set(reader.inputs)]
    return {tag for reader in readers if _is_reader(reader, node) for tag in reader.tags}


def _is_reader(reader: Node, node: Node) -> bool:
    return (stage_of(reader) == stage_of(node)) == (not node.inputs)


def _read_results(node: Node, results: Mapping[str, str]) -> Node:
    """Return a node that takes the results of other stages instead of the data sets in them."""
    given = list(node.inputs)
    direct = [name for name in given if name not in results]
    collected = list(dict.fromkeys(results[name] for name in given if name in results))
    if not collected:
        return node
    function = node.func

    @functools.wraps(function)
    def unpack(*values: Any) -> Any:
        by_name = dict(zip([*direct, *collected], values, strict=True))
        return function(*(by_name[results[n]][n] if n in results else by_name[n] for n in given))

    unpack.__signature__ = _signature(function, [given.index(name) for name in direct])  # type: ignore[attr-defined]
    return node._copy(func=unpack, inputs=[*direct, *collected])


def _signature(function: Callable[..., Any], positions: Iterable[int]) -> inspect.Signature:
    """Return that of a function of the arguments at `positions` and any results, by which Kedro checks parameters."""
    arguments = [a for a in inspect.signature(function).parameters.values() if a.kind is not a.VAR_POSITIONAL]
    fixed = [arguments[place] for place in positions if place < len(arguments)]
    return inspect.Signature([*fixed, inspect.Parameter("results", inspect.Parameter.VAR_POSITIONAL)])
