"""Opening an image file of any kind, and turning what decoders raise into one sentence with the file's name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cell_pipelines.imaging.description import ImageFormatError, Source

# Endings by what opens them; a file of the last kinds may hold several images.
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_TIFFS = (".tif", ".tiff", ".lsm", ".stk")
_OTHERS = (".czi", ".nd2", ".lif")
IMAGE_SUFFIXES = (*_PICTURES, *_TIFFS, *_OTHERS)
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
        source.close()


def _opener(path: Path) -> Callable[[Path], Source]:
    suffix = path.suffix.lower()
    if suffix in _TIFFS:
        from cell_pipelines.imaging.tiff import TiffSource

        return TiffSource
    if suffix == ".czi":
        from cell_pipelines.imaging.czi import CziSource

        return CziSource
    if suffix in (".nd2", ".lif"):
        from cell_pipelines.imaging.optional_readers import LifSource, Nd2Source

        return Nd2Source if suffix == ".nd2" else LifSource
    from cell_pipelines.imaging.pictures import PictureSource

    return PictureSource


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn what decoders raise in a block into `ImageFormatError`."""
    try:
        yield
    except ImageFormatError:
        raise
    except _decoding_errors() as error:
        what = "the file is not there" if not path.exists() else f"expected a whole image, got: {error}"
        raise ImageFormatError(f"{path}: {what.rstrip('.')}.") from error


def _decoding_errors() -> tuple[type[Exception], ...]:
    """Return what decoders raise when they meet damaged bytes; they share no base class.

    Warnings are among them for whoever turns warnings into errors.
    """
    import lzma
    import struct
    import zlib

    import PIL.Image

    plain = (OSError, ValueError, TypeError, LookupError, SyntaxError, RuntimeError, ArithmeticError, EOFError)
    packed = (struct.error, zlib.error, lzma.LZMAError, PIL.Image.DecompressionBombError)
    return (*plain, *packed, *_czi_errors(), AssertionError, AttributeError, MemoryError, Warning)


def _czi_errors() -> tuple[type[Exception], ...]:
    import sys

    # Only a loaded library can have raised its own kind.
    module = sys.modules.get("czifile.czifile")
    return (module.SegmentNotFoundError,) if module else ()
