"""Fetching says what it is; interrupted at any moment it leaves nothing half written, and goes on where it stopped."""

import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


ENDS = {"SIGTERM": (SystemExit(143), 143), "SIGINT": (KeyboardInterrupt(), 130)}
SENTENCE = "Interrupted; the same command goes on where it stopped."


@pytest.mark.parametrize("name", ENDS)
def test_an_interruption_while_files_are_unpacked_leaves_none_and_the_same_command_goes_on(archives, name, monkeypatch):
    error, status = ENDS[name]

    def interrupt(_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("cell_pipelines.files._sync_folder", interrupt)
        result = CliRunner().invoke(cli, ["fetch", "bbbc039", "--out", str(archives)])
    assert result.exit_code == status and SENTENCE in result.output
    assert [path.name for path in archives.iterdir()] == ["archives"]
    assert CliRunner().invoke(cli, ["fetch", "bbbc039", "--out", str(archives)]).exit_code == 0
    assert (archives / "images" / "train" / "a.tif").read_text() == "a"


class Host(BaseHTTPRequestHandler):
    """A host that stops in the middle of its largest file until it may go on; it notes what it was asked for."""

    contents: dict
    asked: list
    goes_on: threading.Event

    def do_GET(self):
        content, given = self.contents[self.path[1:]], self.headers.get("Range")
        self.asked.append((self.path[1:], given))
        start = int(re.match(r"bytes=(\d+)-", given)[1]) if given else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        half = max(start, len(content) // 2)
        self.wfile.write(content[start:half])
        if self.path == "/images.zip":
            self.goes_on.wait(60)
        try:
            self.wfile.write(content[half:])
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def host():
    buffers = {"images": {"a.tif": random.Random(0).randbytes(1 << 21)}, "masks": {"a.png": b"a"},
               "metadata": {"training.txt": b"a.png"}}  # fmt: skip
    contents = {}
    for name, members in buffers.items():
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        contents[f"{name}.zip"] = file.getvalue()
    handler = type("Handler", (Host,), {"asked": [], "contents": contents, "goes_on": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield handler
        handler.goes_on.set()
        server.shutdown()
        thread.join()


# The host is that of the test.
PROGRAM = """
import json, signal, sys
from dataclasses import replace
from cell_pipelines.commands import cli
from cell_pipelines.downloads import RemoteFile
from cell_pipelines.workflows.public_data import PUBLIC_DATA

signal.signal(signal.SIGINT, signal.default_int_handler)
archives = {name: RemoteFile(*remote) for name, remote in json.loads(sys.argv[1]).items()}
PUBLIC_DATA["bbbc039"] = replace(PUBLIC_DATA["bbbc039"], archives=archives, lists={"train": "training.txt"})
cli.main(["fetch", "bbbc039"], prog_name="cell-pipelines")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once")
@pytest.mark.parametrize("name", ENDS)
def test_a_signal_while_a_file_is_downloaded_keeps_what_came_and_the_rest_is_asked_for(name, host, tmp_path):
    remotes = {
        file.partition(".")[0]: (f"{host.url}/{file}", len(content), hashlib.sha256(content).hexdigest())
        for file, content in host.contents.items()
    }
    call = [sys.executable, "-c", PROGRAM, json.dumps(remotes)]
    options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(call, **options)
    part = tmp_path / "bbbc039" / "archives" / "images.zip.part"
    end = time.monotonic() + 60
    while not (part.is_file() and part.stat().st_size > 1 << 19) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=60)
    assert process.returncode == ENDS[name][1], said
    assert SENTENCE in said and "Traceback" not in said
    assert [path.name for path in (tmp_path / "bbbc039").rglob("*")] == ["archives", "images.zip.part"]
    have = part.stat().st_size
    assert host.contents["images.zip"].startswith(part.read_bytes())
    host.goes_on.set()
    done = subprocess.run(call, check=False, **options)
    assert done.returncode == 0, done.stderr
    assert [given for file, given in host.asked if file == "images.zip"] == [None, f"bytes={have}-"]
    assert not list(tmp_path.rglob("*.part"))
    assert len((tmp_path / "bbbc039" / "images" / "train" / "a.tif").read_bytes()) == 1 << 21
