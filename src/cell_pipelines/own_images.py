"""Read a person's images and annotations in memory, divide them, and refuse what nothing can be trained on."""

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.findings import Conversion
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import SPLITS, ImageIndex
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_split
from cell_pipelines.annotations.splitting import LeakError
from cell_pipelines.imaging.reading import ImageFile, list_image_files
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters, SplitParameters
from cell_pipelines.pipelines.data_preparation.splitting import find_near_duplicates, split_annotations
from cell_pipelines.workflows.image_sources import describe_missing
from cell_pipelines.workflows.planning.data_facts import DataFacts, gather_facts
from cell_pipelines.workflows.planning.plan import PlanError
from cell_pipelines.workflows.planning.sides import choose_fractions
from cell_pipelines.workflows.planning.starter_fit import measure_brightness
from cell_pipelines.workflows.survey import is_grey, survey, to_record

# Names shown of either side, where names don't match.
_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class OwnImages:
    """Images and annotations that a training can be planned on.

    Attributes:
        facts: What settings follow from.
        fractions: Shares of the split.
        test: The test images by name.
        seconds: What reading and dividing them took.
        splits: Columns ``image`` and ``split``, where the sides that the source states had to be completed; else None.
    """

    facts: DataFacts
    fractions: dict[str, float]
    test: dict[str, ImageFile]
    seconds: float
    splits: pd.DataFrame | None


def read_own_images(images: Path, annotations: Path, annotation_format: str = "auto") -> OwnImages:
    """Return what is known of images and annotations; nothing is written.

    Args:
        images: Folder of the images.
        annotations: Folder of the annotations, or the file that holds them.
        annotation_format: Name of the format; ``auto`` recognises it.

    Raises:
        ImageFormatError: There are no images.
        AnnotationFormatError: There are no annotations, or of several formats.
        PlanError: One of both is not there, an image can't be read, no annotation belongs to any image, or there are
            too few images.
    """
    start = time.perf_counter()
    _check_there(images, "a folder with images")
    _check_there(annotations, "a folder with annotations, or one annotation file")
    files = list_image_files(images)
    table = survey(files)
    _check_readable(table)
    conversion = _convert(annotations, table, annotation_format)
    if not conversion.annotations.n_images:
        raise PlanError(_describe_mismatch(images, list(files), annotations, conversion))
    fractions = choose_fractions(conversion.annotations.n_images, len(table) - conversion.annotations.n_images)
    stated = _complete_sides(conversion.annotations)
    divided, source = _divide(stated, files, fractions)
    facts = gather_facts(
        divided, table, split_source=source,
        annotation_format=(conversion.source_format, conversion.recognised_by),
        are_grey=all(is_grey(files[name]) for name in divided.names),
        brightness=measure_brightness(divided, files),
    )  # fmt: skip
    splits = pd.DataFrame({"image": divided.names, "split": divided.images["split"].to_pylist()})
    test = {name: files[name] for name in select_split(divided, "test").names}
    seconds = time.perf_counter() - start
    return OwnImages(facts, fractions, test, seconds, None if stated is conversion.annotations else splits)


def _check_there(path: Path, expected: str) -> None:
    if not path.exists():
        raise PlanError(f"{path}: expected {expected}; {describe_missing(path)}")


def _check_readable(table: pd.DataFrame) -> None:
    damaged = table.loc[table["error"] != "", "error"].tolist()
    if damaged:
        which = "one image" if len(damaged) == 1 else f"{len(damaged)} images"
        raise PlanError(f"{which} of {len(table)} can't be read: {damaged[0]} Mend it, or put it elsewhere.")


def _convert(annotations: Path, table: pd.DataFrame, annotation_format: str) -> Conversion:
    index = ImageIndex(map(to_record, table.to_dict(orient="records")))
    return read_annotations(annotations, index, format=annotation_format)


def _describe_mismatch(images: Path, names: list[str], annotations: Path, conversion: Conversion) -> str:
    """Return the sentence about annotations of which none belongs to an image, with examples of both sides."""
    here = annotations.parent if annotations.is_file() else annotations
    files = (path.relative_to(here).as_posix() for path in sorted(here.rglob("*")) if path.is_file())
    there = [annotations.name] if annotations.is_file() else list(islice(files, _EXAMPLES))
    reason = next((f.sentence() for f in conversion.findings if f.action == "skipped"), "")
    return (
        f"no image in {images} has annotations in {annotations}: names don't match. Images are called "
        f"{', '.join(names[:_EXAMPLES])}; annotations {', '.join(there)}. Both must have the same name but for the "
        f"ending.{' ' + reason if reason else ''}"
    )


def _complete_sides(annotations: AnnotationSet) -> AnnotationSet:
    """Return the set with training images free to be dealt out, where the split of the source lacks a side."""
    given = annotations.images["split"].to_pylist()
    sides = set(given) - {None}
    if not sides or sides == set(SPLITS):
        return annotations
    kept = [None if side == "train" or "train" not in sides else side for side in given]
    return annotations.with_image_column("split", kept)


def _divide(
    annotations: AnnotationSet, files: dict[str, ImageFile], fractions: dict[str, float]
) -> tuple[AnnotationSet, str]:
    """Return the images divided as the preparation of the study will do it, and what decided it."""
    parameters = PreparationParameters(split=SplitParameters.model_validate(fractions))
    alike = find_near_duplicates(annotations, files, parameters)
    try:
        divided, summary = split_annotations(annotations, alike, pd.DataFrame(), parameters)
    except LeakError as error:
        raise PlanError(_describe_leak(annotations, alike, error)) from error
    return divided, str(summary["decided_by"].iloc[0])


def _describe_leak(annotations: AnnotationSet, alike: pd.DataFrame, error: LeakError) -> str:
    if not len(alike) or any(side is not None for side in annotations.images["split"].to_pylist()):
        return str(error)
    pair = alike.iloc[0]
    return (
        f"the {annotations.n_images} images can't be divided into training, validation and test: {len(alike)} pairs "
        f"show the same field, such as {pair['image']} and {pair['other_image']}, and stay on one side. Images of "
        "three different fields at least are needed."
    )
