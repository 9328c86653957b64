"""Nodes that divide the images into train, val and test."""

import logging
from collections.abc import Iterable

import pandas as pd

from cell_pipelines.analysis.near_duplicates.pairs import COLUMNS, find_pairs
from cell_pipelines.annotations.class_columns import check_class_names
from cell_pipelines.annotations.grouping import choose_groups, join_alike, state_split
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.splitting import LeakError, split_counts, split_images
from cell_pipelines.imaging.keypoints import Keypoints, find_keypoints
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters, SplitParameters
from cell_pipelines.workflows.parallel import map_images

logger = logging.getLogger(__name__)


def find_near_duplicates(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PreparationParameters
) -> pd.DataFrame:
    """Return one row per pair of images that show the same field; for columns see `find_pairs`."""
    if not parameters.split.find_near_duplicates:
        return pd.DataFrame(columns=COLUMNS)
    described = map_images(
        _describe,
        (images[name] for name in annotations.names),
        description="looking for images of the same field",
        total=annotations.n_images,
        parallel=parameters.parallel,
    )
    hashes, splits = (annotations.images[column].to_pylist() for column in ("sha256", "split"))
    pairs = find_pairs(annotations.names, list(described), hashes, splits)
    if len(pairs):
        logger.warning("%d pairs of images show the same field; they are kept on one side of the split.", len(pairs))
    return pairs


def _describe(file: ImageFile) -> Keypoints:
    return find_keypoints(file())


def split_annotations(
    annotations: AnnotationSet, near_duplicates: pd.DataFrame, table: pd.DataFrame, parameters: PreparationParameters
) -> tuple[AnnotationSet, pd.DataFrame]:
    """Divide the images; return the set with splits and groups, and the numbers of each split with its source."""
    check_class_names(annotations.categories)
    chosen = parameters.split
    fractions = {"train": chosen.train, "val": chosen.val, "test": chosen.test}
    stated, statement = state_split(annotations, table, chosen.split_pattern)
    if not statement and not chosen.keep_source:
        stated = annotations.with_image_column("split", [None] * annotations.n_images)
    grouped, reason = choose_groups(stated, chosen.group_pattern, chosen.image_pattern)
    pairs = near_duplicates[["image", "other_image", "relation"]].itertuples(index=False, name=None)
    alike = _of_images(pairs, annotations.names)
    joined = join_alike(grouped, alike, allow=chosen.allow_near_duplicates)
    _check_sides(joined, chosen)
    prepared = split_images(joined, fractions, seed=chosen.seed, keep_source=True)
    source = _source(stated, statement, reason)
    counts = split_counts(prepared)
    numbers = ", ".join(f"{row['images']} {row['split']}" for row in counts)
    logger.info("Split: %s images, by %s.", numbers, source)
    side = dict(zip(prepared.names, prepared.images["split"].to_pylist(), strict=True))
    apart = sum(side[first] != side[second] for first, second, _ in alike)
    return prepared, pd.DataFrame(counts).assign(decided_by=source, pairs_alike=len(alike), pairs_apart=apart)


def _of_images(pairs: Iterable[tuple[str, str, str]], names: Iterable[str]) -> list[tuple[str, str, str]]:
    known = set(names)
    return [pair for pair in pairs if pair[0] in known and pair[1] in known]


def _check_sides(annotations: AnnotationSet, chosen: SplitParameters) -> None:
    """Refuse groups that leave a side of the split empty.

    Raises:
        LeakError: There are fewer groups than sides, though there are enough images.
    """
    sides = sum(share > 0 for share in (chosen.train, chosen.val, chosen.test))
    groups = len(set(annotations.images["group"].to_pylist()))
    is_dealt = None in annotations.images["split"].to_pylist()
    if is_dealt and groups < sides <= annotations.n_images:
        raise LeakError(
            f"{annotations.n_images} images form {groups} groups of images that belong together, too few for "
            f"{sides} sides of a split (near_duplicates.csv lists images of the same field). Give a split by "
            "`split_table`, or let each image stand for itself: `split.group_pattern: null` and "
            "`split.find_near_duplicates: false`."
        )


def _source(stated: AnnotationSet, statement: str, groups: str) -> str:
    """Return in words what decided the split."""
    given = sum(split is not None for split in stated.images["split"].to_pylist())
    decided = statement or "the split of the source"
    if given == stated.n_images and given:
        return decided
    dealt = f"whole groups dealt out at random (groups: {groups})"
    return f"{decided} for {given} images, and {dealt}" if given else dealt
