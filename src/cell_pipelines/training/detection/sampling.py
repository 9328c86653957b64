"""Let a YOLO see images or tiles with rare classes, or with many cells, more often than others."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from cell_pipelines.files import atomic_path
from cell_pipelines.training.segmentation.sampling import Oversampling, draw_tiles
from cell_pipelines.typing import FloatArray

_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def check_oversampling(oversampling: Oversampling) -> None:
    """Refuse rules by what a YOLO's labels do not hold.

    Raises:
        ValueError: A rule names an attribute, or errors count.
    """
    if oversampling.error or any(rule.attribute is not None for rule in oversampling.rules):
        raise ValueError(
            "`oversampling` of a YOLO takes rules by `image` and `category`, and `density`; attributes and errors are "
            "for segmentation networks."
        )


def repeat_images(data_yaml: Path, folder: Path, oversampling: Oversampling, seed: int) -> Path:
    """Write a list of the training images in which some stand several times, and a description that names it.

    An epoch has as many images as the shares add up to; one whose share is no whole number stands in the list as
    often as it says, rounded up or down by the seed, so that one with a share below 1 may not be trained on at all.

    Args:
        data_yaml: Description of the data set.
        folder: The list and the new description are put there.
        oversampling: Which images come more often.
        seed: Of the rounding.

    Returns:
        The new description.

    Raises:
        ValueError: A rule names an unknown class, or no image is left.
    """
    described = yaml.safe_load(data_yaml.read_text(encoding="utf-8"))
    root = data_yaml.parent / described["train"]
    images = sorted(path for path in root.rglob("*") if path.suffix.lower() in _ENDINGS)
    names = described["names"]
    categories = [names[key] for key in sorted(names)] if isinstance(names, dict) else list(names)
    shares = image_shares([_classes(path) for path in images], [path.name for path in images], oversampling, categories)
    count = max(1, round(float(shares.sum())))
    drawn = sorted(draw_tiles(shares, count, np.random.default_rng(seed)).tolist())
    listed, made = folder / "train.txt", folder / "data.yaml"
    with atomic_path(listed) as temporary:
        temporary.write_text("\n".join(str(images[place].absolute()) for place in drawn) + "\n", encoding="utf-8")
    changed = {**described, "path": str(data_yaml.parent.absolute()), "train": str(listed.absolute())}
    with atomic_path(made) as temporary:
        temporary.write_text(yaml.safe_dump(changed, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return made


def image_shares(
    classes: Sequence[Sequence[int]], names: Sequence[str], oversampling: Oversampling, categories: Sequence[str]
) -> FloatArray:
    """Return how often each image or tile comes in an epoch, shape (images,).

    Args:
        classes: Of the cells of each image, as numbers of `categories`.
        names: Of the files.
        oversampling: Rules and density, as for tiles of a segmentation network.
        categories: Names of the classes.

    Raises:
        ValueError: A rule names an unknown class, or no image is left.
    """
    shares = np.ones(len(names))
    for rule in oversampling.rules:
        if rule.category is not None and rule.category not in categories:
            raise ValueError(f"`category` of a rule must be one of {', '.join(categories)}, got {rule.category!r}.")
        number = None if rule.category is None else list(categories).index(rule.category)
        for place, (name, shown) in enumerate(zip(names, classes, strict=True)):
            fits = (number is None or number in shown) and (rule.image is None or re.search(rule.image, name))
            shares[place] *= rule.factor if fits else 1
    cells = np.array([len(shown) for shown in classes], dtype=float)
    if cells.any():
        shares *= 1 + oversampling.density * cells / cells.mean()
    if not shares.any():
        raise ValueError("`oversampling` leaves no image to be shown; at least one rule's factor must be above 0.")
    return shares


def _classes(image: Path) -> list[int]:
    """Return the classes of the cells in a data set's image, by the file of its labels."""
    parts = list(image.parts)
    place = len(parts) - 1 - parts[::-1].index("images")
    labels = Path(*parts[:place], "labels", *parts[place + 1 :]).with_suffix(".txt")
    lines = labels.read_text(encoding="utf-8").splitlines() if labels.is_file() else []
    return [int(line.split()[0]) for line in lines if line.strip()]
