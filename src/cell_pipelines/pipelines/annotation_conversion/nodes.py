"""Nodes of the annotation conversion."""

import logging
from typing import Any

import pandas as pd

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding, to_table
from cell_pipelines.annotations.formats.registry import Reader
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, hash_pixels
from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
from cell_pipelines.pipelines.partitions import map_images

logger = logging.getLogger(__name__)


def survey_image(named: tuple[str, ImageFile]) -> dict[str, Any]:
    """Read one image to its last pixel and say what it is, or what is wrong with it."""
    name, file = named
    try:
        image = file()
    except ImageFormatError as error:
        return {"name": name, "width": 0, "height": 0, "sha256": "", "error": str(error)}
    kind = {"dtype": str(image.dtype), "channels": 1 if image.ndim == 2 else image.shape[2]}
    size = {"width": image.shape[1], "height": image.shape[0]}
    return {"name": name, **size, **kind, "sha256": hash_pixels(image), "error": ""}


def survey_images(images: dict[str, ImageFile], parameters: ConversionParameters) -> pd.DataFrame:
    """Read every image once; a damaged one becomes a row with its error."""
    rows = map_images(
        survey_image,
        images.items(),
        description="reading images",
        total=len(images),
        parallel=parameters.parallel,
    )
    table = pd.DataFrame(rows)
    if (table["error"] != "").all():
        raise ImageFormatError("no image can be read:\n" + "\n".join(table["error"]))
    return table


def convert_annotations(
    read: Reader, image_table: pd.DataFrame, parameters: ConversionParameters
) -> tuple[AnnotationSet, pd.DataFrame, pd.DataFrame]:
    """Read the source's annotations; return them with the list of findings and the sums."""
    rows = image_table.to_dict(orient="records")
    records = [ImageRecord(r["name"], int(r["width"]), int(r["height"]), r["sha256"] or None) for r in rows]
    unread = tuple(Finding(r["name"], "", "skipped", r["error"], 0) for r in rows if r["error"])
    conversion = read(ImageIndex(records))
    conversion = Conversion(
        conversion.annotations, conversion.objects_in, unread + conversion.findings, conversion.source_format
    )
    conversion.check()
    if parameters.strict:
        conversion.check_strict()
    if not conversion.annotations.n_images:
        reasons = "\n".join(f.sentence() for f in conversion.findings[:20])
        raise AnnotationFormatError(f"no annotated image came out of the conversion:\n{reasons}")
    account = "%s: %d objects in, %d out, %d dropped; %d findings are listed."
    numbers = (conversion.objects_in, conversion.annotations.n_objects, conversion.objects_dropped)
    logger.info(account, conversion.source_format, *numbers, len(conversion.findings))
    return conversion.annotations, to_table(conversion.findings), _summary(conversion, image_table)


def _summary(conversion: Conversion, image_table: pd.DataFrame) -> pd.DataFrame:
    annotations = conversion.annotations
    changed = sum(f.objects for f in conversion.findings if f.action == "changed")
    row = {
        "source_format": conversion.source_format,
        "images_in": len(image_table),
        "images_out": annotations.n_images,
        "objects_in": conversion.objects_in,
        "objects_out": annotations.n_objects,
        "objects_dropped": conversion.objects_dropped,
        "objects_changed": changed,
        "files_skipped": sum(f.action == "skipped" for f in conversion.findings),
    }
    classes = dict(zip(annotations.categories, annotations.counts().sum(axis=0), strict=True))
    return pd.DataFrame([{**row, **{f"objects_{name}": int(n) for name, n in classes.items()}}])
