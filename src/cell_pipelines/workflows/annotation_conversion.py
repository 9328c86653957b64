"""Convert annotations from any format into any other, with the account of every object."""

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cell_pipelines.annotations.findings import Finding, to_table
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError
from cell_pipelines.workflows.ground_truth import read_ground_truth
from cell_pipelines.workflows.image_sources import Images, collect_images, describe_missing
from cell_pipelines.workflows.outputs import check_format, check_new_folder


@dataclass(frozen=True, eq=False)
class ConversionResult:
    """Annotations that were converted.

    Attributes:
        annotations: What was read.
        source_format: Format that was read.
        recognised_by: What spoke for it.
        objects_in: Objects that the source holds.
        findings: All that was dropped, changed, skipped or noted, while reading and while writing.
        folder: Where the annotations were written.
        format: Format that was written.
    """

    annotations: AnnotationSet
    source_format: str
    recognised_by: str
    objects_in: int
    findings: tuple[Finding, ...]
    folder: Path
    format: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per finding: file, entry, action, reason, objects, category."""
        return to_table(self.findings)

    def sentence(self) -> str:
        """Return what came in and what became of it."""
        dropped, changed = (
            sum(finding.objects for finding in self.findings if finding.action == action)
            for action in ("dropped", "changed")
        )
        return (
            f"{self.source_format} ({self.recognised_by}) to {self.format}: {self.objects_in} objects read in "
            f"{self.annotations.n_images} images, {dropped} dropped, {changed} changed, "
            f"{len(self.findings)} findings."
        )

    def __repr__(self) -> str:
        """Return the sums and the first findings."""
        return "\n".join([self.sentence(), *(finding.sentence() for finding in self.findings[:10])])

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        return "".join(f"<p>{html.escape(line)}</p>" for line in repr(self).splitlines())


def find_annotated(source: Path, images: Images | None) -> dict[str, ImageFile]:
    """Return the images that annotations are of, by name.

    Args:
        source: The annotations.
        images: The images; None where they lie beside the annotations.

    Raises:
        MistakeError: There are no such annotations, or no images.
    """
    if not source.exists():
        raise MistakeError(f"{source}: expected annotations; {describe_missing(source)}")
    try:
        return collect_images((source if source.is_dir() else source.parent) if images is None else images)
    except ImageFormatError as error:
        hint = " Annotations are of images: name their folder (`images`, `--images` of a command)."
        raise MistakeError(f"{error}{hint if images is None else ''}") from error


def convert_source(
    images: dict[str, ImageFile], source: Path, destination: Path, *, format: str, source_format: str = "auto"
) -> ConversionResult:
    """Read annotations and write them in another format into a new folder.

    Args:
        images: The images that they are about.
        source: Folder or file of the annotations.
        destination: Must not hold anything yet.
        format: Format that is written.
        source_format: Format that is read; ``auto`` recognises it.

    Raises:
        MistakeError: There is no such source, format or image, or `destination` can't be written.
        AnnotationFormatError: No format is recognised, or several.
    """
    check_format(format)
    folder = check_new_folder(destination)
    conversion = read_ground_truth(images, source, source_format)
    with atomic_folder(folder) as temporary:
        written = write_annotations(conversion.annotations, temporary, format=format)
    return ConversionResult(
        conversion.annotations, conversion.source_format, conversion.recognised_by, conversion.objects_in,
        (*conversion.findings, *written), folder, format,
    )  # fmt: skip
