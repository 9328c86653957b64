"""Pages: HTML for readers, and the same as JSON for the page about the study, which shows their sections, too."""

import logging
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from cell_pipelines.files import atomic_path
from cell_pipelines.report.page.html import Page, render_page
from cell_pipelines.report.page.stored import page_from_json, page_to_json

logger = logging.getLogger(__name__)


class PageDataset(AbstractDataset[Page, Page | None]):
    """A page as ``….html``, and beside it as ``….json``, from which it is loaded.

    One that is `optional` is None where there is none: the study's page shows what other pipelines have written.

    ::

        "{model}.report":
          type: cell_pipelines.datasets.page_dataset.PageDataset
          filepath: data/demo/08_reporting/{model}/report.html
    """

    def __init__(self, *, filepath: str, optional: bool = False, metadata: dict[str, Any] | None = None) -> None:
        self._filepath, self.optional = Path(filepath), optional
        self._stored = self._filepath.with_suffix(".json")
        self.metadata = metadata

    def load(self) -> Page | None:
        """Read the page as data.

        Raises:
            FileNotFoundError: There is none.
            ValueError: The file is not what `save` wrote.
        """
        return None if self.optional and not self._stored.is_file() else _read_page(self._stored)

    def save(self, data: Page) -> None:
        """Write both files, each whole or not at all."""
        html = render_page(data)
        with atomic_path(self._filepath, durable=True) as page, atomic_path(self._stored, durable=True) as stored:
            page.write_text(html, encoding="utf-8")
            stored.write_text(page_to_json(data), encoding="utf-8")

    def _exists(self) -> bool:
        return self._filepath.is_file() and self._stored.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


class PageFolderDataset(AbstractDataset[Any, dict[str, Page]]):
    """The pages ``*/report.html`` and ``*/*/report.html`` below a folder, by the path of their own folder in it.

    ::

        report_pages:
          type: cell_pipelines.datasets.page_dataset.PageFolderDataset
          path: data/demo/08_reporting
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> dict[str, Page]:
        """Read the pages; one that an earlier version wrote is left out, and named."""
        files = [*sorted(self._path.glob("*/report.html")), *sorted(self._path.glob("*/*/report.html"))]
        stored = {file: file.with_suffix(".json") for file in files}
        for file in (file for file, data in stored.items() if not data.is_file()):
            logger.warning("%s: an earlier version wrote it; run its pipeline again for the study's page.", file)
        return {
            file.parent.relative_to(self._path).as_posix(): _read_page(data)
            for file, data in stored.items()
            if data.is_file()
        }

    def save(self, data: Any) -> None:
        """Refuse: each page is saved by itself."""
        raise DatasetError(f"{self._path}: pages are saved one by one.")

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}


def _read_page(file: Path) -> Page:
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a page; run the pipeline that makes it first.")
    try:
        return page_from_json(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: expected a page as data; {error}") from error
