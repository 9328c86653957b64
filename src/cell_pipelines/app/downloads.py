"""Downloads of a count."""

import shutil
from pathlib import Path

from cell_pipelines.workflows.count_result import CountResult

# Files of a result that are downloaded as they are.
_SINGLE_FILES = ("counts.csv", "counts.xlsx", "report.html", "cells.csv")


def write_download(result: CountResult, kind: str, folder: Path) -> Path:
    """Write what a person downloads into an empty folder and return the file; a folder becomes a ZIP archive.

    Args:
        result: The counts.
        kind: ``counts.csv``, ``counts.xlsx``, ``cells.csv``, ``report.html``, ``all`` or an annotation format.
        folder: Where to write.

    Raises:
        MistakeError: There is no such kind.
    """
    whole = folder / "whole"
    if kind == "all":
        result.save(whole)
    elif kind in _SINGLE_FILES:
        result.save(whole, overlays=False)
        return whole / kind
    else:
        result.to(kind, whole)
    return Path(shutil.make_archive(str(folder / kind), "zip", whole))
