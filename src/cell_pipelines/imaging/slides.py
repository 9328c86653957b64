"""Reading whole slides by OpenSlide, region by region at their full resolution."""

from pathlib import Path

import numpy as np

from cell_pipelines.imaging.description import Image, ImageFormatError, ImageInfo, Plane, Window, describe
from cell_pipelines.imaging.tiff_metadata import pair, to_um

#: Endings of the slides that OpenSlide opens and nothing else here does.
SLIDE_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide")
_TILE_ROWS = 256
_WHITE = "FFFFFF"


class SlideSource:
    """An open whole slide: one image in red, green and blue, of the background's colour where nothing was scanned."""

    def __init__(self, path: Path) -> None:
        try:
            import openslide
        except ImportError as error:
            raise ImageFormatError(
                f"{path}: reading {path.suffix.lower()} needs the packages openslide-python and openslide-bin; install "
                "the extra `slides`: pip install 'cell-pipelines[slides]'."
            ) from error
        path.open("rb").close()
        if openslide.OpenSlide.detect_format(path) is None:
            raise ValueError("another file than a slide that OpenSlide knows")
        self._slide = openslide.OpenSlide(path)
        told = self._slide.properties
        width, height = self._slide.dimensions
        self._background = bytes.fromhex(told.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR, _WHITE))
        self._rows = int(told.get("openslide.level[0].tile-height", _TILE_ROWS))
        sizes = (told.get(openslide.PROPERTY_NAME_MPP_Y), told.get(openslide.PROPERTY_NAME_MPP_X))
        self._info = describe(
            {"Y": height, "X": width, "S": 3}, np.uint8, colour=True, pixel_size_um=pair(*map(to_um, sizes))
        )

    @property
    def scenes(self) -> tuple[ImageInfo, ...]:
        """The one image."""
        return (self._info,)

    def read(self, plane: Plane, window: Window | None) -> Image:
        """Return the slide, or a part of it, as (H, W, 3)."""
        row, column, height, width = window or (0, 0, self._info.height, self._info.width)
        region = self._slide.read_region((column, row), 0, (width, height))
        pixels = np.asarray(region)
        seen = pixels[..., 3:] > 0
        return np.where(seen, pixels[..., :3], np.frombuffer(self._background, np.uint8))

    def band_rows(self, scene: int) -> int:
        """Return the height of a tile."""
        return self._rows

    def close(self) -> None:
        """Close the file."""
        self._slide.close()
