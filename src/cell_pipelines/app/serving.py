"""Start the server in this process and say where it is."""

import socket
import threading
import webbrowser

import click
import uvicorn

from cell_pipelines.app.server import create_app
from cell_pipelines.app.settings import AppSettings
from cell_pipelines.app.warming import warm_up
from cell_pipelines.failures import MistakeError

# A server that ends waits this long for answers that are on their way.
_END_SECONDS = 5


def serve(settings: AppSettings, *, opens: bool) -> None:
    """Serve until the process is ended.

    Args:
        settings: Of the server; port 0 takes a free one.
        opens: Open the page in a browser.

    Raises:
        MistakeError: The address is taken.
    """
    listener = _listen(settings)
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
        create_app(settings), log_level="warning", access_log=False, timeout_graceful_shutdown=_END_SECONDS
    )
    uvicorn.Server(config).run(sockets=[listener])


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
