"""One image file, and a folder of image files loaded one at a time."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import ImagePreview

from cell_pipelines.failures import MistakeError
from cell_pipelines.imaging.reading import (
    Image,
    ImageFile,
    ImageSelection,
    list_image_files,
    read_image,
    write_image,
)


class ImageDataset(AbstractDataset[Image, Image]):
    """One image (H, W) or (H, W, C) of any microscope file; written as PNG, JPEG, BMP or TIFF and shown by kedro-viz.

    ::

        contact_sheet:
          type: cell_pipelines.datasets.image_dataset.ImageDataset
          filepath: data/demo/08_reporting/contact_sheet.png
    """

    def __init__(
        self, *, filepath: str, load_args: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = Path(filepath).expanduser()
        self._selection = to_selection(load_args)
        self.metadata = metadata

    def load(self) -> Image:
        """Read the image."""
        return read_image(self._filepath, self._selection)

    def save(self, data: Image) -> None:
        """Write the image."""
        write_image(data, self._filepath)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "load_args": self._selection}

    def preview(self) -> ImagePreview:
        """Return the file's bytes for kedro-viz."""
        return ImagePreview(base64.b64encode(self._filepath.read_bytes()).decode())


class FolderImages(dict[str, ImageFile]):
    """The images of a folder by name; one that is asked for and is not there is named in a sentence."""

    def __init__(self, folder: Path, images: Mapping[str, ImageFile]) -> None:
        super().__init__(images)
        self.folder = folder

    def __missing__(self, name: str) -> ImageFile:
        """Refuse a name.

        Raises:
            MistakeError: There is no image of that name.
        """
        raise MistakeError(
            f"{self.folder}: there is no image `{name}`, which earlier steps of this study read; name the same images "
            "in every command (`--params=raw_images=…`), or once in the study's globals.yml."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Let other processes have it."""
        return FolderImages, (self.folder, dict(self))


class ImageFolderDataset(AbstractDataset[Any, dict[str, ImageFile]]):
    """The images below a folder, at any depth: a dictionary of relative path to a file that is read when called.

    ::

        raw_images:
          type: cell_pipelines.datasets.image_dataset.ImageFolderDataset
          path: data/bccd/01_raw/JPEGImages

    Of files that hold more than one image, ``load_args`` say what is taken, by name or by number from 0::

        raw_images:
          type: cell_pipelines.datasets.image_dataset.ImageFolderDataset
          path: data/slides
          load_args:
            channels: [DAPI, GFP]   # all when left out
            z: max                  # a number, max or mean
            time: each              # a number, or each for one image a time point
            scene: 0                # one image per scene when left out

    ``source`` is where to get the images, as the rest of a sentence, for when there are none.
    """

    def __init__(
        self, *, path: str, load_args: dict[str, Any] | None = None, source: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._path = Path(path).expanduser()
        self._source = source
        self._selection = to_selection(load_args)
        self.metadata = metadata

    def load(self) -> dict[str, ImageFile]:
        """List the images without reading them; only headers of files that can hold several are opened.

        Raises:
            FileNotFoundError: There is no such folder, with what the study says about where to get its images.
            ImageFormatError: There are no images in it.
        """
        if self._source and not self._path.exists():
            raise FileNotFoundError(
                f"{self._path}: expected images; there is no such folder. For the study's own images {self._source}"
            )
        return FolderImages(self._path, list_image_files(self._path, self._selection))

    def save(self, data: Any) -> None:
        """Refuse: a study's images are never written over."""
        raise DatasetError(f"{self._path}: source images are only read.")

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path), "load_args": self._selection}


def to_selection(load_args: dict[str, Any] | None) -> ImageSelection:
    """Return a catalog entry's ``load_args`` as a selection; one channel may stand without a list.

    Raises:
        DatasetError: There is a key other than channels, z, time and scene, or a value that means nothing.
    """
    given = dict(load_args or {})
    unknown = sorted(set(given) - {"channels", "z", "time", "scene"}, key=str)
    if unknown:
        raise DatasetError(
            f"`load_args` must be among channels, z, time and scene, got {', '.join(map(str, unknown))}."
        )
    channels = given.get("channels")
    if channels is not None:
        given["channels"] = tuple(channels) if isinstance(channels, list | tuple) else (channels,)
    try:
        return ImageSelection(**given)
    except ValueError as error:
        raise DatasetError(f"`load_args`: {error}") from error
