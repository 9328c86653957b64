"""A figure for screen and paper: PNG and SVG, both in the MLflow run."""

import base64
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import ImagePreview

from cell_pipelines import model_runs
from cell_pipelines.report.figures.files import write_figure
from cell_pipelines.report.page.embedding import Embedded, embed_figure_file


class FigureDataset(AbstractDataset[Any, Embedded]):
    """A matplotlib figure as ``….png`` and ``….svg``; the same figure always gives the same bytes.

    It is drawn once: pages load it as the picture that they show.

    ::

        "{model}.viability_{name}_figure":
          type: cell_pipelines.datasets.figure_dataset.FigureDataset
          filepath: data/demo/08_reporting/{model}/viability/{name}
          model: "{model}"
    """

    def __init__(self, *, filepath: str, model: str, dpi: int = 200, metadata: dict[str, Any] | None = None) -> None:
        self._png, self._svg = (Path(f"{filepath}.{ending}") for ending in ("png", "svg"))
        self._model, self._dpi = model, dpi
        self.metadata = metadata

    def load(self) -> Embedded:
        """Return the figure as a page holds it.

        Raises:
            FileNotFoundError: Nobody has drawn it.
        """
        if not self._png.is_file():
            raise FileNotFoundError(f"{self._png}: expected a figure; run the pipeline that draws it first.")
        return embed_figure_file(self._png.read_bytes())

    def save(self, data: Any) -> None:
        """Write both files, each whole or not at all, and log them."""
        from matplotlib.pyplot import close

        files = write_figure(data, self._png.with_suffix(""), dpi=self._dpi)
        close(data)
        part = self._png.parent.name  # of a model's pages, such as viability
        folder = f"{self._model}/figures" if part == self._model else f"{self._model}/figures/{part}"
        model_runs.log_files(self._model, files, folder)

    def _exists(self) -> bool:
        return self._png.is_file() and self._svg.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"png": str(self._png), "svg": str(self._svg)}

    def preview(self) -> ImagePreview:
        """Return the picture for kedro-viz."""
        return ImagePreview(base64.b64encode(self._png.read_bytes()).decode())
