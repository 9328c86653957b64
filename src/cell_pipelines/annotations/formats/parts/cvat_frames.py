"""The images of the frames of a video in CVAT, which counts from 0, while tools that save frames often begin at 1."""

import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.images import split_of

_NUMBER_AT_END = re.compile(r"(\d{1,18})$")
_FRAME = re.compile(r"[0-9]{1,9}")
_MAX_FRAMES = 10_000_000


class FrameImages:
    """Finds the image of a frame by the number at the end of its name.

    Args:
        collector: Where the objects go.
        file: The XML file.
        root: Its content.
        first_frame: Number in the name of frame 0; None finds it out by comparing all frames with all names.
    """

    def __init__(
        self, collector: AnnotationCollector, file: str, root: ElementTree.Element, first_frame: int | None
    ) -> None:
        self._collector, self._file = collector, file
        self._near = str(PurePosixPath(file).parent)
        self._stem = PurePosixPath((root.findtext("meta//source") or "").strip().replace("\\", "/")).stem
        self._rows: dict[str, int | None] = {}
        self._numbered: dict[int, list[str]] = defaultdict(list)
        for record in collector.images.records:
            if found := _NUMBER_AT_END.search(PurePosixPath(record.name).stem):
                self._numbered[int(found[1])].append(record.name)
        self._offset = self._find_offset(root) if first_frame is None else first_frame

    def row(self, frame: str) -> int | None:
        """Return the row of the image of a frame; None where none, or no single one, is it."""
        if frame not in self._rows:
            known = self._offset is not None and _FRAME.fullmatch(frame)
            name = self._name(int(frame) + (self._offset or 0)) if known else None
            row = None if name is None else self._collector.image(self._file, name, split=split_of(name))
            if row is not None and self._collector.refuse_second_label(self._file, row):
                row = None
            self._rows[frame] = row
        return self._rows[frame]

    def _name(self, number: int) -> str | None:
        for name in (f"frame_{number:06d}", f"{self._stem}_{number:06d}", f"frame_{number}"):
            if (record := self._collector.images.find(name, self._near)) is not None:
                return record.name
        names = self._numbered.get(number, [])
        return names[0] if len(names) == 1 else None

    def _find_offset(self, root: ElementTree.Element) -> int | None:
        """Return the number in the name of frame 0; None where it may be 0 or 1, which is listed."""
        numbers = {number for number in self._numbered if self._name(number) is not None}
        if 0 in numbers or not numbers:
            return 0
        first = min(numbers)
        for frames in (set(_declared(root)), set(_used(root))):
            fits = [offset for offset in (0, 1) if frames and {frame + offset for frame in frames} <= numbers]
            if fits == [1]:
                reason = f"the numbers in the images' names begin at {first}; frame 0 is taken to be number 1."
                self._collector.note(self._file, "", "noted", reason, 0)
            if len(fits) == 1:
                return fits[0]
            if fits and first == 1:
                reason = "frame 0 may be the image of number 0 or 1; the option `first_frame` says which."
                self._collector.skip_file(
                    self._file, f"the numbers in the images' names begin at {first}, and {reason}"
                )
                return None
        reason = (
            "and not every frame has an image; frame 0 is taken to be number 0, unless `first_frame` says otherwise."
        )
        self._collector.note(
            self._file, "", "suspect", f"the numbers in the images' names begin at {first}, {reason}", 0
        )
        return 0


def _declared(root: ElementTree.Element) -> Iterator[int]:
    """Yield the frames of the task as its description says; none where it doesn't."""
    texts = [(root.findtext(f"meta//{name}") or "").strip() for name in ("start_frame", "stop_frame")]
    if all(map(_FRAME.fullmatch, texts)) and int(texts[1]) - int(texts[0]) < _MAX_FRAMES:
        step = re.search(r"step=([1-9]\d{0,6})", root.findtext("meta//frame_filter") or "")
        yield from range(int(texts[0]), int(texts[1]) + 1, int(step[1]) if step else 1)


def _used(root: ElementTree.Element) -> Iterator[int]:
    frames = (shape.get("frame", "") for shape in root.iterfind("track/*"))
    yield from (int(frame) for frame in frames if _FRAME.fullmatch(frame))
