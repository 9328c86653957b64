import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cell_pipelines.commands import cli
from cell_pipelines.downloads import RemoteFile
from cell_pipelines.workflows.public_data import PUBLIC_DATA


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Put the archives of a small data set of the same name into a folder, as a person without a network does."""
    contents = {"images": {"images/a.tif": "a"}, "masks": {"masks/a.png": "a"}, "metadata": {"training.txt": "a.png"}}
    remotes = {}
    (tmp_path / "data" / "archives").mkdir(parents=True)
    for name, members in contents.items():
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        content = buffer.getvalue()
        (tmp_path / "data" / "archives" / f"{name}.zip").write_bytes(content)
        url = f"http://127.0.0.1:9/{name}.zip"  # nobody listens there
        remotes[name] = RemoteFile(url, len(content), hashlib.sha256(content).hexdigest())
    small = replace(PUBLIC_DATA["bbbc039"], archives=remotes, lists={"train": "training.txt"})
    monkeypatch.setitem(PUBLIC_DATA, "bbbc039", small)
    return tmp_path / "data"


def test_fetching_says_what_it_is_and_where_it_lies(archives):
    result = CliRunner().invoke(cli, ["fetch", "bbbc039", "--out", str(archives)])
    assert result.exit_code == 0, result.output
    assert "CC0 1.0" in result.output and f"{archives / 'images' / 'train'}: 1 files" in result.output


def test_without_a_network_fetching_ends_in_one_sentence_that_says_what_to_do(archives):
    (archives / "archives" / "masks.zip").unlink()
    result = CliRunner().invoke(cli, ["fetch", "bbbc039", "--out", str(archives)])
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert f"put the file, downloaded elsewhere, at {archives / 'archives' / 'masks.zip'}" in " ".join(
        result.output.split()
    ).replace("- ", "-")
    assert not (archives / "masks").exists()
