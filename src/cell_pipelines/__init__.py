"""Train, evaluate and use cell models on microscopy images."""

import os
import warnings
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

# MLflow looks at it once, when it is first imported, so this stands where nothing of ours can be imported before.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

# Raised by Kedro's configuration loader with OmegaConf 2.4, once per run; nothing a user could do about it.
warnings.filterwarnings("ignore", message=".*register_new_resolver.*")

# What a notebook imports; loaded when it is asked for, so that the package itself loads neither torch nor pandas.
if TYPE_CHECKING:
    from cell_pipelines.api import compare, convert, count, evaluate, export_model, load_model

__all__ = ["compare", "convert", "count", "evaluate", "export_model", "load_model"]


def __getattr__(name: str) -> Any:
    """Return a function of `api`, which is imported now."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cell_pipelines import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """Return the names of the module with those of `api`."""
    return sorted({*globals(), *__all__})
