"""Check out a commit of a project beside it, for as long as a block runs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def has_commit(root: Path, commit: str) -> bool:
    """Say whether a folder is in a git clone that has a commit."""
    try:
        return _git(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0
    except OSError:  # git is not installed
        return False


@contextmanager
def checked_out(root: Path, commit: str, folder: Path) -> Iterator[Path]:
    """Give the project as it was at a commit, in a new folder that is removed afterwards.

    Args:
        root: Folder of the project, in a git clone.
        commit: Its hash; see `has_commit`.
        folder: A new one.

    Raises:
        RuntimeError: Git can't do it; the text says why.
    """
    prefix = _git(root, "rev-parse", "--show-prefix").stdout.strip()
    added = _git(root, "worktree", "add", "--detach", str(folder), commit)
    if added.returncode:
        raise RuntimeError(f"commit {commit} can't be checked out: {added.stderr.strip().splitlines()[-1]}.")
    try:
        yield folder / prefix
    finally:
        _git(root, "worktree", "remove", "--force", str(folder))


def _git(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, encoding="utf-8", check=False)
