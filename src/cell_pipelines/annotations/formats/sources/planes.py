"""Objects of a film or a stack: each belongs to the image of the plane that it names, and to no other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cell_pipelines.annotations.formats.sources.collector import AnnotationCollector
from cell_pipelines.annotations.images import FilePlane, ImageRecord

_IGNORE = "`planes: ignore` takes all of them"
_SINGLE = FilePlane("")
# Far beyond any stack.
MAX_PLANE = 1e9


@dataclass(frozen=True)
class Position:
    """The plane that an object names, all numbers from 0; None for what it does not name.

    Attributes:
        time: Number of the time point.
        z: Number of the depth.
        index: Number of the plane in the whole stack, of which the channels run first and the time points last.
    """

    time: int | None = None
    z: int | None = None
    index: int | None = None

    def within(self, plane: FilePlane) -> "Position":
        """Return time point and depth in a file."""
        if self.index is None:
            return self
        times, depths, channels = plane.lengths
        rest = self.index // channels if self.index < times * depths * channels else self.index
        return Position(rest // depths, rest % depths)

    def __str__(self) -> str:
        """Return it as a finding names it."""
        parts = [f"{name} {value}" for name, value in (("time", self.time), ("z", self.z)) if value is not None]
        return " and ".join(parts) or "no plane"


class PlaneImages:
    """The images of one file to which the objects of one label file belong.

    Args:
        collector: Where the objects go.
        file: The label file.
        name: Name of the image, or of the file of which several images were read.
        near: Folder of the label file.

    Attributes:
        file: The label file.
        records: The images.
    """

    def __init__(self, collector: AnnotationCollector, file: str, name: str, near: str) -> None:
        self._collector, self.file, self._name, self._near = collector, file, name, near
        self.records = collector.images.planes(name, near)

    def rows(self, positions: Sequence[Position], *, shared: bool = False) -> list[int | None] | None:
        """Return the row of each object's image; None for one that is left out, which is counted and listed.

        Args:
            positions: The plane that each object names.
            shared: Whether other files may be labels of the same image.

        Returns:
            None where the whole file is left out, which is listed; its objects are not counted then.
        """
        if len(self.records) > 1:
            return self._rows_of_film(positions)
        row = self._collector.image(self.file, self._name, near=self._near)
        if row is None or (not shared and self._collector.refuse_second_label(self.file, row)):
            return None
        [record] = self.records
        plane = record.plane or _SINGLE
        known = [position.within(plane) for position in positions]
        if self._collector.ignore_planes or not self._is_single_sense(record, known):
            return [row] * len(known) if self._collector.ignore_planes else None
        missed = [_miss(plane, position) for position in known]
        self._drop(missed)
        return [None if reason else row for reason in missed]

    def _is_single_sense(self, record: ImageRecord, positions: Sequence[Position]) -> bool:
        """Say whether an image of one plane is meant by all; a file of objects of several planes is left out."""
        plane = record.plane or _SINGLE
        named = {(p.time or 0, p.z or 0) for p in positions if (p.time, p.z) != (None, None)}
        if plane.lengths[:2] != (1, 1) or named <= {(0, 0)}:
            return True
        if len(named) == 1:
            [where] = named
            reason = f"its objects name time {where[0]} and z {where[1]}; {record.name} has one plane, which is taken."
            self._collector.note(self.file, "", "noted", reason, 0)
            return True
        reason = f"its objects name {len(named)} planes, and {record.name} has one; which it shows is not known."
        if record.plane is None:
            self._collector.note(self.file, "", "suspect", f"{reason} All are taken.", 0)
            return True
        self._collector.skip_file(self.file, f"{reason} {_IGNORE}.")
        return False

    def _rows_of_film(self, positions: Sequence[Position]) -> list[int | None] | None:
        found: list[int | None] = []
        missed: list[str] = []
        rows: dict[str, int | None] = {}
        for position in positions:
            fits = [r for r in self.records if r.plane and _is_named(r.plane, position.within(r.plane))]
            row = self._row(fits[0], rows) if len(fits) == 1 else None
            found.append(row)
            if row is None:
                shown = position.within(self.records[0].plane or _SINGLE)
                count = len(self.records)
                missed.append(f"{shown} is not one of the {count} images that were read of {self._name}.")
        self._drop(missed)
        return found

    def _row(self, record: ImageRecord, rows: dict[str, int | None]) -> int | None:
        if record.name not in rows:
            row = self._collector.image(self.file, record.name)
            taken = row is not None and self._collector.refuse_second_label(self.file, row)
            rows[record.name] = None if taken else row
        return rows[record.name]

    def _drop(self, reasons: Sequence[str]) -> None:
        for reason, count in Counter(filter(None, reasons)).items():
            self._collector.drop(self.file, "", reason, count)


def choose_planes(
    collector: AnnotationCollector, file: str, *stems: str, image: str | None = None, alone: bool = False
) -> PlaneImages:
    """Return the images that a file with one object per row is about.

    Args:
        collector: Where the objects go.
        file: The file, relative to the source's folder.
        stems: Names the image may have, tried before the file's own.
        image: Name of the image where the user says it.
        alone: Whether this is the only file, so that it belongs to the only image or film.
    """
    near = str(PurePosixPath(file).parent)
    # A file may be called a.csv or a.png.csv.
    names = [image] if image is not None else [PurePosixPath(file).stem, *stems]
    files = {record.plane.file if record.plane else record.name for record in collector.images.records}
    if image is None and alone and len(files) == 1:
        names += files
    name = next((name for name in names if collector.images.planes(name, near)), names[0])
    return PlaneImages(collector, file, name, near)


def _is_named(plane: FilePlane, position: Position) -> bool:
    """Say whether an object names this plane of a film."""
    z_fits = plane.z is None or position.z is None or position.z == plane.z or plane.lengths[1] == 1
    return position.time == plane.time and z_fits


def _miss(plane: FilePlane, position: Position) -> str:
    """Return why an object is not in the plane that was read; empty where it is, or names none."""
    times, depths, _ = plane.lengths
    if times > 1 and position.time is not None and position.time != plane.time:
        return f"lies at time {position.time}; time {plane.time} was read."
    if depths > 1 and plane.z is not None and position.z is not None and position.z != plane.z:
        return f"lies at z {position.z}; z {plane.z} was read."
    return ""
