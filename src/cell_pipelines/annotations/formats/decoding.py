"""What decoders of images raise when they meet damaged bytes."""

import lzma
import struct
import zipfile
import zlib


def decoding_errors() -> tuple[type[Exception], ...]:
    """Return what decoders of images and archives raise on damaged bytes; they share no base class.

    Warnings are among them for whoever turns warnings into errors.
    """
    import PIL.Image

    plain = (OSError, ValueError, TypeError, LookupError, SyntaxError, RuntimeError, ArithmeticError, EOFError)
    packed = (struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, PIL.Image.DecompressionBombError)
    return (*plain, *packed, AttributeError, AssertionError, MemoryError, Warning)
