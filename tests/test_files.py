"""Paths that stay inside; files and folders that appear whole or not at all, whatever happens on the way."""

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cell_pipelines.files import WriteError, atomic_folder, atomic_path, link_or_copy, remove_abandoned
from cell_pipelines.inside_paths import UnsafePathError, is_file_inside, resolve_inside
from cell_pipelines.processes import this_process

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


def _gone() -> str:
    me = this_process()
    return str(replace(me, started=me.started - 1))


def test_what_a_process_that_is_gone_was_writing_is_removed_and_nothing_else(tmp_path: Path) -> None:
    me, elsewhere = str(this_process()), str(replace(this_process(), host="0" * 8))
    places = {
        f".tmp-{_gone()}-0123abcd.csv": True, f"sub/.tmp-{_gone()}-0123abcd": True, f".tmp-{me}-0123abcd.csv": False,
        f".tmp-{elsewhere}-0123abcd.csv": False, ".tmp-notes.csv": False, f".tmp-{_gone()}-0123abcd-copy": False,
        f"tmp-{_gone()}-0123abcd.csv": False, ".hidden/kept.txt": False, f"raw/.tmp-{_gone()}-0123abcd": False,
    }  # fmt: skip
    for name in places:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("half")
    folder = tmp_path / f".tmp-{_gone()}-aaaaaaaa"
    (folder / "images").mkdir(parents=True)
    removed = remove_abandoned(tmp_path, skip=("raw",))
    assert set(removed) == {tmp_path / name for name, expected in places.items() if expected} | {folder}
    assert not folder.exists()
    assert {name for name in places if not (tmp_path / name).exists()} == {n for n, gone in places.items() if gone}


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_whose_replacing_was_killed_is_put_back(there: bool, tmp_path: Path) -> None:
    retired = tmp_path / f".out.replaced-{_gone()}-0123abcd"
    retired.mkdir()
    (retired / "a.txt").write_text("old")
    if there:
        (tmp_path / "out").mkdir()
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "a.txt").exists() is not there


def test_a_process_that_is_killed_while_it_writes_leaves_what_the_next_one_removes(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from cell_pipelines.files import atomic_folder, atomic_path\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "with atomic_path(folder / 'a.csv') as file, atomic_folder(folder / 'b') as place:\n"
        "    file.write_text('half'); (place / 'c').write_text('half')\n"
        "    print('writing', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"writing\n"
    assert remove_abandoned(tmp_path) == []
    process.kill()
    process.communicate()
    assert len(remove_abandoned(tmp_path)) == 2
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_replaced_at_the_same_moment_are_each_whole(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            with atomic_folder(tmp_path / "out") as folder:
                for name in "ab":
                    (folder / name).write_text(str(number))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write, number) for number in range(4)]:
            done.result()
    assert len({(tmp_path / "out" / name).read_text() for name in "ab"}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_where_a_folder_belongs_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    for write in (atomic_path, atomic_folder):
        expected = rf"a\.csv: can't be written: {tmp_path / 'data'} is a file, and a folder belongs there\."
        with pytest.raises(WriteError, match=expected), write(tmp_path / "data" / "sub" / "a.csv"):
            pass
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(WriteError, match="a folder lies where a file belongs"), atomic_path(tmp_path / "a.csv") as file:
        file.write_text("x")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_only_be_read_is_named_in_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(WriteError, match=r"a\.csv: can't be written: permission denied"),
        atomic_path(tmp_path / "a.csv"),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "can't be written: the disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), "can only be read"),
        (PermissionError(errno.EACCES, "Permission denied", "/elsewhere/image.png"), r"\[Errno 13\].*image\.png"),
        (OSError("no number"), "no number"),
        (RuntimeError("of a network"), "of a network"),
    ],
)
def test_only_what_is_about_the_file_itself_is_said_of_it(error: Exception, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(type(error), match=sentence), atomic_path(tmp_path / "a.csv"):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_hides_a_full_disk_is_seen_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(WriteError, match="the disk is full"), atomic_path(tmp_path / "a.pt"):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")


def test_a_file_that_could_not_be_written_within_a_folder_is_named_as_it_would_be_called(tmp_path: Path) -> None:
    expected = rf"^{tmp_path}/out/images/a\.png: can't be written: the disk is full"
    with (
        pytest.raises(WriteError, match=expected),
        atomic_folder(tmp_path / "out") as folder,
        atomic_path(folder / "images" / "a.png"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
