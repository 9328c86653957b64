"""Ways to damage a folder of a source on purpose: links that lead out, in circles or to devices, strange names."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random


def _relink(path: Path, target: str | Path) -> None:
    path.unlink()
    path.symlink_to(target)


def _as_folder(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / path.name).write_bytes(content)


def _as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def mutate_folder(rng: Random, folder: Path, twin: Path) -> str:
    """Damage the folder itself: links that lead out, in circles or to devices, pipes, strange names. Say how.

    Args:
        rng: What chooses.
        folder: It is changed in place.
        twin: A folder outside like it; links lead there.
    """
    path = rng.choice(sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()))
    inside = path.relative_to(folder)
    beside = twin / inside if (twin / inside).is_file() else next(p for p in sorted(twin.rglob("*")) if p.is_file())
    names = (
        b"\xff\xfe" + os.fsencode(path.suffix),
        os.fsencode("a\nb" + path.suffix),
        b" ",
        b"-" * 200,
        b"..." + os.fsencode(path.suffix),
    )
    ways: dict[str, Callable[[], object]] = {
        "link out": lambda: _relink(path, beside),
        "relative link out": lambda: _relink(path, os.path.relpath(beside, path.parent)),
        "second name out": lambda: (path.parent / f"extra{path.suffix}").symlink_to(beside),
        "folder link out": lambda: (folder / rng.choice(("labels", "masks", "Annotations", "ann", "more"))).symlink_to(beside.parent)
        if not any((folder / n).exists() for n in ("labels", "masks", "Annotations", "ann", "more")) else None,
        "whole folder out": lambda: (path.parent.rename(path.parent.with_name(".gone")), path.parent.symlink_to(beside.parent)) if path.parent != folder else None,
        "link to itself": lambda: _relink(path, path.name),
        "link to nothing": lambda: _relink(path, "nowhere"),
        "link to zeros": lambda: _relink(path, "/dev/zero"),
        "folder of the name": lambda: _as_folder(path),
        "pipe": lambda: _as_pipe(path),
        "no file": path.unlink,
        "another ending": lambda: path.rename(path.with_suffix(rng.choice((".json", ".xml", ".csv", ".txt", ".png", ".tif", ".zip", ".roi", "", ".bmp", ".JSON")))),
        "strange name": lambda: path.rename(path.with_name(os.fsdecode(rng.choice(names)))),
    }  # fmt: skip
    way = rng.choice(list(ways))
    ways[way]()
    return way
