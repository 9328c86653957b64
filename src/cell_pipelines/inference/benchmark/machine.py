"""Name the hardware of a measurement: the processor or GPU, and the library's version."""

from importlib.metadata import PackageNotFoundError, version

from cell_pipelines.machine import processor_name


def name_device(device: str) -> str:
    """Return the name of the processor (``cpu``) or of the first GPU (``cuda``), as its maker calls it."""
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else ""
    return processor_name()


def name_version(package: str) -> str:
    """Return a library with its version; empty where it isn't installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
