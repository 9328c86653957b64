"""Objects on their way from the frame in which a file gives them into their image."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import Finding
from cell_pipelines.annotations.formats.sources.chunks import ObjectChunk
from cell_pipelines.annotations.formats.sources.frames import Frame
from cell_pipelines.annotations.geometry.run_lengths import run_lengths_box
from cell_pipelines.annotations.images import ImageRecord
from cell_pipelines.typing import FloatArray


class FramedBuilder:
    """An `AnnotationBuilder` whose images have a number for each frame in which files give coordinates.

    Attributes:
        builder: Where images and objects go.
        sizes: Width and height of each frame.
    """

    def __init__(self, builder: AnnotationBuilder) -> None:
        self.builder = builder
        self.sizes: list[tuple[int, int]] = []
        self._frames: list[Frame] = []
        self._images: list[int] = []
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._numbers: dict[tuple[str, Frame], int] = {}
        self._moved: Counter[tuple[str, str, Frame, str]] = Counter()

    def add_image(self, record: ImageRecord, split: str | None, frame: Frame) -> int:
        """Return the number of an image in a frame; the image is added where it is new."""
        if record.name not in self._rows:
            height_um, width_um = record.pixel_size_um or (None, None)
            self._rows[record.name] = self.builder.add_image(
                record.name, width=record.width, height=record.height, sha256=record.sha256, split=split,
                pixel_height_um=height_um, pixel_width_um=width_um,
            )  # fmt: skip
        key = (record.name, frame)
        if key not in self._numbers:
            self._numbers[key] = len(self._frames)
            self._frames.append(frame)
            self.sizes.append(frame.size)
            self._images.append(self._rows[record.name])
            self._names.append(record.name)
        return self._numbers[key]

    def has_image(self, name: str) -> bool:
        """Say whether an image was added."""
        return name in self._rows

    def image(self, number: int) -> int:
        """Return the row of the image of a number."""
        return self._images[number]

    def plain(self) -> npt.NDArray[np.bool_]:
        """Say of each number whether its frame is the image."""
        return np.array([frame.is_image for frame in self._frames], dtype=np.bool_)

    def add_box(self, file: str, number: int, category: str, box: Sequence[float], **extra: Any) -> None:
        """Take a box."""
        frame = self._count(file, number, category)
        self.builder.add_box(self._images[number], category, frame.box_to_image(box) if frame else box, **extra)

    def add_point(self, file: str, number: int, category: str, point: Sequence[float], **extra: Any) -> None:
        """Take a point."""
        frame = self._count(file, number, category)
        placed = frame.box_to_image([*point, *point]) if frame else [*point, *point]
        self.builder.add_object(self._images[number], category, "point", placed, **extra)

    def add_polygon(self, file: str, number: int, category: str, rings: Sequence[FloatArray], **extra: Any) -> None:
        """Take a polygon."""
        frame = self._count(file, number, category)
        placed = [frame.to_image(ring) for ring in rings] if frame else rings
        self.builder.add_polygon(self._images[number], category, placed, **extra)

    def add_mask(
        self, file: str, number: int, category: str, mask: tuple[Sequence[float], npt.NDArray[np.uint32]], **extra: Any
    ) -> bool:
        """Take a mask, its box and its run lengths; False where nothing of it is left in its image."""
        box, counts = mask
        frame = self._frames[number]
        if not frame.is_image:
            counts = frame.runs_to_image(counts)
            if not counts[1::2].sum():
                return False
            box = run_lengths_box(counts, frame.image_size[1])
        self._count(file, number, category)
        self.builder.add_object(self._images[number], category, "mask", box, counts=counts, **extra)
        return True

    def add_chunk(self, chunk: ObjectChunk, start: int, stop: int) -> None:
        """Take objects `start` to `stop`, which are in frames that are the images."""
        categories = {i: self.builder.category_index(chunk.names[i]) for i in chunk.used(start, stop)}
        images = np.array(self._images, dtype=np.int64)[chunk.image]
        self.builder.add_rows(replace(chunk, image=images).to_table(start, stop, categories))

    def _count(self, file: str, number: int, category: str) -> Frame | None:
        """Return the frame of an object that has to be moved, and count it."""
        frame = self._frames[number]
        if frame.is_image:
            return None
        self._moved[file, self._names[number], frame, category] += 1
        return frame

    def findings(self) -> list[Finding]:
        """Return how many objects of each file, image and class were turned or scaled."""
        return [
            Finding(file, name, "changed", frame.describe(), count, category)
            for (file, name, frame, category), count in self._moved.items()
        ]
