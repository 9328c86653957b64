"""Checks before every answer: the name by which the server is called, the size of what is sent, protecting headers."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cell_pipelines.app.settings import LOOPBACK, AppSettings

OnError = Callable[[Request, Exception], Awaitable[Response]]
# Images are shown from this server only, and scripts run from it only. Bokeh sets styles of its own elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: Headers of a report: one file with its own scripts and pictures, which reaches nothing of this server or of others.
REPORT_HEADERS = {
    "Content-Security-Policy": (
        "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
}
# Whoever tries tokens waits this long for each answer.
_WRONG_SECONDS = 1.0
_UPLOADS = re.compile(r"(/.*)?/api/v1/jobs/?")
_MOST_OTHER_BYTES = 4_000_000
# What a form takes beside its files.
_FORM_BYTES = 4_000_000


class Guard:
    """Wraps the application; see the module."""

    def __init__(self, app: ASGIApp, settings: AppSettings, on_error: OnError) -> None:
        """Stand before an application.

        Args:
            app: The application.
            settings: Those of the server.
            on_error: Gives the answer to a request that failed by a fault of the program.
        """
        self._app, self._settings, self._on_error = app, settings, on_error
        self._upload_bytes = int(settings.upload_mb * 1e6) + _FORM_BYTES
        self._is_local = settings.host in LOOPBACK and not settings.tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope = self._with_prefix(scope)
        most = self._most_bytes(scope)

        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                if message["status"] == 401:
                    await asyncio.sleep(_WRONG_SECONDS)
                _add_headers(message)
            await send(message)

        refused = self._refuse(scope, headers, most)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        try:
            await self._app(scope, _counted(receive, most, self._too_large(most)), answer)
        except Exception as error:  # noqa: BLE001  whatever a request runs into, its answer is a sentence
            response = await self._on_error(Request(scope), error)
            if not begun:
                await response(scope, receive, answer)

    def _with_prefix(self, scope: Scope) -> Scope:
        """Let a path begin with the prefix, whether the proxy before the server takes it off or not."""
        prefix, path = self._settings.root_path, scope["path"]
        if not prefix:
            return scope
        if path == prefix or path.startswith(f"{prefix}/"):
            return {**scope, "root_path": prefix}
        raw = scope.get("raw_path") or path.encode()
        return {**scope, "root_path": prefix, "path": prefix + path, "raw_path": prefix.encode() + raw}

    def _most_bytes(self, scope: Scope) -> int:
        is_upload = scope["method"] == "POST" and _UPLOADS.fullmatch(scope["path"])
        return self._upload_bytes if is_upload else _MOST_OTHER_BYTES

    def _refuse(self, scope: Scope, headers: Mapping[str, str], most: int) -> JSONResponse | None:
        """Return why a request is refused before any of it is read."""
        # On this machine only, answer to its own names only, so that no other page leads a browser here.
        is_socket = (scope.get("client") or ("",))[0] != "testclient"
        if self._is_local and is_socket and _host(headers) not in LOOPBACK:
            return JSONResponse({"error": "this server answers to the name of this machine only."}, 400)
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return JSONResponse({"error": "the length of what is sent must be a number."}, 400)
        return JSONResponse({"error": self._too_large(most)}, 413) if int(length) > most else None

    def _too_large(self, most: int) -> str:
        if most == self._upload_bytes:
            return f"an upload may have at most {self._settings.upload_mb:.0f} MB; send the images in several."
        return f"at most {most / 1e6:.0f} MB can be sent here."


def _host(headers: Mapping[str, str]) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _counted(receive: Receive, most: int, sentence: str) -> Receive:
    """Return the same, ended where more comes than was announced, or than may be sent without a length."""
    received = 0

    async def count() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, sentence)
        return message

    return count


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
