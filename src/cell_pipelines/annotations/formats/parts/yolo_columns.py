"""The meaning of the numbers in a line of a YOLO label: by the task that is declared, or by the orders that are known.

Ultralytics documents, per task, after the class number: ``detect`` x y width height; ``segment`` x y of each vertex;
``obb`` x y of four corners; ``pose`` x y width height and the key points (two or three numbers each, ``kpt_shape``).
Predictions add the score (``save_conf``) and the track's number (``track``), in this order. A score and a track's
number look alike where a track is called 1, and so do a triangle and a box with both: such lines are not guessed at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.sources.text import are_numbers

Task = Literal["detect", "segment", "pose", "obb"]
Extra = Literal["none", "score", "track_id", "score track_id", "track_id score"]
TRACK, SCORE = "track_id", "score"
DOUBTFUL_PAIR = (
    "six numbers are a triangle, or a box with its score and track; declare the `task` (segment or detect), or say by "
    f"`extra` which numbers follow a box: {', '.join(get_args(Extra))}."
)
_LENGTHS = {"detect": 4, "obb": 8, "pose": 4}


@dataclass(frozen=True)
class Columns:
    """The columns of a source.

    Attributes:
        task: What is declared; None where nothing is, so that four numbers are a box and more pairs a polygon.
        keypoints: Number of key points and of the numbers of each; None for none.
        single: What one number after the others is; None where that can't be known.
        pair: What two numbers after the others are; empty where there are none, None where that can't be known.
    """

    task: Task | None = None
    keypoints: tuple[int, int] | None = None
    single: Literal["", "score", "track_id"] | None = "score"
    pair: Literal["", "score track_id", "track_id score"] | None = ""

    @property
    def is_plain(self) -> bool:
        """Whether a line holds a box or a polygon, perhaps with a score, and nothing else."""
        return self.task in (None, "segment") and (self.keypoints, self.single, self.pair) == (None, SCORE, "")

    @property
    def fixed(self) -> int | None:
        """Number of values of an object, key points included; None where polygons have any number."""
        count, size = self.keypoints or (0, 0)
        return _LENGTHS[self.task] + count * size if self.task in _LENGTHS else None

    def surplus(self, count: int) -> int:
        """Return how many of `count` numbers after the class stand behind those of the object."""
        if self.fixed is not None:
            return count - self.fixed
        least = 6 if self.task == "segment" else 4
        return count % 2 if count < 6 or self.pair == "" else 1 if count % 2 else 2 if count - 2 >= least else 0

    def names(self, surplus: int) -> list[str]:
        """Return what the numbers behind those of the object are.

        Raises:
            ValueError: There should be none of them, or it can't be known.
        """
        if surplus not in (0, 1, 2) or (surplus == 1 and self.single == "") or (surplus == 2 and self.pair == ""):
            what = f"{self.fixed} numbers for {self.task}" if self.fixed else "a box or pairs of a polygon"
            more = f"{abs(surplus)} {'more' if surplus > 0 else 'less'}"
            raise ValueError(f"expected {what}, got {more}; the option `extra` says what follows them.")
        if surplus == 2 and self.pair is None:
            raise ValueError(DOUBTFUL_PAIR)
        return [] if not surplus else (self.pair or "").split() if surplus == 2 else [self.single or ""]

    def split(self, values: Sequence[float]) -> tuple[Sequence[float], Sequence[float], dict[str, float]]:
        """Return the numbers of a box or polygon, those of its key points, and score and track by name.

        Args:
            values: The numbers of a line after its class.

        Raises:
            ValueError: They are too few or too many, or it can't be known what they are.
        """
        surplus = self.surplus(len(values))
        names = self.names(surplus)
        inner = values[: len(values) - surplus]
        found = dict(zip(names, values[len(inner) :], strict=True))
        if not float(found.get(TRACK, 0)).is_integer():
            raise ValueError(f"the number of a track must be whole, got {found[TRACK]:g}.")
        size = _LENGTHS.get(self.task or "", len(inner))
        if len(inner) != 4 and len(inner) < 6:
            raise ValueError(f"expected 4 numbers for a box or at least 6 for a polygon, got {len(values)}.")
        return inner[:size], inner[size:], found


class ColumnSurvey:
    """The ends of all lines of a source, which decide what they are where nothing declares it."""

    def __init__(self, declared: Columns) -> None:
        self._declared = declared
        self._single = {"fraction": 0, "large": 0, "small": 0}
        self._pairs = {"fraction": 0, "large": 0, "small": 0}
        self._first_is_track = False
        self._marked = True
        self._lengths: set[int] = set()

    def add(self, lines: Sequence[Sequence[str]]) -> None:
        """Look at the lines of one file, each in words."""
        for words in lines:
            count = len(words) - 1
            # Most lines are plain boxes, of which a data set may have millions.
            if count == 4:
                self._lengths.add(count)
                self._marked = False
                continue
            if not are_numbers(words):
                continue
            fixed = self._declared.fixed
            behind = count - fixed if fixed is not None else 0 if count < 5 else 1 if count % 2 else 2
            if behind == 1:
                self._single[_kind(words[-1])] += 1
            elif behind == 2:
                self._pairs[_kind(words[-1])] += 1
                self._first_is_track |= _kind(words[-2]) == "large"
            self._lengths.add(count)
            self._marked = self._marked and _has_marks(words)

    def decide(self) -> Columns:
        """Return the columns."""
        columns = self._declared
        if columns.fixed is None and columns.task is None and self._marked and len(self._lengths) == 1:
            [count] = self._lengths
            return replace(columns, task="pose", keypoints=((count - 4) // 3, 3))
        return replace(columns, single=self._decide_single(), pair=self._decide_pair())

    def _decide_single(self) -> Any:
        if self._single["fraction"] or not any(self._single.values()):
            return SCORE
        return TRACK if self._single["large"] else None

    def _decide_pair(self) -> Any:
        if self._first_is_track:
            return "track_id score"
        if self._pairs["fraction"] or not any(self._pairs.values()):
            return ""
        if self._pairs["large"] or self._declared.fixed is not None:
            return "score track_id"
        # Every polygon would end on the border of its image, which is possible for triangles of few images.
        return None if max(self._lengths) == 6 else ""


def _kind(word: str) -> str:
    """Say whether a number is a fraction, or whole as a track's number is: large where it can be no score."""
    if not (word.isascii() and word.isdigit()):
        return "fraction"
    return "large" if int(word[:20]) > 1 else "small"


