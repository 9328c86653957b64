"""Names of other people's models, such as ``stardist:/folder``, and the model file that each stands for.

What a name stands for is written once into a model file of this project, so that everything that takes a model file
takes it: its thresholds can be optimised and stored, and it is hashed, evaluated and compared as any other.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cell_pipelines.files import atomic_path
from cell_pipelines.models.foreign.cellpose import find_cellpose, hash_file, read_cellpose
from cell_pipelines.models.foreign.stardist_keras import read_stardist, stardist_files

HOME_VARIABLE = "CELL_FOREIGN_MODELS"
#: Class of the cells of a model that finds one kind and gives it no name.
CATEGORY = "cell"
# Model files of earlier versions are not those that would be written now.
_VERSION = "2"


@dataclass(frozen=True)
class Tool:
    """A tool whose models can be used here.

    Attributes:
        example: A name of one, for sentences.
        files: Gives the files that a model consists of, by its name after the colon; they are hashed.
        read: Gives the bytes of the model file, by that name and the class of its cells.
    """

    example: str
    files: Callable[[str], Sequence[Path]]
    read: Callable[[str, str], bytes]


TOOLS: Mapping[str, Tool] = {
    "stardist": Tool(
        "stardist:models/2D_versatile_fluo",
        lambda name: stardist_files(Path(name).expanduser()),
        lambda name, category: read_stardist(Path(name).expanduser(), category),
    ),
    "cellpose": Tool("cellpose:cyto3", lambda name: (find_cellpose(name),), read_cellpose),
}


def is_foreign(name: str | Path) -> bool:
    """Say whether a name is one of another tool's model: ``tool:model``.

    >>> is_foreign("stardist:models/2D_versatile_fluo"), is_foreign("models/unet.pt")
    (True, False)
    """
    tool, colon, rest = str(name).partition(":")
    return bool(colon and rest) and tool in TOOLS


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
    digest = hashlib.sha256(f"{_VERSION}\0{tool}\0{category}\0".encode())
    for path in TOOLS[tool].files(model):
        digest.update(hash_file(path).encode())
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in Path(model).name)
    target = foreign_models() / f"{tool}-{stem}-{digest.hexdigest()[:16]}.pt"
    if not target.is_file():
        content = TOOLS[tool].read(model, category)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
    return target
