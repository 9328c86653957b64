"""Stored arrays come back the same, and what is no such file is named."""

import numpy as np
import pytest

from cell_pipelines.inference.stored import read_arrays, write_arrays

ARRAYS = {
    "0/cell": np.arange(12, dtype=np.uint16).reshape(3, 4), "0/far away": np.zeros((0, 2), np.float32),
    "boxes": np.array(5.0), "flag": np.array([True, False]),
}  # fmt: skip


def test_arrays_come_back_the_same(tmp_path):
    write_arrays(ARRAYS, (3, 4), tmp_path / "deep" / "a.npz")
    again, size = read_arrays(tmp_path / "deep" / "a.npz")
    assert size == (3, 4)
    assert list(again) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_nothing_is_also_stored(tmp_path):
    write_arrays({}, (0, 7), tmp_path / "a.npz")
    assert read_arrays(tmp_path / "a.npz") == ({}, (0, 7))


def test_an_earlier_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(ARRAYS, (3, 4), path)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays({"a": np.array([object()])}, (3, 4), path)
    assert list(read_arrays(path)[0]) == list(ARRAYS)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("content", [b"", b"text", b"cut"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "a.npz"
    write_arrays(ARRAYS, (3, 4), path)
    path.write_bytes(path.read_bytes()[:200] if content == b"cut" else content)
    with pytest.raises(ValueError, match=r"a\.npz: expected stored predictions, got"):
        read_arrays(path)


def test_a_name_that_is_taken_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`arrays` must not hold 'size'"):
        write_arrays({"size": np.zeros(2)}, (3, 4), tmp_path / "a.npz")
