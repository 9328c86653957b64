"""Files of tensors and plain values, the only ones of PyTorch that are read without being trusted."""

import pickle
from pathlib import Path
from typing import Any

import torch


def load_tensors(path: Path, expected: str, *, mmap: bool = False) -> Any:
    """Return what :func:`torch.save` wrote, on the CPU, where it is nothing but tensors and plain values.

    Args:
        path: The file.
        expected: What it should be, for the error.
        mmap: Leave the tensors on the disk until they are used.

    Raises:
        ValueError: It holds or calls other things, is damaged, or is no such file.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path}: expected {expected}, got a file that holds or calls other things than tensors and plain values, "
            "which is not opened since that would run them."
        ) from error
    except Exception as error:
        reason = str(error).split("\n")[0][:200]
        raise ValueError(f"{path}: expected {expected}, got something else: {reason}") from error
