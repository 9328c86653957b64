"""The tutorial's commands do what it says, in its order, on parts of those of its images that are at hand."""

import io
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pandas as pd
import pytest

from .conftest import ROOT

FIELDS = Path(os.environ.get("CELL_REAL_DATA", ROOT.parent / "shared" / "data")) / "nuclei_fluorescence_16bit_bbbc039"
# Each third of the fields that are there, and of each a corner: the commands are tried, not the model.
_EACH, _SIDE = 3, 256
# The archives are those of the test: their sizes and checksums stand in for the published ones.
_PROGRAM = """
import hashlib, sys
from dataclasses import replace
from pathlib import Path
from cell_pipelines.commands import cli
from cell_pipelines.downloads import RemoteFile
from cell_pipelines.workflows.public_data import PUBLIC_DATA
data = PUBLIC_DATA["bbbc039"]

def stand_in(name, remote):
    file = Path("bbbc039/archives", name + ".zip").read_bytes()
    return RemoteFile(remote.url, len(file), hashlib.sha256(file).hexdigest())

remotes = {name: stand_in(name, remote) for name, remote in data.archives.items()}
PUBLIC_DATA["bbbc039"] = replace(data, archives=remotes)
cli.main(sys.argv[1:], prog_name="cell-pipelines")
"""


def commands() -> list[list[str]]:
    """Return the tutorial's commands of `cell-pipelines`; a short training shows the same way."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    lines = re.findall(r"^cell-pipelines (.*)$", text, re.MULTILINE)
    return [shlex.split(re.sub(r"--minutes \d+", "--minutes 0.2", line)) for line in lines]


def pack(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def cut(file: Path) -> bytes:
    """Return a corner of a picture, in its own format."""
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    return cv2.imencode(file.suffix, picture[:_SIDE, :_SIDE])[1].tobytes()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Make a folder that holds archives like the source's, of corners of 8 of its 200 fields."""
    archives = tmp_path / "bbbc039" / "archives"
    archives.mkdir(parents=True)
    for kind in ("images", "masks"):
        files = sorted((FIELDS / kind).iterdir())[::_EACH]
        (archives / f"{kind}.zip").write_bytes(pack({f"{kind}/{file.name}": cut(file) for file in files}))
    names = [f"{file.stem}.png" for file in sorted((FIELDS / "images").iterdir())[::_EACH]]
    lists = {"training.txt": names[::2], "validation.txt": names[1::4], "test.txt": names[3::4]}
    lines = {f"metadata/{name}": "\n".join(split).encode() for name, split in lists.items()}
    (archives / "metadata.zip").write_bytes(pack(lines))
    return tmp_path


@pytest.mark.exhaustive
@pytest.mark.real_data
@pytest.mark.skipif(not FIELDS.is_dir(), reason=f"{FIELDS} is not there")
def test_the_commands_of_the_tutorial_end_in_counts_of_the_test_images(folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for words in commands():
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
    assert (folder / "data" / "bbbc039" / "08_reporting" / "report.html").is_file()
    counts = pd.read_csv(folder / "counts" / "counts.csv")
    test = {path.name for path in (folder / "bbbc039" / "images" / "test").iterdir()}
    assert {Path(name).name for name in counts["image"]} == test
    assert any((folder / "evaluation").glob("*.csv"))
