"""Nodes of the annotation conversion."""

import logging

import numpy as np
import pandas as pd

from cell_pipelines.annotations.findings import AnnotationFormatError, Conversion, to_table
from cell_pipelines.annotations.formats.losses import loss_table
from cell_pipelines.annotations.formats.registry import Reader
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.quality.problems import find_quality_problems
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
from cell_pipelines.report.page.html import Page
from cell_pipelines.workflows.survey import read_source, survey

logger = logging.getLogger(__name__)

# The rest stands in the table of findings.
MAX_WARNINGS = 10


def survey_images(images: dict[str, ImageFile], parameters: ConversionParameters) -> pd.DataFrame:
    """Read every image once; a damaged one becomes a row with its error."""
    return survey(images, parameters.parallel)


def convert_annotations(
    read: Reader, image_table: pd.DataFrame, parameters: ConversionParameters
) -> tuple[AnnotationSet, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the source's annotations; return them with the findings, the sums, and the sums of each class."""
    conversion = read_source(read, image_table)
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
