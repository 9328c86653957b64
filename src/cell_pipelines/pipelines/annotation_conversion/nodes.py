"""Nodes of the annotation conversion."""

import logging
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, Finding, to_table
from cell_pipelines.annotations.formats.losses import loss_table
from cell_pipelines.annotations.formats.registry import Reader
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.images import FilePlane, ImageIndex, ImageRecord
from cell_pipelines.annotations.quality.problems import find_quality_problems
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.places import ImagePlace
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, hash_pixels, open_region_reader
from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
from cell_pipelines.report.page.html import Page
from cell_pipelines.workflows.parallel import map_images

logger = logging.getLogger(__name__)

# Larger images are read in bands, so that memory stays flat.
MAX_PIXELS_AT_ONCE = 1 << 26
# The rest stands in the table of findings.
MAX_WARNINGS = 10


def survey_image(named: tuple[str, ImageFile]) -> dict[str, Any]:
    """Read one image to its last pixel and say what it is, or what is wrong with it."""
    name, file = named
    try:
        info = file.info()
        if info.height * info.width > MAX_PIXELS_AT_ONCE:
            with open_region_reader(file.path, file.selection) as image:
                digest = hash_pixels(image)
        else:
            digest = hash_pixels(file())
    except ImageFormatError as error:
        return {"name": name, "width": 0, "height": 0, "sha256": "", "error": str(error)}
    height_um, width_um = info.pixel_size_um or (None, None)
    return {
        "name": name, "width": info.width, "height": info.height, "dtype": info.dtype, "channels": info.channels,
        "channel_names": "; ".join(info.channel_names), "pixel_height_um": height_um, "pixel_width_um": width_um,
        "sha256": digest, "orientation": info.orientation, **_plane_columns(file.place()), "error": "",
    }  # fmt: skip


def _plane_columns(place: ImagePlace) -> dict[str, Any]:
    """Return which plane of its file an image is, with numbers from 0; no depth for a projection."""
    lengths = zip(("time_points", "depths"), place.lengths[:2], strict=True)
    return {"time": place.time, "z": place.z, **dict(lengths), "file_channels": place.lengths[2]}


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
) -> tuple[AnnotationSet, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the source's annotations; return them with the findings, the sums, and the sums of each class."""
    rows = image_table.to_dict(orient="records")
    unread = tuple(Finding(r["name"], "", "skipped", r["error"], 0) for r in rows if r["error"])
    conversion = read(ImageIndex(map(to_record, rows)))
    conversion = replace(conversion, findings=unread + conversion.findings)
    conversion.check()
    if parameters.strict:
        conversion.check_strict()
    if not conversion.annotations.n_images:
        reasons = "\n".join(f.sentence() for f in conversion.findings[:20])
        raise AnnotationFormatError(f"no annotated image came out of the conversion:\n{reasons}")
    account = "%s (%s): %d objects in, %d out, %d dropped; %d findings are listed."
    numbers = (conversion.objects_in, conversion.annotations.n_objects, conversion.objects_dropped)
    logger.info(account, conversion.source_format, conversion.recognised_by, *numbers, len(conversion.findings))
    if not conversion.annotations.n_objects:
        nothing = "No object came out: all %d images count as images without cells."
        logger.warning(nothing, conversion.annotations.n_images)
    for finding in [f for f in conversion.findings if f.action == "suspect"][:MAX_WARNINGS]:
        logger.warning("%s", finding.sentence())
    summary = _summary(conversion, len(image_table))
    return conversion.annotations, to_table(conversion.findings), summary, conversion.by_class()


def to_record(row: dict[Any, Any]) -> ImageRecord:
    """Return an image of the table that `survey_images` gives, also as read from its CSV."""
    names = ("pixel_height_um", "pixel_width_um", "orientation", "time", "z", "time_points", "depths", "file_channels")
    values = pd.to_numeric(pd.Series({name: row.get(name) for name in names}), errors="coerce")
    size, rest = values.iloc[:2], values.iloc[2:]
    pixel_size = None if size.isna().any() else (float(size.iloc[0]), float(size.iloc[1]))
    # A table of an earlier version does not say it.
    known = rest.drop("z").notna().all()
    lengths = [int(rest[name]) for name in ("time_points", "depths", "file_channels")] if known else [1, 1, 1]
    name = re.sub(r"(/scene \d+)?(/t\d{4,})?$", "", row["name"])
    z = None if pd.isna(rest["z"]) else int(rest["z"])
    plane = FilePlane(name, (lengths[0], lengths[1], lengths[2]), int(rest["time"]), z) if known else None
    orientation = int(rest["orientation"]) if known else 1
    return ImageRecord(
        row["name"], int(row["width"]), int(row["height"]), row["sha256"] or None, pixel_size, orientation, plane
    )


def _summary(conversion: Conversion, images_in: int) -> pd.DataFrame:
    annotations = conversion.annotations
    row = {
        "source_format": conversion.source_format,
        "recognised_by": conversion.recognised_by,
        "images_in": images_in,
        "images_out": annotations.n_images,
        "objects_in": conversion.objects_in,
        "objects_out": annotations.n_objects,
        "objects_dropped": conversion.objects_dropped,
        "objects_changed": sum(f.objects for f in conversion.findings if f.action == "changed"),
        "files_skipped": sum(f.action == "skipped" for f in conversion.findings),
    }
    return pd.DataFrame([row])


def check_quality(annotations: AnnotationSet, parameters: ConversionParameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what looks wrong in the annotations, and what each format would lose of them."""
    return find_quality_problems(annotations, limits=parameters.quality), loss_table(annotations)


def report_conversion(
    annotations: AnnotationSet,
    findings: pd.DataFrame,
    summary: pd.DataFrame,
    quality: pd.DataFrame,
    losses: pd.DataFrame,
) -> Page:
    """Return the page that tells what came in, what went out, and what to look at."""
    from cell_pipelines.report.pages.conversion import ConversionOverview, ConversionTables, conversion_page

    findings = _with_texts(findings, ("file", "entry", "category"))
    quality = _with_texts(quality, ("image", "objects", "category"))
    row = summary.iloc[0]
    names = annotations.images.select(["name", "split"]).to_pandas()
    unlabelled = findings.loc[findings["reason"].astype(str).str.startswith("image without label"), "file"]
    overview = ConversionOverview(
        source_format=row["source_format"],
        evidence=row["recognised_by"],
        **{key: int(row[key]) for key in ("images_in", "images_out", "objects_in", "objects_out", "objects_dropped")},
        unlabelled=unlabelled.tolist(),
        findings_file="conversion_findings.csv",
        quality_file="quality_findings.csv",
    )
    objects = pd.DataFrame(
        {
            "image": names["name"].to_numpy()[annotations.image_index],
            "category": np.array(annotations.categories, dtype=object)[annotations.category],
            "area": object_areas(annotations),
        }
    )
    images = names.rename(columns={"name": "image"})
    tables = ConversionTables(annotations.categories, images, objects, findings, quality, losses)
    return conversion_page("Annotation conversion", overview, tables)


def _with_texts(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table whose empty texts, which come back from a CSV as missing values, are empty texts again."""
    return table.assign(**{name: table[name].astype(object).fillna("").astype(str) for name in columns})
