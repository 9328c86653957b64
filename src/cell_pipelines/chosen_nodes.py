"""Check the nodes, data sets and tags by which a command chooses a part of a pipeline."""

import difflib
import re
from collections.abc import Mapping

from kedro.pipeline import Pipeline

# As Kedro says it, of --nodes, --from-nodes, --to-nodes, --from-inputs, --to-outputs and --namespaces.
_UNKNOWN = re.compile(
    r"Pipeline does not contain (nodes|data_?sets|nodes with the following namespaces)(?: named|:) \[(.*?)\]", re.DOTALL
)
_KINDS = {"nodes": "node", "nodes with the following namespaces": "namespace"}
_NOTHING_LEFT = "Pipeline contains no nodes after applying all provided filters"


def describe_selection(error: BaseException, pipelines: Mapping[str, Pipeline]) -> str | None:
    """Return what a person chose that is not there, as a sentence; None where an error is of something else.

    Args:
        error: What Kedro raised.
        pipelines: All pipelines by name.
    """
    text = str(error)
    if text.startswith(_NOTHING_LEFT):
        tags = sorted({tag for pipeline in pipelines.values() for node in pipeline.nodes for tag in node.tags})
        return (
            "no node of the pipeline is among those that the command chooses; the tags that there are: "
            f"{', '.join(tags) or 'none'}."
        )
    found = _UNKNOWN.match(text) if isinstance(error, ValueError) else None
    if found is None:
        return None
    kind = _KINDS.get(found[1], "data set")
    names = re.findall(r"'([^']*)'", found[2])
    known = {name for pipeline in pipelines.values() for name in _names(pipeline, kind)}
    close = [f"`{other}`" for name in names for other in difflib.get_close_matches(name, sorted(known), n=2)]
    hint = f"; did you mean {' or '.join(close)}?" if close else "."
    return f"the pipeline has no {kind} {', '.join(f'`{name}`' for name in names)}{hint}"


def _names(pipeline: Pipeline, kind: str) -> set[str]:
    if kind == "namespace":
        return {node.namespace for node in pipeline.nodes if node.namespace}
    return {node.name for node in pipeline.nodes} if kind == "node" else pipeline.datasets()