def _has_marks(words: Sequence[str]) -> bool:
    """Say whether every third number after a box is 0, 1 or 2, as the visibility of key points is."""
    marks = words[7::3]
    return len(words) > 7 and (len(words) - 5) % 3 == 0 and all(word in ("0", "1", "2") for word in marks)


def declare_columns(description: Mapping[str, Any], task: str | None, keypoints: Sequence[int] | None) -> Columns:
    """Return the columns that options, or else ``data.yaml``, declare.

    Raises:
        ValueError: `task` is unknown.
        AnnotationFormatError: The shape of the key points is none.
    """
    if task is not None and task not in get_args(Task):
        raise ValueError(f"`task` must be one of {', '.join(get_args(Task))}, got {task!r}.")
    shape = description.get("kpt_shape") if keypoints is None else keypoints
    stated = task or description.get("task")
    known: Any = stated if stated in get_args(Task) else "pose" if shape is not None else None
    if known != "pose":
        return Columns(known)
    if shape is None:
        raise AnnotationFormatError(
            "the task is pose, but nothing tells the number of key points; set `kpt_shape` in data.yaml, or the option "
            "`keypoints`, such as [17, 3]."
        )
    return Columns(known, _shape(shape))


def with_extra(columns: Columns, extra: str) -> Columns:
    """Return columns whose numbers behind those of the object are as the user says.

    Raises:
        ValueError: `extra` is unknown.
    """
    if extra not in get_args(Extra):
        raise ValueError(f"`extra` must be one of {', '.join(get_args(Extra))}, got {extra!r}.")
    single: Any = {"none": "", "track_id": TRACK}.get(extra, SCORE)
    pair: Any = extra if " " in extra else ""
    return replace(columns, single=single, pair=pair)


def _shape(value: Any) -> tuple[int, int]:
    try:
        count, size = (int(number) for number in value)
    except (TypeError, ValueError):
        count, size = 0, 0
    if not (1 <= count <= 1000 and size in (2, 3)):
        raise AnnotationFormatError(
            f"`kpt_shape` must be the number of key points and 2 or 3 numbers of each, such as [17, 3], got {value!r}."
        )
    return count, size
