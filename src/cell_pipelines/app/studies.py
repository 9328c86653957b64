"""The studies of the project in this folder: their report pages and their models."""

import os
from dataclasses import dataclass
from pathlib import Path

from cell_pipelines.workflows.model_names import known_models

#: The study of generated images that comes with the project.
DEMO = "demo"
_REPORTS = "08_reporting"
# Pages that a study may have, by their path below its reports, in the order in which they are read.
_TITLES = {
    "report.html": "Report",
    "comparison/report.html": "Models compared",
    "new/report.html": "Counts of new images",
    "next_images/report.html": "Images to annotate next",
    "suspected_labels/report.html": "Likely annotation errors",
    "conversion_report.html": "Annotations",
}


@dataclass(frozen=True)
class Study:
    """A study that was run.

    Attributes:
        name: Its name.
        pages: Its report pages by a key that is part of their address.
        models: Names of its trained models, as jobs take them.
    """

    name: str
    pages: dict[str, Path]
    models: tuple[str, ...]

    @property
    def titles(self) -> list[tuple[str, str]]:
        """Keys of the pages with what they are called."""
        return [(key, _TITLES.get(f"{key}.html", f"Model {key.partition('/')[0]}")) for key in self.pages]


def find_studies() -> dict[str, Study]:
    """Return the studies of the project in this folder that have a report or a model, by name."""
    root = Path(os.environ.get("CELL_DATA_ROOT", "data"))
    names = {path.parent.name for folder in (_REPORTS, "06_models") for path in root.glob(f"*/{folder}")}
    found = [Study(name, _pages(root / name / _REPORTS), _models(name)) for name in sorted(names)]
    return {study.name: study for study in found if study.pages or study.models}


def _pages(folder: Path) -> dict[str, Path]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.glob("*/report.html")}
    files |= {path.name: path for path in folder.glob("*report.html")}
    order = [*(name for name in _TITLES if name in files), *sorted(files.keys() - _TITLES.keys())]
    return {name.removesuffix(".html"): files[name] for name in order}


def _models(study: str) -> tuple[str, ...]:
    return tuple(name for name in known_models() if name.startswith(f"{study}/"))
