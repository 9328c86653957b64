"""The models that come with the package."""

from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "starters"


def starters() -> tuple[str, ...]:
    """Return the names of the models that come with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.pt")))


def starter_path(name: str) -> Path:
    """Return the file of a model that comes with the package.

    Raises:
        ValueError: There is none of that name; the sentence lists those there are.
    """
    if name not in starters():
        raise ValueError(f"`name` must be one of {', '.join(starters()) or '(none)'}, got {name!r}.")
    return _FOLDER / f"{name}.pt"


def as_model_path(model: Path | str) -> Path:
    """Return the file of a model: a starter's where `model` is its name and no file is called so, else the path."""
    path = Path(model)
    return starter_path(str(model)) if str(model) in starters() and not path.exists() else path
