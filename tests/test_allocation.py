"""Memory that a network keeps: nothing but time hangs on it."""

import numpy as np
import pytest
import torch

from cell_pipelines import allocation
from cell_pipelines.allocation import keep_memory, memory_kept


def convolved():
    generator = torch.Generator().manual_seed(0)
    images, kernels = (torch.rand(shape, generator=generator) for shape in ((2, 4, 64, 64), (8, 4, 3, 3)))
    return torch.nn.functional.conv2d(images, kernels)


def test_results_are_the_same_and_memory_can_be_taken_within_and_after():
    expected = convolved()
    with memory_kept():
        assert torch.equal(convolved(), expected)
        blocks = [np.ones(size, np.uint8) for size in (1, 1 << 17, 1 << 25)]
    assert torch.equal(convolved(), expected)
    assert [int(block.sum()) for block in blocks] == [1, 1 << 17, 1 << 25]


def test_settings_are_the_usual_ones_again_after_an_error(monkeypatch):
    class Library:
        calls: list = []  # noqa: RUF012

        def mallopt(self, option, value):
            self.calls.append((option, value))

        def malloc_trim(self, _):
            self.calls.append("trim")

    library = Library()
    monkeypatch.setattr(allocation, "_glibc", lambda: library)
    with pytest.raises(ValueError, match="no image"), memory_kept():
        raise ValueError("no image")
    assert [option for option, _ in library.calls[:3]] == [option for option, _ in library.calls[3:6]]
    assert all(kept[1] > usual[1] for kept, usual in zip(library.calls[:3], library.calls[3:6], strict=True))
    assert library.calls[6:] == ["trim"]
    keep_memory()
    assert library.calls[7:] == library.calls[:3]


@pytest.mark.parametrize(("system", "library"), [("Darwin", ""), ("Windows", ""), ("Linux", "musl")])
def test_another_c_library_is_left_alone(system, library, monkeypatch):
    monkeypatch.setattr(allocation.platform, "system", lambda: system)
    monkeypatch.setattr(allocation.platform, "libc_ver", lambda: (library, ""))
    allocation._glibc.cache_clear()
    try:
        assert allocation._glibc() is None
        with memory_kept():
            assert convolved().shape == (2, 8, 62, 62)
    finally:
        allocation._glibc.cache_clear()
