"""Read the ground truth of images, and bring classes of models and annotations together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import SPLITS
from cell_pipelines.annotations.schema import AnnotationSet, with_object_columns
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.image_sources import describe_missing
from cell_pipelines.workflows.outputs import check_format
from cell_pipelines.workflows.survey import read_source, survey

#: Split of all images that are evaluated, as the evaluation asks for one.
EVALUATED: Final = "test"
# What several classes are called together.
_TOGETHER = "cell"
_EXAMPLES = 3


def read_ground_truth(images: Mapping[str, ImageFile], source: Path, format: str = "auto") -> Conversion:
    """Return the annotations of images, with the account of what was left out.

    Args:
        images: The images by name.
        source: Folder of the annotations, or the file that holds them.
        format: Name of the format; ``auto`` recognises it.

    Raises:
        MistakeError: There is no such source or format, or no annotation is about any of the images.
        AnnotationFormatError: No format is recognised, or several.
    """
    path = source.expanduser()
    if not path.exists():
        raise MistakeError(f"{path}: expected annotations; {describe_missing(path)}")
    if format != "auto":
        check_format(format)
    conversion = read_source(partial(read_annotations, path, format=format), survey(images))
    if not conversion.annotations.n_images:
        reasons = " ".join(finding.sentence() for finding in conversion.findings[:_EXAMPLES])
        names = ", ".join(list(images)[:_EXAMPLES])
        raise MistakeError(f"{path}: expected annotations of images such as {names}; none are of any. {reasons}")
    return conversion


def choose_images(truth: AnnotationSet, split: str | None) -> tuple[AnnotationSet, str]:
    """Return the images that are evaluated, all in the split `EVALUATED`, and a sentence where it may surprise.

    Args:
        truth: Annotations, with the split of each image where the source states it.
        split: ``train``, ``val`` or ``test``; None for all images.

    Raises:
        MistakeError: No image is of that split.
    """
    sides = truth.images["split"].to_pylist()
    counts = {name: sides.count(name) for name in SPLITS if name in sides}
    listed = ", ".join(f"{number} {name}" for name, number in counts.items())
    if split is not None:
        if split not in counts:
            raise MistakeError(f"`split` must be one that the annotations state ({listed or 'none'}), got {split!r}.")
        chosen, note = select_split(truth, split), ""
    else:
        chosen = truth
        note = f"The annotations state a split ({listed}); all images are evaluated. `split` chooses." if counts else ""
    return chosen.with_image_column("split", [EVALUATED] * chosen.n_images), note


@dataclass(frozen=True)
class SharedClasses:
    """Classes by which models and annotations are compared.

    Attributes:
        categories: Class names.
        is_one: Whether everything counts as the one class, whatever it is called.
        note: A sentence where classes were renamed or put together.
    """

    categories: tuple[str, ...]
    is_one: bool
    note: str

    def of(self, cells: AnnotationSet) -> AnnotationSet:
        """Return annotations with these classes."""
        if not self.is_one:
            return cells
        objects = with_object_columns(cells.objects, category=np.zeros(cells.n_objects, dtype=np.int32))
        return replace(cells, objects=objects, categories=self.categories)

    def thresholds(self, thresholds: Thresholds) -> Thresholds:
        """Return a model's thresholds by these classes; a model has one class where all are one."""
        if not self.is_one:
            return thresholds
        return replace(thresholds, classes={self.categories[0]: next(iter(thresholds.classes.values()))})


def share_classes(truth: Sequence[str], models: Mapping[str, Sequence[str]]) -> SharedClasses:
    """Return by which classes models are evaluated.

    Args:
        truth: Classes of the annotations.
        models: For each model its classes.

    Raises:
        MistakeError: A model has classes that the annotations don't have, and several, so that it isn't known which is
            which.
    """
    foreign = {name: classes for name, classes in models.items() if set(classes) - set(truth)}
    if not foreign:
        return SharedClasses(tuple(truth), False, "")
    for name, classes in models.items():
        if len(classes) > 1:
            raise MistakeError(
                f"{name}: its classes ({', '.join(classes)}) must be among those of the annotations "
                f"({', '.join(truth)}), or models must have one class only."
            )
    shared = truth[0] if len(truth) == 1 else _TOGETHER
    called = " and ".join(dict.fromkeys(classes[0] for classes in models.values()))
    together = f"all classes of the annotations ({', '.join(truth)})" if len(truth) > 1 else f"annotated `{truth[0]}`"
    return SharedClasses((shared,), True, f"What models call `{called}` is compared with {together}.")
