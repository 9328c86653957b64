"""Read a model of InstanSeg: a TorchScript file that gives label images, which brings its own postprocessing."""

import importlib.metadata
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.models.checkpoint_file import save_content
from cell_pipelines.models.foreign.extras import import_extra
from cell_pipelines.models.foreign.file_hashes import check_unchanged, hash_file

#: What a model that finds both may be asked for.
TARGETS = ("nuclei", "cells")
_PURPOSE = "models of InstanSeg"


def split_name(name: str) -> tuple[str | None, str]:
    """Return what is looked for, where the name says it, and the model.

    >>> split_name("cells:fluorescence_nuclei_and_cells"), split_name("model.pt")
    (('cells', 'fluorescence_nuclei_and_cells'), (None, 'model.pt'))
    """
    before, _, rest = name.partition(":")
    return (before, rest) if rest and before in TARGETS else (None, name)


def files(name: str) -> tuple[Path, ...]:
    """Return the TorchScript file of a model, which is fetched by InstanSeg where only its name is given.

    Raises:
        FileNotFoundError: There is no such model, or it can't be fetched.
        ImportError: InstanSeg is not installed.
    """
    model = split_name(name)[1]
    path = Path(model).expanduser()
    if path.is_file():
        return (path.absolute(),)
    utils = import_extra("instanseg.utils.utils", "instanseg", _PURPOSE)
    own = Path(utils.__file__).parents[1] / "bioimageio_models"
    folder = Path(os.environ.get("INSTANSEG_BIOIMAGEIO_PATH") or own)
    if model not in (known := _known(own)):
        raise FileNotFoundError(
            f"{model}: expected a TorchScript file of InstanSeg, or one of its models: {', '.join(known)}."
        )
    try:
        utils.download_model(model, verbose=False)
    except OSError as error:
        raise FileNotFoundError(
            f"InstanSeg's model {model} is not in {folder} and can't be fetched ({type(error).__name__}); fetch it "
            "where there is a network, and name its file: instanseg:/path/instanseg.pt."
        ) from error
    return (next(iter(sorted((folder / model).glob("*/instanseg.pt")))).absolute(),)


def read(name: str, category: str) -> bytes:
    """Return the bytes of a model file that stands for a model of InstanSeg.

    Args:
        name: Path of a TorchScript file, or a name of InstanSeg's own, such as ``single_channel_nuclei``; before it,
            with a colon, ``nuclei`` or ``cells`` for a model that finds both.
        category: Name of the class of its cells.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: The file is none of InstanSeg's, or which of nuclei and cells is meant is open.
        ImportError: InstanSeg is not installed.
    """
    target, (path,) = split_name(name)[0], files(name)
    import_extra("instanseg", "instanseg", _PURPOSE)
    module = load_script(path)
    if bool(module.cells_and_nuclei) != (target is not None):
        what = "finds one kind of cell, so none can be chosen" if target else "finds nuclei and cells"
        raise ValueError(
            f"{path}: this model {what}; name it instanseg:{'' if target else 'nuclei: or instanseg:cells:'}…"
        )
    foreign = {
        "tool": "instanseg", "weights": str(path), "sha256": hash_file(path), "target": target or "all_outputs",
        "library": importlib.metadata.version("instanseg-torch"), "pixel_um": float(module.pixel_size),
    }  # fmt: skip
    description = {
        "categories": [category],
        "representation": {"name": "labels", "options": {}},
        "decoding": {category: {"score": 0.0}},
        "normalisation": "percentile",
        "source": {"tool": "instanseg", "name": path.name},
        "foreign": foreign,
    }
    return save_content(description, {})


def load_instanseg(record: Mapping[str, Any], device: str) -> Any:
    """Return InstanSeg's own object of what `read` wrote, on a device of PyTorch.

    Raises:
        FileNotFoundError: The file is gone.
        ValueError: It is another one than it was.
        ImportError: InstanSeg is not installed.
    """
    path = Path(record["weights"])
    check_unchanged(record, (path,))
    instanseg = import_extra("instanseg", "instanseg", _PURPOSE)
    return instanseg.InstanSeg(load_script(path), device=device, image_reader="skimage.io", verbosity=0)


def load_script(path: Path) -> Any:
    """Return the TorchScript module of a file.

    Raises:
        ValueError: It is none, or none of InstanSeg's.
    """
    import torch

    try:
        module: Any = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ValueError(f"{path}: expected a TorchScript file of InstanSeg, got something else.") from error
    if missing := [name for name in ("cells_and_nuclei", "pixel_size") if not hasattr(module, name)]:
        raise ValueError(f"{path}: expected a model of InstanSeg, got TorchScript without `{missing[0]}`.")
    return module


def _known(folder: Path) -> list[str]:
    index = folder / "model-index.json"
    return [one["name"] for one in json.loads(index.read_text(encoding="utf-8"))] if index.is_file() else []
