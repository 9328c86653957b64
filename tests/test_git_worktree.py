import subprocess

import pytest

from cell_pipelines.git_worktree import checked_out, has_commit


def git(folder, *words) -> str:
    options = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", *options, "-C", str(folder), *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def clone(tmp_path):
    """A clone with two commits, and the hash of the first."""
    root = tmp_path / "clone"
    (root / "project").mkdir(parents=True)
    git(tmp_path, "init", "-q", str(root))
    hashes = []
    for text in ("first", "second"):
        (root / "project" / "a.txt").write_text(text)
        git(root, "add", "-A")
        git(root, "commit", "-qm", text)
        hashes.append(git(root, "rev-parse", "HEAD").strip())
    return root, hashes[0]


def test_a_commit_is_there_while_the_block_runs_and_nothing_is_left(clone, tmp_path):
    root, first = clone
    with checked_out(root / "project", first, tmp_path / "new" / "code") as folder:
        assert folder == tmp_path / "new" / "code" / "project"
        assert (folder / "a.txt").read_text() == "first"
        (folder / "b.txt").write_text("made by the run")
    assert not (tmp_path / "new" / "code").exists()
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert (root / "project" / "a.txt").read_text() == "second"


def test_nothing_is_left_where_the_block_fails(clone, tmp_path):
    root, first = clone
    with pytest.raises(KeyError), checked_out(root, first, tmp_path / "code"):
        raise KeyError
    assert not (tmp_path / "code").exists()


def test_a_commit_is_there_or_not(clone, tmp_path):
    root, first = clone
    assert has_commit(root, first)
    assert not has_commit(root, "0" * 40)
    assert not has_commit(tmp_path, first)


def test_what_git_refuses_gets_a_sentence(clone, tmp_path):
    root, first = clone
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    sentence = rf"commit {first} can't be checked out: .*already exists"
    with pytest.raises(RuntimeError, match=sentence), checked_out(root, first, tmp_path / "full"):
        pass
