"""A real browser for the pages: headless Chromium over its debugging pipe, with Python's own library alone."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip


# The browser reads from file descriptor 3 and writes to 4.
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD_CLOEXEC, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, start=3):
    os.dup2(end, place, inheritable=True)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Page:
    """One open page: what is said to it in the browser's debugging protocol."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser, self._session = browser, session
        self.said: list[str] = []  # errors and warnings of the console

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def open(self, path: Path, width: int, height: int = 900, *, scale: float = 1.0, dark: bool = False) -> None:
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                  mobile=width < 600)  # fmt: skip
        if dark:
            self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._browser.wait_for("Page.loadEventFired", self._session)

    def run(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" and key == " " else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=ord(key[0]), **text
            )

    def see(self, selector: str) -> np.ndarray:
        """Return the pixels (H, W, 3) of the first element of a selector."""
        self.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [r.x + scrollX, r.y + scrollY, r.width, r.height]; })()"
        )
        clip = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {"scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return self._decoded(picture["data"])

    def print_media(self, on: bool = True) -> None:
        self.call("Emulation.setEmulatedMedia", media="print" if on else "")

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    @staticmethod
    def _decoded(data: str) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


class Browser:
    """A running Chromium; messages go through a pipe, each ended by a zero byte."""

    def __init__(self, program: str, profile: Path) -> None:
        read_end, self._out = os.pipe()
        self._in, write_end = os.pipe()
        started = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        command = [sys.executable, "-c", _START, str(read_end), str(write_end), *started]
        self.process = subprocess.Popen(
            command, pass_fds=(read_end, write_end), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for end in (read_end, write_end):
            os.close(end)
        self._number, self._rest = 0, b""
        self._events: list[dict[str, Any]] = []
        self._pages: dict[str, Page] = {}

    def new_page(self) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._pages[session] = Page(self, session)
        return self._pages[session]

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])

    def wait_for(self, event: str, session: str) -> None:
        while not any(e["method"] == event and e.get("sessionId") == session for e in self._events):
            self._next()
        self._events.clear()

    def close(self) -> None:
        self.call("Browser.close")
        self.process.wait(timeout=30)
        os.close(self._out)
        os.close(self._in)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        one, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        if "method" in message:
            self._events.append(message)
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        page, said = self._pages.get(message.get("sessionId", "")), message["params"]
        if page is None:
            return
        if message["method"] == "Runtime.exceptionThrown":
            page.said.append(said["exceptionDetails"]["text"])
        elif message["method"] == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            page.said.append(said["entry"]["text"])
        elif message["method"] == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            page.said.append(str(said["args"]))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; tests are skipped where there is none."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"none of {', '.join(_NAMES)} is on the PATH")
    return program


@pytest.fixture(scope="session")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests."""
    running = Browser(chromium, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture
def opened(browser: Browser) -> Callable[..., Page]:
    """Return what opens a file in a page of its own."""

    def open_page(path: Path, width: int, height: int = 900, **options: Any) -> Page:
        page = browser.new_page()
        page.open(path, width, height, **options)
        return page

    return open_page
