"""Opening an image file of any kind, and turning what decoders raise into one sentence with the file's name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cell_pipelines.imaging.contents import describe_contents
from cell_pipelines.imaging.description import ImageFormatError, Source
from cell_pipelines.imaging.slides import SLIDE_SUFFIXES, SlideSource
from cell_pipelines.zarr_folders import ZarrFolderError, is_zarr

# Endings by what opens them; a file of the last kinds may hold several images.
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_TIFFS = (".tif", ".tiff", ".lsm", ".stk", ".btf", ".tf8")
_OTHERS = (".czi", ".nd2", ".lif")
IMAGE_SUFFIXES = (*_PICTURES, *_TIFFS, *_OTHERS, *SLIDE_SUFFIXES)
SCENE_SUFFIXES = (*_TIFFS, *_OTHERS)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open an image file for the time of a block.

    Raises:
        ImageFormatError: The file is missing, damaged, or of an unknown kind.
    """
    opener = _opener(path)
    with plain_errors(path):
        source = opener(path)
    try:
        yield source
    finally:
        with plain_errors(path):
            source.close()


def may_hold_several(path: Path) -> bool:
    """Say whether a file, or a folder of OME-Zarr, may hold several images, channels or planes."""
    return path.suffix.lower() in SCENE_SUFFIXES or is_zarr(path)


def _opener(path: Path) -> Callable[[Path], Source]:
    suffix = path.suffix.lower()
    if is_zarr(path):
        from cell_pipelines.imaging.ome_zarr import OmeZarrSource

        return OmeZarrSource
    if suffix in _TIFFS:
        from cell_pipelines.imaging.tiff import TiffSource

        return TiffSource
    if suffix == ".czi":
        from cell_pipelines.imaging.czi import CziSource

        return CziSource
    if suffix in (".nd2", ".lif"):
        from cell_pipelines.imaging.optional_readers import LifSource, Nd2Source

        return Nd2Source if suffix == ".nd2" else LifSource
    if suffix in SLIDE_SUFFIXES:
        return SlideSource
    from cell_pipelines.imaging.pictures import PictureSource

    return PictureSource


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn whatever decoders raise in a block into `ImageFormatError`."""
    try:
        yield
    except ImageFormatError:
        raise
    except ZarrFolderError as error:
        raise ImageFormatError(str(error)) from error
    except Exception as error:  # decoders share no base class, and damaged bytes raise whatever they do
        raise ImageFormatError(f"{path}: {_reason(path, error)}.") from error


def _reason(path: Path, error: Exception) -> str:
    if not path.exists():
        return "the file is not there"
    if isinstance(error, MemoryError):
        return "expected an image that fits into memory, got a larger one"
    if path.is_file() and (contents := describe_contents(path)):
        return f"expected a whole image, got: {contents}"
    if "cannot identify image file" in str(error):  # Pillow, of bytes that begin as its ending says and go on otherwise
        return f"expected a whole image, got {path.stat().st_size} bytes that are damaged or of another kind of file"
    told = isinstance(error, (OSError, ValueError, RuntimeError, EOFError, Warning)) and str(error)
    text = str(error) if told else f"{type(error).__name__}: {error}"
    return f"expected a whole image, got: {text}".rstrip(". ")
