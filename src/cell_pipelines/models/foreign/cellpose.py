"""Find the weights of a Cellpose model and describe it in a model file, which names them and keeps their hash."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.models.checkpoint_file import save_content
from cell_pipelines.models.foreign.extras import import_extra
from cell_pipelines.models.foreign.file_hashes import check_unchanged, hash_file
from cell_pipelines.models.tensor_file import load_tensors

_PURPOSE = "models of Cellpose"
_CONTENT = "weights of a Cellpose model"
# Cells' diameter in pixels for which networks of Cellpose are made, unless their files tell another.
_DIAMETER = 30.0


def find_cellpose(name: str) -> Path:
    """Return the weights of a Cellpose model, which are fetched by Cellpose where only their name is given.

    Args:
        name: Path of a file that Cellpose saved, or a name of Cellpose's own, such as ``cyto3`` or ``cpsam``.

    Raises:
        FileNotFoundError: There is no such model, or it can't be fetched.
        ImportError: Cellpose is not installed.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path.absolute()
    models = import_extra("cellpose.models", "cellpose", _PURPOSE)
    folder = Path(models.MODEL_DIR)
    known = sorted(models.MODEL_NAMES)
    if name not in known:
        raise FileNotFoundError(
            f"{name}: expected a file that Cellpose saved, or one of the models of the Cellpose that is installed "
            f"({_version()}): {', '.join(known)}."
        )
    fetch = getattr(models, "model_path", models.cache_model_path)
    try:
        return Path(fetch(name))
    except OSError as error:
        raise FileNotFoundError(
            f"the weights of Cellpose's model {name} are not in {folder} and can't be fetched from Cellpose's host "
            f"({error}); fetch them where there is a network and put them there, or name their file: cellpose:/path."
        ) from error


def files(name: str) -> tuple[Path, ...]:
    """Return the file of the weights; see `find_cellpose`."""
    return (find_cellpose(name),)


def read(name: str, category: str) -> bytes:
    """Return the bytes of a model file that stands for a Cellpose model.

    Args:
        name: As in `find_cellpose`.
        category: Name of the class of its cells.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: The file holds no network of the Cellpose that is installed.
        ImportError: Cellpose is not installed.
    """
    path = find_cellpose(name)
    import_extra("cellpose", "cellpose", _PURPOSE)
    diameter = _read_weights(path).get("diam_mean")
    foreign = {"tool": "cellpose", "weights": str(path), "sha256": hash_file(path), "library": _version()}
    description = {
        "categories": [category],
        "representation": {"name": "cellpose", "options": {}},
        "decoding": {category: {"score": 0.5, "min_area_px": 15.0}},
        "normalisation": "percentile",
        "cell_diameter_px": _DIAMETER if diameter is None else float(diameter.ravel()[0]),
        "source": {"tool": "cellpose", "name": path.name},
        "foreign": foreign,
    }
    return save_content(description, {})


def load_cellpose(record: Mapping[str, Any], device: Any) -> Any:
    """Return Cellpose's own model object of what `read` wrote, on a device of PyTorch.

    Raises:
        FileNotFoundError: The weights are gone.
        ValueError: They are others than they were.
        ImportError: Cellpose is not installed.
    """
    path = Path(record["weights"])
    models = import_extra("cellpose.models", "cellpose", _PURPOSE)
    check_unchanged(record, (path,))
    if "encoder.cls_token" in _read_weights(path) and not hasattr(models, "CPDINO"):
        raise ImportError(
            f"{path}: these weights are of Cellpose's network CPDINO, whose library is not installed with Cellpose: "
            "pip install git+https://github.com/facebookresearch/dinov3."
        )
    return models.CellposeModel(gpu=device.type != "cpu", device=device, pretrained_model=str(path))


def known_diameter(model: Any) -> float:
    """Return the diameter in pixels to which a Cellpose model rescales cells."""
    return float(getattr(model, "diam_mean", _DIAMETER))


def is_transformer() -> bool:
    """Say whether the Cellpose that is installed is of version 4 or later, whose networks are transformers."""
    return int(_version().split(".")[0]) >= 4


def _version() -> str:
    return importlib.metadata.version("cellpose")


def _read_weights(path: Path) -> Mapping[str, Any]:
    """Return weights by name, and refuse those that the installed Cellpose would fail on without saying why."""
    weights = load_tensors(path, _CONTENT, mmap=True)
    names = [str(key).removeprefix("module.") for key in weights] if isinstance(weights, Mapping) else []
    is_old, is_new = ("output.2.weight" in names, any(name.startswith("encoder.") for name in names))
    if not (is_old or is_new):
        raise ValueError(f"{path}: expected weights of a Cellpose model, got another PyTorch file.")
    if is_new != is_transformer():
        extra = "cellpose" if is_new else "cellpose3"
        raise ValueError(
            f"{path}: weights for Cellpose {'4 and later' if is_new else '3 or earlier'}; {_version()} is "
            f'installed: pip install "cell-pipelines[{extra}]".'
        )
    found: Mapping[str, Any] = weights
    return found
