import hashlib
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cell_pipelines.downloads import DownloadError, RemoteFile, download

CONTENT = bytes(range(256)) * 3000  # several of the pieces that are read at once


class Host(BaseHTTPRequestHandler):
    """A host that may break off, ignore ranges, or have another file; it notes what it was asked for."""

    content = CONTENT
    most = None  # bytes after which the connection ends
    knows_ranges = True
    asked: list

    def do_GET(self):
        self.asked.append(self.headers.get("Range"))
        start = int(re.match(r"bytes=(\d+)-", self.headers["Range"])[1]) if self.headers.get("Range") else 0
        start = start if self.knows_ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        self.wfile.write(self.content[start:][: self.most])

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def host():
    handler = type("Handler", (Host,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_address[1]}/file.zip"
        yield handler
        server.shutdown()
        thread.join()


def remote(url, content=CONTENT):
    return RemoteFile(url, len(content), hashlib.sha256(content).hexdigest())


def test_a_download_holds_what_the_host_has_and_is_not_asked_for_again(host, tmp_path):
    path = download(remote(host.url), tmp_path / "new" / "file.zip")
    assert path.read_bytes() == CONTENT
    download(remote(host.url), path)
    assert host.asked == [None] and [file.name for file in path.parent.iterdir()] == ["file.zip"]


@pytest.mark.parametrize("most", [0, 1, 300_000, len(CONTENT) - 1])
def test_a_download_that_broke_off_goes_on_where_it_stopped(host, tmp_path, most):
    host.most = most
    with pytest.raises(DownloadError, match="the same command goes on" if most else "nothing of it came"):
        download(remote(host.url), tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()
    host.most = None
    counted = []
    assert download(remote(host.url), tmp_path / "file.zip", counted.append).read_bytes() == CONTENT
    assert host.asked[1] == (f"bytes={most}-" if most else None)
    assert sum(counted) == len(CONTENT)


def test_a_host_that_does_not_know_ranges_sends_all_of_it(host, tmp_path):
    host.knows_ranges = False
    (tmp_path / "file.zip.part").write_bytes(b"x" * 1000)
    assert download(remote(host.url), tmp_path / "file.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", CONTENT + b"?", b"?" + CONTENT[1:]])
def test_another_file_is_not_kept(host, tmp_path, content):
    host.content = content
    with pytest.raises(DownloadError, match="expected 768000 bytes with the SHA-256"):
        download(remote(host.url), tmp_path / "file.zip")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("left", [b"?" * 1000, CONTENT + b"?"])
def test_what_was_left_of_another_file_is_found_by_the_checksum_and_removed(host, tmp_path, left):
    (tmp_path / "file.zip.part").write_bytes(left)
    with pytest.raises(DownloadError, match="They were removed"):
        download(remote(host.url), tmp_path / "file.zip")
    assert download(remote(host.url), tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_whole_download_that_was_not_yet_renamed_needs_no_host(tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    assert download(remote("http://127.0.0.1:9/file.zip"), tmp_path / "file.zip").read_bytes() == CONTENT


def test_without_a_network_the_error_says_where_to_put_the_file(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file.zip"
        with pytest.raises(DownloadError, match=r"could not be downloaded .*put the file, .*file\.zip"):
            download(remote(url), tmp_path / "file.zip")
    (tmp_path / "file.zip").write_bytes(CONTENT)
    assert download(remote(url), tmp_path / "file.zip").read_bytes() == CONTENT
