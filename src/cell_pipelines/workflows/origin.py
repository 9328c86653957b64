"""Record the origin of cells, for every table and page that is made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Origin:
    """Origin of a statement about samples.

    Attributes:
        source: ``truth``, ``new``, or the model's name.
        model_run_id: MLflow run that trained the model.
        model_sha256: Of the model file.
        thresholds: By class, as JSON.
        data_sha256: Of the annotations that are counted, or that the model learned from.
        images: How many images are looked at, and of which splits: sources that differ here count other cells.
        code: The versions of the code and of packages, by name.
        warnings: What speaks against the cells of an image, by its name, for those that carry a warning.
    """

    source: str
    model_run_id: str | None = None
    model_sha256: str | None = None
    thresholds: str | None = None
    data_sha256: str | None = None
    images: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)

    def added_to(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with source, run, thresholds and images in every row, so that each can be traced."""
        text = {name: getattr(self, name) for name in ("source", "model_run_id", "thresholds")}
        text["source_images"] = self.images
        return table.assign(**{name: pd.Series(value, index=table.index, dtype="str") for name, value in text.items()})

    def warning_sections(self) -> list[Any]:
        """Return the page's section about images whose cells may be wrong, none where none carries a warning."""
        from cell_pipelines.report.page.html import Section, Table, Text

        if not self.warnings:
            return []
        count = len(self.warnings)
        images = f"{count} image{' carries' if count == 1 else 's carry'} a warning"
        text = f"{images}. What is said of these cells may be wrong in a way that no interval covers."
        table = pd.DataFrame(list(self.warnings.items()), columns=["image", "warning"])
        return [Section("Warnings", [Text(text), Table(table, "What speaks against the cells of these images")])]

    def section(self) -> Any:
        """Return the page's section about code, packages, data and model."""
        from cell_pipelines.report.page.html import Section, Table

        known = {key: value for key, value in asdict(self).items() if isinstance(value, str)}
        frame = pd.DataFrame(list({**self.code, **known}.items()), columns=["what", "value"])
        return Section("Origin", [Table(frame, "The code, the packages, the data and the model behind these numbers")])


def with_origin(sections: Sequence[Any], findings: pd.DataFrame, origin: Origin) -> list[Any]:
    """Return a page's sections after warnings about its images, and before names that fit nothing and the origin."""
    return [*origin.warning_sections(), *sections, *findings_sections(findings), origin.section()]


def findings_sections(findings: pd.DataFrame) -> list[Any]:
    """Return the page's section about names that fit nothing, none where all fit."""
    from cell_pipelines.report.page.html import Section, Table

    if findings.empty:
        return []
    counts = findings.groupby(["side", "finding"], sort=False)["name"].agg(["size", "first"]).reset_index()
    table = counts.rename(columns={"size": "names", "first": "such as"})
    return [Section("Names without a partner", [Table(table, "Each is listed in `metadata_findings.csv`")])]
