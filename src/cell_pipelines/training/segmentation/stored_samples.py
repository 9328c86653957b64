"""Prepared samples kept in memory, or on disk as arrays that every process shares."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cell_pipelines.files import atomic_folder
from cell_pipelines.training.segmentation.samples import Sample

_ARRAYS = ("image", "labels", "weights")


@dataclass(frozen=True, eq=False)
class SampleSource:
    """Folder of the samples.

    Attributes:
        samples: In memory; on disk their arrays are empty.
        folder: Of the arrays; None in memory.
    """

    samples: tuple[Sample, ...]
    folder: Path | None = None

    def open(self) -> list[Sample]:
        """Return the samples; arrays on disk are read as they are needed, and kept by the system while it has room."""
        if self.folder is None:
            return list(self.samples)
        return [replace(sample, **self._arrays(number)) for number, sample in enumerate(self.samples)]

    def _arrays(self, number: int) -> dict[str, Any]:
        assert_folder = self.folder or Path()
        return {name: np.load(assert_folder / f"{number}_{name}.npy", mmap_mode="r") for name in _ARRAYS}


def keep_samples(samples: Iterable[Sample], folder: Path | None) -> SampleSource:
    """Keep samples, one at a time, in memory or in `folder`, which is made anew."""
    if folder is None:
        return SampleSource(tuple(samples))
    kept = []
    with atomic_folder(folder) as place:
        for number, sample in enumerate(samples):
            for name in _ARRAYS:
                np.save(place / f"{number}_{name}.npy", getattr(sample, name))
            kept.append(replace(sample, image=np.zeros(0), labels=np.zeros(0), weights=np.zeros(0)))
    return SampleSource(tuple(kept), folder)
