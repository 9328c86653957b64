"""Servers that pages name start as they are written there, answer, and end when they are asked to."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from .conftest import ROOT
from .typed_commands import all_commands

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]
#: What a server is asked for, and what its answer holds, by the beginning of its command; how it is given a port.
SERVERS = {
    "cell-pipelines app": ("", "<title>|a token is needed", "--no-open --port {port}"),
    "kedro mlflow ui": ("", "MLflow", "--port {port}"),
    "kedro viz run": ("api/main", '"nodes"', "--no-browser --port {port}"),
    "mkdocs serve": ("cell_pipelines/", "Count", "--dev-addr 127.0.0.1:{port}"),
}
_SECONDS = 300
COMMANDS = [text for text in all_commands() if re.sub(r"^[A-Z_]+=\S+ ", "", text).startswith(tuple(SERVERS))]


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answer_of(process: subprocess.Popen, url: str) -> str:
    """Return what a server answers, which may take its time to start; a refusal without a token is an answer, too."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "it has ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.read().decode("utf-8")
        except urllib.error.HTTPError as error:
            return error.read().decode("utf-8")
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"{url} did not answer within {_SECONDS} s")


def test_every_server_is_on_a_page():
    assert {start for start in SERVERS if any(start in text for text in COMMANDS)} == set(SERVERS)


@pytest.mark.parametrize("text", COMMANDS)
def test_a_server_answers_and_ends_when_it_is_asked_to(text, tmp_path, empty_store):
    start = next(name for name in SERVERS if name in text)
    path, content, given = SERVERS[start]
    port = free_port()
    words = shlex.split(f"{text.replace('/srv/', f'{tmp_path}/srv/')} {given.format(port=port)}")
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    program, *rest = (word for word in words if not re.match(r"[A-Z_]+=", word))
    folder = tmp_path if program == "cell-pipelines" else ROOT
    environment = {
        **os.environ, **variables, "HOME": str(tmp_path), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "CELL_DATA_ROOT": str(tmp_path / "data"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program.replace("cell-pipelines", "cell_pipelines"), *rest],
            cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            assert re.search(content, answer_of(process, f"http://127.0.0.1:{port}/{path}")), (
                tmp_path / "log"
            ).read_text()
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
