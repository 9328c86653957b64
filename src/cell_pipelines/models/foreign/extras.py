"""Import the libraries of other people's models, which are installed only where they are wanted."""

import importlib
from typing import Any


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Return a module that an extra of this package installs.

    Args:
        module: What to import.
        extra: Name of the extra.
        purpose: What needs it, for the sentence.

    Raises:
        ImportError: It is not installed; the sentence says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{purpose} can't be read without {module.partition('.')[0]} ({error}): "
            f'install it by pip install "cell-pipelines[{extra}]".'
        ) from error
