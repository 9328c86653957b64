"""Find which images stay together in a split, and which split was decided before."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from cell_pipelines.annotations.images import SPLIT_WORDS
from cell_pipelines.annotations.name_groups import group_by_names
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.splitting import LeakError, assign_groups

#: Parts of `image_pattern` that images have in common which are not independent; the first one there is taken.
DEPENDENT = ("group", "series", "subject", "patient", "donor", "animal", "well", "sequence", "recording", "field")
AUTO = "auto"
_SIDES = 3


def choose_groups(
    annotations: AnnotationSet, pattern: str | None, image_pattern: str | None = None
) -> tuple[AnnotationSet, str]:
    """Return the set with each image's group, and where groups come from, as a sentence.

    Args:
        annotations: Images to group; a group the source gave is kept.
        pattern: As of `assign_groups`; ``auto`` takes the series of `image_pattern` where it fits every name and gives
            three or more, else what names tell by themselves, see `group_by_names`.
        image_pattern: How names tell series, condition and more; a regular expression with named groups.

    Groups that ``auto`` finds are given up where a split that was stated tears one of them; the sentence says so.

    Raises:
        ValueError: A pattern is no regular expression, does not fit a name, or names the sides of a split.
    """
    if pattern != AUTO:
        grouped = assign_groups(annotations, pattern)
        _refuse_split_words(grouped, pattern)
        return grouped, "`group_pattern`" if pattern else "none: each image is a group of its own"
    given = annotations.images["group"].to_pylist()
    searched = _series_pattern(image_pattern, annotations.names)
    if searched is not None:
        grouped, reason = assign_groups(annotations, searched[1]), f"the {searched[0]} in `image_pattern`"
    else:
        found = group_by_names(annotations.names)
        groups = [own or name for own, name in zip(given, found.groups, strict=True)]
        grouped, reason = annotations.with_image_column("group", groups), found.reason
    torn = _torn(grouped)
    if not torn:
        return grouped, reason
    own_groups = [own or name for own, name in zip(given, annotations.names, strict=True)]
    return annotations.with_image_column("group", own_groups), (
        f"none: {len(torn)} groups ({reason}) stand on two sides of the split that was given, such as {torn[0]!r}"
    )


def _torn(annotations: AnnotationSet) -> list[str]:
    """Return the groups that stand on two sides of a split that was given."""
    sides: dict[str, set[str]] = {}
    for group, split in zip(*(annotations.images[name].to_pylist() for name in ("group", "split")), strict=True):
        sides.setdefault(group, set()).update({split} - {None})
    return [group for group, given in sides.items() if len(given) > 1]


def _refuse_split_words(annotations: AnnotationSet, pattern: str | None) -> None:
    groups = set(annotations.images["group"].to_pylist())
    if pattern and groups and {str(group).lower() for group in groups} <= SPLIT_WORDS.keys():
        raise ValueError(
            f"`group_pattern` {pattern!r} finds {', '.join(sorted(map(str, groups)))}, which are sides of a split; "
            "give it as `split_pattern` with a group `split`: (?P<split>train|val|test)."
        )


def _series_pattern(image_pattern: str | None, names: Sequence[str]) -> tuple[str, str] | None:
    if not image_pattern:
        return None
    search = re.compile(image_pattern)
    for word in DEPENDENT:
        values = {m.group(word) if word in search.groupindex and (m := search.search(n)) else None for n in names}
        if None not in values and len(values) >= _SIDES:
            return word, re.sub(rf"\(\?P<(?:{word}|group)>", "(?P<group>", image_pattern, count=1)
    return None


def state_split(annotations: AnnotationSet, table: pd.DataFrame, pattern: str | None) -> tuple[AnnotationSet, str]:
    """Return the set with the splits that a table or a pattern states, and which of them did.

    Args:
        annotations: Images, which may have a split of their source.
        table: Columns `image` and `split`, one row per image; empty for none.
        pattern: Regular expression with a group ``split``, searched in the images' names; None for none.

    Returns:
        The set, and the name of what states the splits; empty where nothing does.

    Raises:
        ValueError: Both are given, an image is missing, or a word is no side of a split.
    """
    if len(table) and pattern:
        raise ValueError("a split is stated by `split_table` or by `split_pattern`, got both.")
    if len(table):
        return annotations.with_image_column("split", _of_table(annotations.names, table)), "the table of splits"
    if pattern:
        return annotations.with_image_column("split", _of_pattern(annotations.names, pattern)), "`split_pattern`"
    return annotations, ""


def _of_table(names: Sequence[str], table: pd.DataFrame) -> list[str]:
    missing = {"image", "split"} - set(table.columns)
    if missing:
        raise ValueError(f"the table of splits must have the columns image and split, got {', '.join(table.columns)}.")
    stated = dict(zip(table["image"].astype(str), table["split"].astype(str), strict=True))
    unknown = [name for name in names if name not in stated]
    if unknown:
        raise ValueError(f"the table of splits must name every image; {unknown[0]!r} is not in it, of {len(unknown)}.")
    return [_side(stated[name], name) for name in names]


def _of_pattern(names: Sequence[str], pattern: str) -> list[str]:
    try:
        search = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"`split_pattern` {pattern!r} must be a regular expression: {error}.") from error
    if "split" not in search.groupindex:
        raise ValueError(f"`split_pattern` {pattern!r} must have a group `split`: (?P<split>train|val|test).")
    matches = {name: search.search(name) for name in names}
    unmatched = [name for name, match in matches.items() if match is None]
    if unmatched:
        raise ValueError(f"`split_pattern` {pattern!r} must fit every image name; it does not fit {unmatched[0]!r}.")
    return [_side(match.group("split"), name) for name, match in matches.items() if match]


def _side(word: str, name: str) -> str:
    side = SPLIT_WORDS.get(word.strip().lower())
    if side is None:
        raise ValueError(f"the split of {name!r} must be one of train, val and test, got {word!r}.")
    return side


def join_alike(
    annotations: AnnotationSet, pairs: Iterable[tuple[str, str, str]], *, allow: bool = False
) -> AnnotationSet:
    """Return the set with images that show the same field in one group.

    Args:
        annotations: Images with groups and, where it was decided before, splits.
        pairs: Names of two images, and in which way they are alike.
        allow: Leave pairs that stand on two sides of a stated split where they are.

    Raises:
        LeakError: A pair stands on two sides of a stated split; the text lists such pairs.
    """
    from scipy.cluster.hierarchy import DisjointSet

    names = annotations.names
    split = dict(zip(names, annotations.images["split"].to_pylist(), strict=True))
    group = dict(zip(names, annotations.images["group"].to_pylist(), strict=True))
    alike, torn = DisjointSet(group.values()), []
    for first, second, relation in pairs:
        if split[first] and split[second] and split[first] != split[second]:
            torn.append(f"{first} ({split[first]}) and {second} ({split[second]}): {relation}")
        else:
            alike.merge(group[first], group[second])
    if torn and not allow:
        raise LeakError(
            f"the split that was given has {len(torn)} pairs of images of the same field on two sides, so that a test "
            f"would repeat what was trained on: {'; '.join(torn[:5])}{'; …' if len(torn) > 5 else ''}. All stand in "
            "near_duplicates.csv. `split.keep_source: false` divides anew; `split.allow_near_duplicates: true` goes on "
            "and says so in the report."
        )
    joined = {name: min(members) for members in alike.subsets() for name in members}
    return annotations.with_image_column("group", [joined[group[name]] for name in names])
