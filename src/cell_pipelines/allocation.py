"""Keep freed memory for the next step of a network instead of giving it back to the system after each."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20
# While a network works: blocks of up to 1 GiB come from memory that is kept, and nothing is given back.
_KEEPING = {_MMAP_THRESHOLD: 1024 * _MIB, _TRIM_THRESHOLD: 2048 * _MIB - 1, _TOP_PAD: 64 * _MIB}
# Afterwards: what glibc itself arrives at in a process that has freed large blocks.
_USUAL = {_MMAP_THRESHOLD: 32 * _MIB, _TRIM_THRESHOLD: 64 * _MIB, _TOP_PAD: _MIB // 8}


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep the memory that a step frees for the next one while the block runs, then give it back.

    A step on the CPU takes and frees hundreds of megabytes. If the system gets them back each time, it fills them with
    zeros for the next step, which takes about a fifth of the processor's time. No result changes. With another C
    library than glibc this does nothing.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _set(library, _KEEPING)
    try:
        yield
    finally:
        _set(library, _USUAL)
        library.malloc_trim(ctypes.c_size_t(0))


def keep_memory() -> None:
    """Keep the memory that a network frees for as long as this process lives, as `memory_kept` does for a block.

    Dask lets the workers that it starts give it back even sooner than others.
    """
    library = _glibc()
    if library is not None:
        _set(library, _KEEPING)


def _set(library: Any, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)


@cache
def _glibc() -> Any:
    """Return the C library of this process if it is glibc, else None."""
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
