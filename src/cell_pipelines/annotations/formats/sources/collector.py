"""Collect the objects of every reader: each is counted, checked, kept or listed with its reason."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Action, Conversion, Finding
from cell_pipelines.annotations.formats.sources.chunks import ObjectChunk, stretches
from cell_pipelines.annotations.formats.sources.frames import find_frame, image_frame
from cell_pipelines.annotations.formats.sources.placing import FramedBuilder
from cell_pipelines.annotations.formats.sources.refusals import (
    describe_clipping,
    is_unicode,
    refuse_box,
    refuse_class,
    refuse_point,
    refuse_score,
)
from cell_pipelines.annotations.formats.sources.split_lists import StatedSplits
from cell_pipelines.annotations.geometry.rings import clip_ring, polygon_area
from cell_pipelines.annotations.image_names import describe_match
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.typing import FloatArray

Unlabelled = Literal["skip", "background"]
Stated = Literal["obey", "ignore"]


class AnnotationCollector:
    """Gathers what one source holds, with an account of everything that was not taken as it stood.

    Args:
        images: The images that are there.
        classes: Class names to take, in this order; None takes all.
        unlabelled: Whether an image without label is left out or taken as one without objects.
        sizes: Whether coordinates belong to an image of the size that a file states, or to the image as it is.
        planes: Whether an object belongs to the plane of a stack that it names, or to the image whatever it names.
        sort_categories: Put class names that were gathered on the way in order.

    Raises:
        ValueError: `unlabelled`, `sizes` or `planes` is unknown or `classes` repeats a name.
    """

    def __init__(
        self,
        images: ImageIndex,
        *,
        classes: Sequence[str] | None = None,
        unlabelled: Unlabelled = "skip",
        sizes: Stated = "obey",
        planes: Stated = "obey",
        sort_categories: bool = False,
    ) -> None:
        for option, value in (("unlabelled", unlabelled), ("sizes", sizes), ("planes", planes)):
            known = get_args(Unlabelled if option == "unlabelled" else Stated)
            if value not in known:
                raise ValueError(f"`{option}` must be one of {', '.join(known)}, got {value!r}.")
        self.ignore_planes = planes == "ignore"
        self._ignore_sizes = sizes == "ignore"
        self.images = images
        classes = None if classes is None else [name for name in classes if is_unicode(name)]
        self._classes = None if classes is None else frozenset(classes)
        self._unlabelled = unlabelled
        builder = AnnotationBuilder(classes or (), sort_categories=sort_categories and classes is None)
        self._builder = FramedBuilder(builder)
        self._files: dict[int, str] = {}
        self._splits = StatedSplits(images.splits)
        self._sizes = self._builder.sizes
        self._said: set[tuple[str, ...]] = set()
        self.objects_in, self.labels = 0, set[str]()
        self.findings: list[Finding] = []

    def note(self, file: str, entry: str, action: Action, reason: str, objects: int = 1, *, category: str = "") -> None:
        """List a finding."""
        self.findings.append(Finding(file, entry, action, reason, objects, category))

    def skip_file(self, file: str, reason: str) -> None:
        """List a file that can't be used at all."""
        self.note(file, "", "skipped", reason, 0)

    def drop(self, file: str, entry: str, reason: str, objects: int = 1, *, category: str = "") -> None:
        """Count objects as read and list them as dropped, if there are any."""
        if objects:
            self.objects_in += objects
            self.note(file, entry, "dropped", reason, objects, category=category)

    def image(
        self, file: str, name: str, *, near: str = "", split: str | None = None, size: tuple[int, int] | None = None
    ) -> int | None:
        """Return the row of the image called `name` in `file`; None where it isn't among the images.

        `size` is the width and height that the file states, and `size()` of the row gives the one that its
        coordinates count in; they are turned or scaled to the image when taken. `near` is the folder of the file.
        """
        if ".." in name.replace("\\", "/").split("/"):
            self.skip_file(file, f"the image name {name!r} leads out of the image folder.")
            return None
        record = self.images.find(name, near)
        if record is None or record.is_damaged:
            what = (
                f"no image, or more than one, is called {name!r}"
                if record is None
                else f"the image {record.name!r} can't be read"
            )
            self.skip_file(file, f"label without image: {what}.")
            return None
        frame, action, reason = find_frame(record, None if self._ignore_sizes else size)
        if reason and (file, record.name, reason) not in self._said:
            self._said.add((file, record.name, reason))
            self.note(file, record.name, action, reason, 0)
        if frame is None:
            return None
        if remark := describe_match(name, record.name):
            self.note(file, "", "noted", remark, 0)
        split, contradiction = self._splits.of(record, file, split)
        self.findings += filter(None, [contradiction])
        return self._builder.add_image(record, split, frame)

    def first_label(self, file: str, row: int) -> str:
        """Return the first file that told of the image in `row`, which is `file` if none did before."""
        return self._files.setdefault(self._builder.image(row), file)

    def refuse_second_label(self, file: str, row: int) -> bool:
        """Say whether another file than `file` is the label of the image in `row`, and list `file` as skipped."""
        first = self.first_label(file, row)
        if first != file:
            self.skip_file(file, f"its image is already labelled by {first}.")
        return first != file

    def size(self, row: int) -> tuple[int, int]:
        """Return width and height of the image in `row` as the file sees it."""
        return self._sizes[row]

    def add_box(self, file: str, entry: str, image: int, category: str, box: Sequence[float], **extra: Any) -> None:
        """Take a box in pixel edges, cut to its image; `extra` as for `AnnotationBuilder.add_object`."""
        if self._refuses(file, entry, image, category, box, extra.get("score")):
            return
        width, height = self._sizes[image]
        inside = [min(max(v, 0.0), limit) for v, limit in zip(box, (width, height, width, height), strict=True)]
        self._describe_clipping((file, entry, category), box, inside)
        self._builder.add_box(file, image, category, inside, **extra)

    def add_point(self, file: str, entry: str, image: int, category: str, point: Sequence[float], **extra: Any) -> None:
        """Take a point x, y in pixel edges; the centre of the first pixel is (0.5, 0.5)."""
        refusal = refuse_class(category, self._classes) or refuse_point(point, self._sizes[image])
        if not self._counted((file, entry, category), refusal or refuse_score(extra.get("score"))):
            self._builder.add_point(file, image, category, point, **extra)

    def add_polygon(
        self, file: str, entry: str, image: int, category: str, rings: Sequence[FloatArray], **extra: Any
    ) -> None:
        """Take a polygon of rings (V, 2) in pixel edges, cut to its image."""
        whole = [ring for ring in rings if len(ring) >= 3]
        if not whole:
            self.drop(file, entry, "a polygon needs at least 3 vertices.")
            return
        box = _bounds(whole)
        if self._refuses(file, entry, image, category, box, extra.get("score")):
            return
        width, height = self._sizes[image]
        inside = whole
        if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height:
            inside = [ring for ring in (clip_ring(r, width, height) for r in whole) if polygon_area([ring]) > 0]
            if not inside:
                reason = f"lies outside the image of {width}x{height} pixels."
                self.note(file, entry, "dropped", reason, category=category)
                return
            self._describe_clipping((file, entry, category), box, _bounds(inside))
        if len(whole) < len(rings):
            reason = f"{len(rings) - len(whole)} rings of less than 3 vertices left out."
            self.note(file, entry, "changed", reason, category=category)
        self._builder.add_polygon(file, image, category, inside, **extra)

    def add_mask(
        self, file: str, entry: str, image: int, category: str,
        box: Sequence[float], counts: npt.NDArray[np.uint32], **extra: Any,
    ) -> None:  # fmt: skip
        """Take a mask of the image's size as COCO run lengths with the box around it."""
        if self._refuses(file, entry, image, category, box, extra.get("score")):
            return
        if not self._builder.add_mask(file, image, category, (box, counts), **extra):
            self.note(file, entry, "dropped", "covers the centre of no pixel of the image.", category=category)

    def add_chunk(self, file: str, chunk: ObjectChunk) -> None:
        """Take many objects of one geometry; those with nothing to say of them at once, the others one by one."""
        known = [not refuse_class(name, self._classes) for name in chunk.names]
        plain = chunk.plain(np.array(self._sizes).reshape(-1, 2), np.array(known, dtype=np.bool_))
        plain &= self._builder.plain()[chunk.image]
        for start, stop in stretches(plain):
            if not plain[start]:
                for row in range(start, stop):
                    self._add_single(file, chunk, row)
                continue
            self.objects_in += stop - start
            self._builder.add_chunk(chunk, start, stop)

    def _add_single(self, file: str, chunk: ObjectChunk, row: int) -> None:
        place = (file, chunk.entry(row), int(chunk.image[row]), chunk.names[chunk.category[row]])
        extra = chunk.extra(row)
        if chunk.rings is not None:
            self.add_polygon(*place, chunk.rings.of(row), **extra)
        elif chunk.runs is not None:
            self.add_mask(*place, chunk.boxes[row].tolist(), chunk.runs.of(row), **extra)
        else:
            self.add_box(*place, chunk.boxes[row].tolist(), **extra)

    def _refuses(
        self, file: str, entry: str, image: int, category: str, box: Sequence[float], score: float | None
    ) -> bool:
        """Count an object; list it as dropped and return True if it can't be taken."""
        known = refuse_class(category, self._classes)
        return self._counted(
            (file, entry, category), known or refuse_box(box, self._sizes[image]) or refuse_score(score)
        )

    def _counted(self, place: tuple[str, str, str], refusal: str) -> bool:
        self.objects_in += 1
        if refusal:
            self.note(place[0], place[1], "dropped", refusal, category=place[2])
        return bool(refusal)

    def _describe_clipping(self, place: tuple[str, str, str], before: Sequence[float], after: Sequence[float]) -> None:
        if reason := describe_clipping(before, after):
            self.note(place[0], place[1], "changed", reason, category=place[2])

    def finish(self, source_format: str) -> Conversion:
        """Deal with the images no file spoke of and return the conversion, its sum proven."""
        for record in self.images.records:
            if self._builder.has_image(record.name):
                continue
            if record.name in self.labels:
                self.note(record.name, "", "noted", "the picture is the label of another image, and no image.", 0)
            elif self._unlabelled == "background":
                self._builder.add_image(record, self._splits.of(record, "", None)[0], image_frame(record))
                self.note(record.name, "", "noted", "image without label: taken as an image without objects.", 0)
            else:
                reason = "image without label: left out, since not labelled is not the same as empty."
                self.skip_file(record.name, reason)
        self.findings += self._builder.findings()
        conversion = Conversion(self._builder.builder.build(), self.objects_in, tuple(self.findings), source_format)
        conversion.check()
        return conversion


def _bounds(rings: Sequence[FloatArray]) -> list[float]:
    vertices = np.concatenate(list(rings))
    return [*map(float, vertices.min(axis=0)), *map(float, vertices.max(axis=0))]
