"""What numbers were measured on: the processor or GPU by name, and the library's version."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")


def name_device(device: str) -> str:
    """Return the name of the processor (``cpu``) or of the first GPU (``cuda``), as its maker calls it."""
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else ""
    try:
        lines = _PROCESSORS.read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def name_version(package: str) -> str:
    """Return a library with its version; empty where it isn't installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
