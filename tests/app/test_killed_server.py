import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import MODEL

_SECONDS = 90.0


class Server:
    """The real server as a process that can be killed and started again."""

    def __init__(self, folder: Path, log: Path) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self._log = folder, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["app", "--folder", str(self.folder), "--port", str(self.port), "--no-open"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cell_pipelines", *words], stdout=log, stderr=log, env=os.environ
            )
        end = time.monotonic() + _SECONDS
        while not self.answers():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)


@pytest.fixture
def server(tmp_path: Path) -> Any:
    found = Server(tmp_path / "jobs", tmp_path / "log.txt")
    found.start()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.end()


def _submit(client: httpx.Client, files: Any, name: str, count: int = 3) -> str:
    answer = client.post("/api/v1/jobs", files=files(**{name: count}), data={"model": MODEL, "title": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _jobs(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in folder.glob("users/local/jobs/*/job.json"):
        found.append(json.loads(path.read_text(encoding="utf-8")))
    return found


def _wait_until_done(folder: Path, count: int) -> None:
    end = time.monotonic() + _SECONDS * 4
    while [job["state"] for job in _jobs(folder)].count("done") < count:
        assert time.monotonic() < end, [job["state"] for job in _jobs(folder)]
        time.sleep(0.1)


def _watch(folder: Path, seen: dict[Path, set[tuple[int, int]]], ended: threading.Event) -> None:
    """Note which files of scores there were; one that is written again has another inode and time."""
    while not ended.is_set():
        for path in folder.glob("users/local/jobs/*/scores/*/*.npz"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.name.startswith("."):
                continue
            seen.setdefault(path, set()).add((status.st_ino, status.st_mtime_ns))
        ended.wait(0.02)


def _kill_again_and_again(server: Server, kills: int, jobs: int, submit: Callable[[httpx.Client, int], str]) -> None:
    """Submit jobs from two clients at once, kill the server at random moments, and see that all is done once."""
    generator = random.Random(0)
    identities: list[str] = []

    def send(numbers: range) -> None:
        with server.client() as client:
            identities.extend(submit(client, number) for number in numbers)

    clients = [threading.Thread(target=send, args=(range(first, jobs, 2),)) for first in (0, 1)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(set(identities)) == jobs
    seen: dict[Path, set[tuple[int, int]]] = {}
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server.folder, seen, ended))
    watcher.start()
    try:
        for _ in range(kills):
            time.sleep(generator.uniform(0.0, 0.6))
            server.end()
            server.start()
        _wait_until_done(server.folder, jobs)
    finally:
        ended.set()
        watcher.join()
    found = _jobs(server.folder)
    assert sorted(job["id"] for job in found) == sorted(identities)
    assert all(job["state"] == "done" for job in found)
    assert len(seen) == jobs, "each job's image was predicted"
    assert {len(versions) for versions in seen.values()} == {1}, "scores that were there were made again"
    for identity in identities:
        folder = server.folder / "users" / "local" / "jobs" / identity
        assert len(list(folder.glob("results/*/counts.parquet"))) == 1
    assert not list(server.folder.rglob(".tmp-*")), "what was half written is gone"


@pytest.mark.exhaustive
def test_jobs_go_on_when_the_server_was_killed(server: Server, files: Any) -> None:
    _kill_again_and_again(server, kills=1, jobs=6, submit=lambda client, n: _submit(client, files, f"n{n}", n % 9))


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_hundred_images_are_counted_once_though_the_server_is_killed_ten_times(server: Server, files: Any) -> None:
    _kill_again_and_again(server, kills=10, jobs=100, submit=lambda client, n: _submit(client, files, f"n{n}", n % 9))


@pytest.mark.slow
@pytest.mark.exhaustive
def test_two_hundred_images_of_one_job_are_counted_once_though_the_server_is_killed(server: Server, files: Any) -> None:
    with server.client() as client:
        upload = [one for n in range(200) for one in files(**{f"d{n % 4}__n{n}": n % 9})]
        job = client.post("/api/v1/jobs", files=upload, data={"model": MODEL}).json()["id"]
    for wait in (0.3, 0.6, 0.9):
        time.sleep(wait)
        server.end()
        server.start()
    _wait_until_done(server.folder, 1)
    with server.client() as client:
        counts = client.get(f"/api/v1/jobs/{job}/counts").json()
    assert counts["total"] == sum(n % 9 for n in range(200))
    assert len(counts["rows"]) == 200


@pytest.mark.exhaustive
def test_a_server_that_is_asked_to_end_ends_at_once_and_its_jobs_go_on(server: Server, files: Any) -> None:
    with server.client() as client:
        for number in range(4):
            _submit(client, files, f"n{number}")
    began = time.monotonic()
    assert server.end(signal.SIGTERM) in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    assert time.monotonic() - began < _SECONDS
    assert {job["state"] for job in _jobs(server.folder)} <= {"queued", "done"}
    server.start()
    _wait_until_done(server.folder, 4)
    assert {job["lost"] for job in _jobs(server.folder)} == {0}
