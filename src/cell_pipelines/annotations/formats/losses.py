"""What a format can't hold of the objects that are written, as findings."""

import json
from collections.abc import Collection, Iterator

import pyarrow as pa

from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.schema import GEOMETRIES


def list_reduced(objects: pa.Table, file: str, kept: Collection[str] = ("box",)) -> Iterator[Finding]:
    """List how many `objects` are written as boxes, since only the geometries `kept` keep their form."""
    codes = [GEOMETRIES.index(name) for name in kept]
    reduced = sum(code not in codes for code in objects["geometry"].to_pylist())
    if reduced:
        names = ", ".join(f"{name}s" for name in GEOMETRIES if name not in kept)
        yield Finding(file, "", "changed", f"written as boxes: {names}.", reduced)


def list_unmarked(objects: pa.Table, file: str, kept: Collection[str] = ()) -> Iterator[Finding]:
    """List how many `objects` lose their mark as a crowd, or attributes other than those `kept`."""
    crowds = sum(objects["crowd"].to_pylist())
    if crowds:
        yield Finding(file, "", "changed", "written as single objects: the format has no crowds.", crowds)
    texts = objects["attributes"].drop_null().to_pylist()
    stripped = sum(not set(json.loads(text)) <= set(kept) for text in texts)
    if stripped:
        yield Finding(file, "", "changed", "attributes left out that the format can't hold.", stripped)
