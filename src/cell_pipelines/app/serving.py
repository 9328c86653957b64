"""Start the server in this process and say where it is; or work on its jobs without pages."""

import logging
import signal
import socket
import threading
import webbrowser

import click
import uvicorn
from fastapi import FastAPI

from cell_pipelines.app.jobs import JobStore
from cell_pipelines.app.server import create_app, create_queue
from cell_pipelines.app.settings import AppSettings
from cell_pipelines.app.warming import warm_up
from cell_pipelines.failures import MistakeError

# A server that ends waits this long for answers that are on their way.
_END_SECONDS = 5
_LOGGERS = ("cell_pipelines.app", "uvicorn", "huey")


def serve(settings: AppSettings, *, opens: bool) -> None:
    """Serve until the process is ended.

    Args:
        settings: Of the server; port 0 takes a free one.
        opens: Open the page in a browser.

    Raises:
        MistakeError: The address is taken.
        LockedError: Another process works on the jobs of this folder.
    """
    keep_log_clean()
    application = create_app(settings)
    listener = _listen(settings)
    try:
        if settings.works:
            application.state.queue.start(settings.keep_days)  # here, so that an error is told in a sentence
        _serve(application, settings, listener, opens=opens)
    finally:
        listener.close()


def _serve(application: FastAPI, settings: AppSettings, listener: socket.socket, *, opens: bool) -> None:
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{port}{settings.root_path}/"
    click.echo(f"The page is at {address}  (Ctrl+C ends it.)")
    click.echo(f"Jobs are kept in {settings.folder.expanduser().absolute()}")
    if settings.works:
        threading.Thread(target=warm_up, daemon=True).start()
    if opens:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        application, log_level="warning", log_config=None, access_log=False,
        timeout_graceful_shutdown=_END_SECONDS,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def work(settings: AppSettings) -> None:
    """Work on jobs that other processes take in, until the process is ended.

    Raises:
        LockedError: Another process works on the jobs of this folder.
    """
    keep_log_clean()
    queue = create_queue(JobStore(settings.folder))
    queue.start(settings.keep_days)
    click.echo(f"Jobs in {settings.folder.expanduser().absolute()} are worked on. (Ctrl+C ends it.)")
    threading.Thread(target=warm_up, daemon=True).start()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    queue.stop()


class _NoNames(logging.Filter):
    """Lets through only what this package's server and its libraries say, without what may name an image."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info, record.exc_text = None, None
        return record.name.startswith(_LOGGERS)


def keep_log_clean() -> None:
    """Keep names and contents of images out of the log: only the server itself writes it."""
    logging.captureWarnings(True)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_NoNames())


def _listen(settings: AppSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()  # a browser that comes before the server is ready waits
    except OSError as error:
        listener.close()
        raise MistakeError(
            f"{settings.host}:{settings.port} can't be listened on ({error.strerror}); name another port by `--port`."
        ) from error
    return listener
