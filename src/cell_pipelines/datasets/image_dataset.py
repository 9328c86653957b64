"""One image file, and a folder of image files loaded one at a time."""

import base64
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import ImagePreview

from cell_pipelines.imaging.reading import Image, ImageFile, list_images, read_image, write_image


class ImageDataset(AbstractDataset[Image, Image]):
    """An image (H, W) or (H, W, 3) RGB in one PNG, JPEG, BMP or TIFF file, shown by kedro-viz.

    ::

        contact_sheet:
          type: cell_pipelines.datasets.image_dataset.ImageDataset
          filepath: data/demo/08_reporting/contact_sheet.png
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Image:
        """Read the image."""
        return read_image(self._filepath)

    def save(self, data: Image) -> None:
        """Write the image."""
        write_image(data, self._filepath)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

    def preview(self) -> ImagePreview:
        """Return the file's bytes for kedro-viz."""
        return ImagePreview(base64.b64encode(self._filepath.read_bytes()).decode())


class ImageFolderDataset(AbstractDataset[Any, dict[str, ImageFile]]):
    """The images below a folder, at any depth: a dictionary of relative path to a file that is read when called.

    ::

        raw_images:
          type: cell_pipelines.datasets.image_dataset.ImageFolderDataset
          path: data/bccd/01_raw/JPEGImages
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path).expanduser()
        self.metadata = metadata

    def load(self) -> dict[str, ImageFile]:
        """List the images without reading them."""
        return {p.relative_to(self._path).as_posix(): ImageFile(p) for p in list_images(self._path)}

    def save(self, data: Any) -> None:
        """Refuse: a study's images are never written over."""
        raise DatasetError(f"{self._path}: source images are only read.")

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
