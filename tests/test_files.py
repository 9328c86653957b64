"""Paths that stay inside; files and folders that appear whole or not at all, whatever happens on the way."""

from pathlib import Path

import pytest

from cell_pipelines.files import (
    UnsafePathError,
    atomic_folder,
    atomic_path,
    is_file_inside,
    link_or_copy,
    resolve_inside,
)

CLIMBING = [
    "../a.png", "..", "a/../../b.png", "a/..", "..\\a.png", "a\\..\\..\\b.png", "/etc/passwd", "//server/share/a",
    "C:\\Users\\a.png", "C:/a.png", "C:", "\\\\server\\share\\a", "\\a.png", "", ".", "./", "a\0b", "/",
]  # fmt: skip


@pytest.mark.parametrize("name", CLIMBING)
def test_names_that_lead_out_are_refused_with_the_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafePathError, match="must lie inside its folder") as error:
        resolve_inside(tmp_path, name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize("name", ["a.png", "a/b.png", "a\\b.png", "..a", "a..b/c", "a b/ü.png", "./a", "...", "~/a"])
def test_names_inside_are_resolved_whether_or_not_they_exist(name: str, tmp_path: Path) -> None:
    path = resolve_inside(tmp_path, name)
    assert path.is_relative_to(tmp_path)
    assert path == tmp_path / name.replace("\\", "/")


def test_links_are_followed_and_refused_when_they_lead_out(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    (outside / "a.png").write_text("secret")
    (folder / "file.png").symlink_to(outside / "a.png")
    (folder / "folder").symlink_to(outside)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "inner").symlink_to(folder)
    for name in ("file.png", "folder/a.png", "folder/new.png", "inner/folder/a.png", "loop/a.png"):
        with pytest.raises(UnsafePathError, match="link"):
            resolve_inside(folder, name)
    assert resolve_inside(folder, "inner/new.png") == folder / "inner" / "new.png"


def test_only_files_that_stay_inside_through_all_links_are_files_inside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "in").mkdir()
    for path in (tmp_path / "outside" / "a.txt", tmp_path / "in" / "a.txt"):
        path.write_text("x")
    links = {"own": "a.txt", "out": "../outside/a.txt", "folder": "../outside", "itself": "itself", "gone": "nowhere"}
    for name, target in links.items():
        (tmp_path / "in" / name).symlink_to(target)
    inside = {"a.txt": True, "own": True, "out": False, "folder/a.txt": False, "folder": False, "itself": False}
    inside |= {"gone": False, "a\0b": False, "x" * 5000: False}
    assert {name: is_file_inside(tmp_path / "in", tmp_path / "in" / name) for name in inside} == inside


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert resolve_inside(tmp_path / "link", "a.png") == tmp_path / "link" / "a.png"


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.png"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_half_written_is_left_and_the_old_file_stays(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for before in (None, "old"):
        if before:
            path.write_text(before)
        with pytest.raises(error), atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error
        assert [p.read_text() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_a_block_that_writes_nothing_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass
    assert path.read_text() == "old"


def test_a_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "set"
    for run in (["a", "b", "c"], ["a"]):
        with atomic_folder(path) as temporary:
            for name in run:
                (temporary / name).write_text(name)
        assert sorted(p.name for p in path.iterdir()) == run
        assert [p.name for p in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_that_was_not_finished_leaves_the_old_one(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "set"
    for _ in range(2):
        with pytest.raises(error), atomic_folder(path) as temporary:
            (temporary / "half").write_text("half")
            raise error
        assert [p.name for p in tmp_path.iterdir()] == (["set"] if path.exists() else [])
        path.mkdir(exist_ok=True)
        (path / "old").write_text("old")
    assert [p.name for p in path.iterdir()] == ["old"]


def test_the_old_folder_stays_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set"
    path.mkdir()
    (path / "old").write_text("old")
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if (self / "new").exists():
            raise PermissionError("in use")
        return replace(self, target)

    with pytest.raises(PermissionError), atomic_folder(path) as temporary:
        (temporary / "new").write_text("new")
        monkeypatch.setattr(Path, "replace", fail)
    assert [p.name for p in path.iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_file_in_the_folders_place_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "set"
    path.write_text("a file")
    with (
        pytest.raises(NotADirectoryError, match=r"set: expected a folder or nothing; it is a file\."),
        atomic_folder(path),
    ):
        pass
    assert path.read_text() == "a file"


def test_a_linked_folder_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "precious").write_text("1")
    (tmp_path / "set").symlink_to(real)
    with atomic_folder(tmp_path / "set") as temporary:
        (temporary / "new").write_text("2")
    assert (real / "precious").read_text() == "1"
    assert [p.name for p in (tmp_path / "set").iterdir()] == ["new"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["real", "set"]


@pytest.mark.parametrize("links", [True, False])
def test_a_target_shows_its_source_and_replaces_what_was_there(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    first, second, target = tmp_path / "first.png", tmp_path / "second.png", tmp_path / "deep" / "target.png"
    first.write_text("first")
    second.write_text("second")
    for source in (first, second, second):
        link_or_copy(source, target)
        assert target.read_text() == source.read_text()
        assert target.is_symlink() == links
    assert first.read_text() == "first"
    assert [p.name for p in target.parent.iterdir()] == ["target.png"]


def test_a_file_linked_to_itself_stays_and_a_missing_source_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("a")
    link_or_copy(path, path)
    assert path.read_text() == "a"
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "missing.png", tmp_path / "b.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
