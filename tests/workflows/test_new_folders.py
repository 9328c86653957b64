"""Nodes fill new folders themselves: errors are theirs and leave nothing, data sets put the folder in place."""

import errno
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import pytest

from cell_pipelines.datasets.folder_dataset import FolderDataset, NewFolderDataset
from cell_pipelines.files import WriteError
from cell_pipelines.workflows.new_folders import in_new_folder


def _draw(names: list[str], error: BaseException | None = None) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        if error is not None:
            raise error

    return write


def _draw_and_count(names: list[str]) -> tuple[Callable[[Path], None], int]:
    return _draw(names), len(names)


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_filled_by_the_node_and_moved_to_its_place(tmp_path: Path) -> None:
    new, drawn = NewFolderDataset(path=str(tmp_path / "study")), FolderDataset(path=str(tmp_path / "study" / "drawn"))
    drawn.save(in_new_folder(_draw)(new.load(), ["old.png"]))
    filled = in_new_folder(_draw)(new.load(), ["a.png", "well/b.png"])
    assert _names(filled) == {"a.png", "well/b.png"} and _names(drawn.load()) == {"old.png"}
    drawn.save(filled)
    assert _names(drawn.load()) == {"a.png", "well/b.png"}
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["drawn"], "nothing hidden is left"


def test_two_loads_give_two_folders(tmp_path: Path) -> None:
    new = NewFolderDataset(path=str(tmp_path))
    assert new.load() != new.load()


@pytest.mark.parametrize("error", [ValueError("a mistake"), KeyboardInterrupt(), MemoryError()])
def test_an_error_is_the_nodes_own_and_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        in_new_folder(_draw)(NewFolderDataset(path=str(tmp_path)).load(), ["a.png"], error)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_a_sentence_without_hidden_names(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WriteError, match="the disk is full") as caught:
        in_new_folder(_draw)(NewFolderDataset(path=str(tmp_path)).load(), ["a.png"], full)
    assert ".tmp-" not in str(caught.value)


def test_what_comes_with_a_folder_is_kept(tmp_path: Path) -> None:
    folder, count = in_new_folder(_draw_and_count)(NewFolderDataset(path=str(tmp_path)).load(), ["a.png"])
    assert (_names(folder), count) == ({"a.png"}, 1)


def test_the_types_of_inputs_stay_known_as_parameters_are_read_by_them() -> None:
    function = in_new_folder(_draw)
    assert list(inspect.signature(function, follow_wrapped=False).parameters) == ["folder", "names", "error"]
    hints = get_type_hints(function)
    assert (hints["folder"], hints["names"]) == (Path, list[str])
