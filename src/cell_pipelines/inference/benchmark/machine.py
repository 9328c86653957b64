"""Name the hardware of a measurement: the processor or GPU, and the library's version."""

from importlib.metadata import PackageNotFoundError, version

from cell_pipelines.machine import processor_name
from cell_pipelines.models.accelerators import gpu_name


def name_device(device: str) -> str:
    """Return the name of the processor (``cpu``) or of the first GPU (``cuda`` or ``mps``), as its maker calls it."""
    return gpu_name(device) if device in ("cuda", "mps") else processor_name()


def name_version(package: str) -> str:
    """Return a library with its version; empty where it isn't installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
