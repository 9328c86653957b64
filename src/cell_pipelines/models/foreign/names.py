"""Names of other people's models, such as ``stardist:/folder``, and the model file that each stands for.

What a name stands for is written once into a model file of this project, so that everything that takes a model file
takes it: its thresholds can be optimised and stored, and it is hashed, evaluated and compared as any other.
"""

import hashlib
import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cell_pipelines.files import atomic_path
from cell_pipelines.models.foreign.file_hashes import hash_file

HOME_VARIABLE = "CELL_FOREIGN_MODELS"
#: Class of the cells of a model that finds one kind and gives it no name.
CATEGORY = "cell"
# Model files of earlier versions are not those that would be written now.
_VERSION = "3"


@dataclass(frozen=True)
class Tool:
    """A tool whose models can be used here.

    Attributes:
        example: A name of one, for sentences.
        title: What people call it.
        module: What reads its models, below this package: `files` gives the files that a model consists of, by its name
            after the colon, and `read` the bytes of the model file, by that name and the class of its cells. It is only
            loaded for that: names are told without PyTorch.
    """

    example: str
    title: str
    module: str

    def files(self, name: str) -> Sequence[Path]:
        """Return the files that a model consists of, which are hashed."""
        found: Sequence[Path] = self._function("files")(name)
        return found

    def read(self, name: str, category: str) -> bytes:
        """Return the bytes of the model file."""
        content: bytes = self._function("read")(name, category)
        return content

    def _function(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(importlib.import_module(f"{__package__}.{self.module}"), name)
        return found


TOOLS: Mapping[str, Tool] = {
    "stardist": Tool("stardist:models/2D_versatile_fluo", "StarDist", "stardist_keras"),
    "cellpose": Tool("cellpose:cyto3", "Cellpose", "cellpose"),
    "bioimageio": Tool("bioimageio:foreground-boundary:models/nuclei.zip", "BioImage.IO", "bioimageio"),
    "instanseg": Tool("instanseg:models/instanseg.pt", "InstanSeg", "instanseg"),
}


def is_foreign(name: str | Path) -> bool:
    """Say whether a name is one of another tool's model: ``tool:model``.

    >>> is_foreign("stardist:models/2D_versatile_fluo"), is_foreign("models/unet.pt")
    (True, False)
    """
    tool, colon, rest = str(name).partition(":")
    return bool(colon and rest) and tool in TOOLS


def short_name(name: str) -> str:
    """Return what tables, folders and pipelines call another tool's model: letters, digits and ``_`` only.

    >>> short_name("stardist:/models/2D_versatile_fluo"), short_name("cellpose:cyto3")
    ('stardist_2D_versatile_fluo', 'cellpose_cyto3')
    """
    tool, _, model = name.partition(":")
    parts = [part for part in re.split(r"[\\/:]", model) if part]
    if len(parts) > 1 and parts[-1].endswith(".yaml"):  # which all have the same name
        parts.pop()
    stem = re.sub(r"\.(pt|pth|zip)$", "", parts[-1])
    return f"{tool}_{re.sub('[^A-Za-z0-9]+', '_', stem).strip('_')}"


def foreign_models() -> Path:
    """Return the folder that keeps model files made of other tools'; ``CELL_FOREIGN_MODELS`` names another."""
    return Path(os.environ.get(HOME_VARIABLE, Path.home() / ".cache" / "cell_pipelines" / "foreign")).absolute()


def import_foreign(name: str | Path, category: str = CATEGORY) -> Path:
    """Return the model file of another tool's model; it is written where it isn't yet.

    Args:
        name: ``tool:model``, as in `TOOLS`.
        category: Class of its cells.

    Raises:
        ValueError: There is no such tool, or its file is damaged or of a kind that is not known here.
        FileNotFoundError: There is no such model.
        ImportError: The tool's library is needed and not installed.
    """
    tool, _, model = str(name).partition(":")
    if not is_foreign(name):
        raise ValueError(f"`name` must be tool:model, such as {next(iter(TOOLS.values())).example}, got {name}.")
    digest = hashlib.sha256(f"{_VERSION}\0{tool}\0{category}\0{model}\0".encode())
    for path in TOOLS[tool].files(model):
        # Some model files only name theirs, so that a copy elsewhere is another one.
        digest.update(f"{path.absolute()}\0{hash_file(path)}\0".encode())
    target = foreign_models() / f"{short_name(str(name))}-{digest.hexdigest()[:16]}.pt"
    if not target.is_file():
        content = TOOLS[tool].read(model, category)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
    return target
