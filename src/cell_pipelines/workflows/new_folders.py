"""Folders that a step fills while it runs, so that its time and its errors are its own; data sets put them in place."""

import inspect
import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from cell_pipelines.files import explained

Fill = Callable[[Path], None]


def in_new_folder(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes a new folder first, fills it, and returns its path.

    Args:
        function: Returns what fills a folder, or a tuple that begins with it.

    Returns:
        A function whose first argument is the path of a folder that does not exist yet, and whose others are those of
        `function`. It returns the path of the filled folder in place of what fills it. When it fails, nothing is left
        of the folder.
    """

    @wraps(function)
    def fill(folder: Path, *inputs: Any) -> Any:
        result = function(*inputs)
        write, *others = result if isinstance(result, tuple) else (result,)
        _fill(folder, write)
        return (folder, *others) if others else folder

    given = inspect.signature(function)
    first = inspect.Parameter("folder", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Path)
    fill.__signature__ = given.replace(parameters=[first, *given.parameters.values()])  # type: ignore[attr-defined]
    fill.__annotations__ = {"folder": Path, **function.__annotations__, "return": Any}
    return fill


def _fill(folder: Path, write: Fill) -> None:
    with explained(folder.parent, folder):
        folder.mkdir(parents=True)
        try:
            write(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
