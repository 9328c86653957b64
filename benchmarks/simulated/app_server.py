"""The web app in a process of its own, for scripts that open its pages in a browser."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the app; give its address."""
    command = [sys.executable, "-m", "cell_pipelines", "app", "--folder", "jobs", "--port", "0", "--no-open"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"http\S+", process.stdout.readline() if process.stdout else "")
            if found is None:
                raise SystemExit("the server did not start.")
            yield found[0]
        finally:
            process.terminate()
