"""Nodes of the pre-annotation."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import Reader
from cell_pipelines.annotations.geometry.label_images import labels_to_objects
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import concatenate
from cell_pipelines.imaging.reading import ImageFile, hash_pixels
from cell_pipelines.pipelines.pre_annotation.parameters import PreAnnotationParameters
from cell_pipelines.workflows.drawing import draw_nothing, draw_pictures
from cell_pipelines.workflows.outputs import export_annotations
from cell_pipelines.workflows.parallel import map_images

logger = logging.getLogger(__name__)


def propose_cells(
    images: dict[str, ImageFile], parameters: PreAnnotationParameters
) -> tuple[AnnotationSet, pd.DataFrame]:
    """Find cells by their brightness, image by image; return them and one row per image with their number."""
    jobs = (_Proposal(name, file, parameters) for name, file in images.items())
    found = map_images(
        _Proposal.run, jobs, description="proposing cells", total=len(images), parallel=parameters.parallel
    )
    proposed = concatenate(found)
    counts = pd.DataFrame({"image": proposed.names, "proposed": proposed.counts().sum(axis=1)})
    return proposed, counts


@dataclass(frozen=True)
class _Proposal:
    """One image in which cells are to be proposed."""

    name: str
    file: ImageFile
    parameters: PreAnnotationParameters

    def run(self) -> AnnotationSet:
        """Return the proposed cells as masks."""
        from cell_pipelines.analysis.annotating.pre_annotation import pre_annotate

        image = self.file()
        labels = pre_annotate(image, self.parameters.proposals)
        height_um, width_um = self.file.info().pixel_size_um or (None, None)
        builder = AnnotationBuilder([self.parameters.category])
        row = builder.add_image(
            self.name, width=image.shape[1], height=image.shape[0], sha256=hash_pixels(image),
            pixel_height_um=height_um, pixel_width_um=width_um,
        )  # fmt: skip
        _, boxes, counts = labels_to_objects(labels)
        for box, runs in zip(boxes, counts, strict=True):
            builder.add_object(row, self.parameters.category, "mask", box, counts=runs)
        return builder.build()


def write_proposals(annotations: AnnotationSet, parameters: PreAnnotationParameters) -> Callable[[Path], None]:
    """Return what writes the proposals into a folder, in the format that a person corrects them in."""
    return partial(export_annotations, annotations, parameters.format, **parameters.options)


def draw_proposals(
    annotations: AnnotationSet, images: dict[str, ImageFile], parameters: PreAnnotationParameters
) -> Callable[[Path], None]:
    """Return what fills a folder with the images and the outlines of the proposed cells."""
    return partial(draw_pictures, annotations, images, parameters.parallel) if parameters.overlays else draw_nothing


def compare_with_corrections(
    proposed: AnnotationSet, read: Reader, parameters: PreAnnotationParameters
) -> tuple[AnnotationSet, pd.DataFrame, pd.DataFrame]:
    """Read what a person made of the proposals; return it with what was changed, an object and one image per row."""
    from cell_pipelines.analysis.annotating.corrections import compare_corrections

    records = [
        ImageRecord(r["name"], r["width"], r["height"], r["sha256"], _pixel_size(r))
        for r in proposed.images.to_pylist()
    ]
    conversion = read(ImageIndex(records))
    for finding in conversion.findings:
        logger.info("%s", finding.sentence())
    changes = compare_corrections(proposed, conversion.annotations, rules=parameters.corrections)
    if changes.left_out:
        logger.warning("%d images were not corrected and are not compared.", len(changes.left_out))
    sums = changes.objects["change"].value_counts()
    logger.info("what was changed: %s", ", ".join(f"{n} {name}" for name, n in sums.items()))
    return conversion.annotations, changes.objects, changes.images


def _pixel_size(record: dict[str, float | None]) -> tuple[float, float] | None:
    height, width = record["pixel_height_um"], record["pixel_width_um"]
    return None if height is None or width is None else (height, width)
